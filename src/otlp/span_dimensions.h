// Attributes by which calls are told apart beside service, span name, kind and status: the `dimensions` of the
// Collector's spanmetrics connector. Data: a span's attributes and its resource -> the text of the column Dimensions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "otlp/attribute_text.h"
#include "otlp/limits.h"
#include "otlp/span_metrics_options.h"

namespace sightline::otlp {

// Thread: of its owner.
class DimensionReader {
 public:
  // `dimensions` must outlive it.
  DimensionReader(const std::vector<Dimension>& dimensions, const Limits& limits);

  // A JSON object of texts in the order of the dimensions, good until the next call; "" if there are none.
  // `attributes`: KeyValue messages of the span; `resource`: the Resource message. Of a repeated key the first counts.
  std::string_view Read(const std::vector<std::string_view>& attributes, std::string_view resource);
  // The same for a Span message.
  std::string_view ReadSpan(std::string_view span, std::string_view resource);
  // The value of dimension number `i` in what was read last; null if it has none.
  const std::string* Value(size_t i) const;
  size_t size() const { return dimensions_.size(); }

 private:
  void Look(std::string_view key_value, std::vector<std::optional<std::string>>& values);
  void ReadResource(std::string_view resource);
  std::string_view Write();

  const std::vector<Dimension>& dimensions_;
  TextMender value_mender_, name_mender_;
  std::vector<std::optional<std::string>> span_values_, resource_values_;  // of each dimension
  std::optional<uint64_t> resource_hash_;                                  // whose values these are
  std::string text_;
};

}  // namespace sightline::otlp
