// Which streams an instrument has, by the views of its provider.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "metrics/attribute_filter.h"
#include "otel/meter_provider.h"

namespace otel::internal {

// What identifies an instrument of a meter, and what it advises.
struct InstrumentDescriptor {
  InstrumentKind kind = InstrumentKind::kCounter;
  bool is_double = false;
  std::string name, unit, description;
  std::optional<std::vector<double>> boundaries;

  bool IsIdenticalTo(const InstrumentDescriptor& other) const {  // the names are known to be the same
    return kind == other.kind && is_double == other.is_double && unit == other.unit && description == other.description;
  }
};

bool IsObservable(InstrumentKind kind);
// Whether the values of its sums only grow.
bool IsMonotonic(InstrumentKind kind);
// Whether no value is negative.
bool IsNonNegative(InstrumentKind kind);
std::string_view NameOf(InstrumentKind kind);

bool IsValidName(std::string_view name);
bool AreValidBoundaries(const std::vector<double>& boundaries);
char LowerCase(char character);                           // of ASCII
bool IsSameName(std::string_view a, std::string_view b);  // whatever the case

bool Selects(const InstrumentSelector& selector, const InstrumentDescriptor& instrument,
             const InstrumentationScope& scope);

struct ResolvedStream {
  std::string name, description;
  AttributeFilter filter;
  Aggregation aggregation;  // neither default nor drop
  size_t cardinality_limit = 0;
  ExemplarReservoirFactory exemplar_reservoir;
};

// Reports views that can't be applied.
std::vector<ResolvedStream> ResolveStreams(const std::vector<View>& views, const MetricReaderOptions& reader,
                                           const InstrumentDescriptor& instrument, const InstrumentationScope& scope);

}  // namespace otel::internal
