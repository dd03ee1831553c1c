// Calls and durations of spans before sampling, by service, span name, kind and status, as the Collector's spanmetrics
// connector has them, and of each series a kept span as an exemplar. Data: scanned requests -> counts -> OTLP metrics
// `traces.span.metrics.calls` and `.duration`.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "forward/metric_writer.h"
#include "forward/outgoing.h"
#include "otlp/attribute_text.h"
#include "otlp/columns.h"
#include "otlp/scan.h"
#include "otlp/span_dimensions.h"

namespace sightline::forward {

// The connector's default, in milliseconds.
inline constexpr std::array<double, 16> kDurationBoundsMs = {2,   4,   6,    8,    10,   50,   100,   200,
                                                             400, 800, 1000, 1400, 2000, 5000, 10000, 15000};

// Series beyond `series_max` are counted together as one that says so. Thread: of its owner.
class CallCounts {
 public:
  static const std::vector<otlp::Dimension> kNoDimensions;
  // `dimensions` must outlive it, and be the same for all that are merged.
  explicit CallCounts(uint32_t series_max, const std::vector<otlp::Dimension>& dimensions = kNoDimensions);

  // All accepted spans of the request; `scan` has heads. Each counts for otlp::SpanWeight.
  void Add(std::string_view request, const otlp::Scan& scan);
  // Counts nothing: of these spans the slowest of each series, of as slow ones the last to end, becomes its exemplar
  // unless it has a slower one. They must be kept, as whoever sees an exemplar wants its trace.
  void AddExemplars(std::string_view request, const otlp::Scan& scan);
  void Merge(const CallCounts& other);
  std::string Encode() const;
  // Adds what Encode made, by a program with other dimensions without their values. False for other bytes: then some of
  // it may have been added.
  bool Merge(std::string_view encoded);
  void Clear();
  void ClearWrittenExemplars();  // each is sent once; others wait for the calls of their series
  bool empty() const { return rows_.empty(); }
  uint32_t series() const { return static_cast<uint32_t>(rows_.size()); }
  double overflowed() const;  // calls that are counted together, as there are too many series

  // Appends requests of at most some thousand series each; none for series with an exemplar and no calls.
  // `instance_id`: of the gateway, the attribute collector.instance.id, as several may count the same service.
  void Write(const MetricTimes& times, std::string_view instance_id, std::vector<OutgoingRequest>& out) const;

 private:
  using Durations = Histogram<kDurationBoundsMs.size()>;
  struct Exemplar {
    std::array<char, 16> trace_id{};
    std::array<char, 8> span_id{};
    uint64_t end_unix_nanos = 0;  // 0: there is none
    uint64_t nanos = 0;
    void Merge(const Exemplar& other);
  };
  struct Row {
    uint32_t service = 0, name = 0;  // numbers of services_ and names_ (a text of Series)
    uint8_t kind = 0, status = 0;
    bool is_overflow = false;
    Durations durations;
    Exemplar exemplar;

    void Merge(const Row& other);  // of the same series
  };
  // Calls visit(row, head, nanos) for each accepted span.
  template <typename Visit>
  void ForEachSpan(std::string_view request, const otlp::Scan& scan, Visit visit);
  Row& RowOf(uint32_t service, std::string_view name, uint8_t kind, uint8_t status);
  Row& OverflowRow();
  // Of what Encode made.
  static std::optional<Row> ReadRow(std::string_view message);
  static Exemplar ReadExemplar(std::string_view bytes);
  uint32_t ServiceOf(std::string_view resource);
  uint32_t ServiceNumber(std::string_view name);
  std::string_view WithoutValues(std::string_view series);
  std::string_view Series(std::string_view name, std::string_view span, std::string_view resource);

  const uint32_t series_max_;
  const std::vector<otlp::Dimension>& dimensions_;
  otlp::DimensionReader dimension_reader_;
  std::string series_text_;
  otlp::Interner services_, names_;
  boost::unordered_flat_map<uint64_t, uint32_t> numbers_;  // of service, name, kind and status -> index of rows_
  std::vector<Row> rows_;
  otlp::TextMender mender_;
};

}  // namespace sightline::forward
