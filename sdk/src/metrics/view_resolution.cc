#include "metrics/view_resolution.h"

#include <algorithm>
#include <cmath>

#include "common/report.h"

namespace otel {
namespace internal {
namespace {

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// The star that was seen last takes one character more each time the rest does not match: linear but for stars before
// it.
bool MatchesPattern(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, star_end = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_end = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || LowerCase(pattern[p]) == LowerCase(text[t]))) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_end;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

Aggregation ByKind(const InstrumentDescriptor& instrument) {
  switch (instrument.kind) {
    case InstrumentKind::kHistogram: {
      ExplicitBucketHistogramAggregation histogram;
      if (instrument.boundaries) histogram.boundaries = *instrument.boundaries;
      return histogram;
    }
    case InstrumentKind::kGauge:
    case InstrumentKind::kObservableGauge:
      return LastValueAggregation();
    default:
      return SumAggregation();
  }
}

// Empty where the aggregation can be applied, else why not.
std::string_view WhyNot(const Aggregation& aggregation, InstrumentKind kind) {
  const auto* const explicit_buckets = std::get_if<ExplicitBucketHistogramAggregation>(&aggregation);
  const auto* const exponential = std::get_if<Base2ExponentialBucketHistogramAggregation>(&aggregation);
  if ((explicit_buckets || exponential) && IsObservable(kind)) return "an observable instrument makes no histogram";
  if (explicit_buckets && !AreValidBoundaries(explicit_buckets->boundaries)) {
    return "bucket boundaries must be finite and increasing";
  }
  if (exponential && (exponential->max_size < 2 || exponential->max_scale < -10 || exponential->max_scale > 20)) {
    return "an exponential histogram has at least 2 buckets and a scale from -10 to 20";
  }
  return {};
}

// Nothing where the aggregation can't be applied.
std::optional<Aggregation> Resolve(const Aggregation& wanted, const MetricReaderOptions& reader,
                                   const InstrumentDescriptor& instrument, std::string_view whose) {
  Aggregation aggregation = wanted;
  if (std::holds_alternative<DefaultAggregation>(aggregation) && reader.aggregation) {
    aggregation = reader.aggregation(instrument.kind);
  }
  if (std::holds_alternative<DefaultAggregation>(aggregation)) aggregation = ByKind(instrument);
  const std::string_view why_not = WhyNot(aggregation, instrument.kind);
  if (why_not.empty()) return aggregation;
  Report("metrics", std::string(whose) + " of " + instrument.name + " is ignored: " + std::string(why_not));
  return std::nullopt;
}

}  // namespace

bool IsObservable(InstrumentKind kind) {
  return kind >= InstrumentKind::kObservableCounter;
}

bool IsMonotonic(InstrumentKind kind) {
  return kind == InstrumentKind::kCounter || kind == InstrumentKind::kObservableCounter ||
         kind == InstrumentKind::kHistogram;
}

bool IsNonNegative(InstrumentKind kind) {
  return kind == InstrumentKind::kCounter || kind == InstrumentKind::kHistogram;
}

std::string_view NameOf(InstrumentKind kind) {
  constexpr std::string_view kNames[] = {"counter",         "up-down counter",    "histogram",
                                         "gauge",           "observable counter", "observable up-down counter",
                                         "observable gauge"};
  return kNames[static_cast<size_t>(kind)];
}

bool IsValidName(std::string_view name) {
  constexpr size_t kNameBytesMax = 255;
  if (name.empty() || name.size() > kNameBytesMax || !IsLetter(name[0])) return false;
  return std::ranges::all_of(name, [](char c) {
    return IsLetter(c) || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-' || c == '/';
  });
}

bool AreValidBoundaries(const std::vector<double>& boundaries) {
  return std::ranges::all_of(boundaries, [](double bound) { return std::isfinite(bound); }) &&
         std::ranges::adjacent_find(boundaries, std::greater_equal<>()) == boundaries.end();
}

char LowerCase(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool IsSameName(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, LowerCase, LowerCase);
}

bool Selects(const InstrumentSelector& selector, const InstrumentDescriptor& instrument,
             const InstrumentationScope& scope) {
  const auto is = [](const std::optional<std::string>& wanted, const std::string& has) {
    return !wanted.has_value() || *wanted == has;
  };
  return (selector.name.empty() || MatchesPattern(selector.name, instrument.name)) &&
         (!selector.kind.has_value() || *selector.kind == instrument.kind) && is(selector.unit, instrument.unit) &&
         is(selector.meter_name, scope.name) && is(selector.meter_version, scope.version) &&
         is(selector.meter_schema_url, scope.schema_url);
}

std::vector<ResolvedStream> ResolveStreams(const std::vector<View>& views, const MetricReaderOptions& reader,
                                           const InstrumentDescriptor& instrument, const InstrumentationScope& scope) {
  std::vector<ResolvedStream> streams;
  bool viewed = false;
  for (const View& view : views) {
    if (!Selects(view.selector, instrument, scope)) continue;
    const auto aggregation = Resolve(view.aggregation, reader, instrument, "a view");
    if (!aggregation) continue;
    viewed = true;
    if (std::holds_alternative<DropAggregation>(*aggregation)) continue;
    streams.push_back({view.name.value_or(instrument.name), view.description.value_or(instrument.description),
                       AttributeFilter(view.attribute_keys, view.excluded_attribute_keys), *aggregation,
                       view.cardinality_limit.value_or(reader.cardinality_limit), view.exemplar_reservoir});
  }
  if (viewed) return streams;
  const auto aggregation =
      Resolve(DefaultAggregation(), reader, instrument, "the aggregation of a reader").value_or(ByKind(instrument));
  if (std::holds_alternative<DropAggregation>(aggregation)) return streams;
  streams.push_back(
      {instrument.name, instrument.description, AttributeFilter(), aggregation, reader.cardinality_limit, {}});
  return streams;
}

}  // namespace internal

Temporality TemporalityOf(TemporalityPreference preference, InstrumentKind kind) {
  const bool is_delta = [&] {
    switch (kind) {
      case InstrumentKind::kCounter:
      case InstrumentKind::kHistogram:
        return preference != TemporalityPreference::kCumulative;
      case InstrumentKind::kObservableCounter:
        return preference == TemporalityPreference::kDelta;
      default:
        return false;
    }
  }();
  return is_delta ? Temporality::kDelta : Temporality::kCumulative;
}

}  // namespace otel
