#include "serve/metric_filter.h"

#include "traceql/parse.h"

namespace sightline::serve {

std::expected<MetricFilter, std::string> ParseMetricFilter(const std::string& text) {
  if (text.empty()) return MetricFilter();
  auto parsed = traceql::ParseSpanCondition(text);
  if (!parsed) return std::unexpected(traceql::DescribeParseError(text, parsed.error()));
  return std::make_shared<const traceql::Expression>(*std::move(parsed));
}

MetricFilter ReadMetricFilter(Params& params) {
  auto filter = ParseMetricFilter(params.Text("filter"));
  if (filter) return *std::move(filter);
  params.Refuse("filter", {Code::kInvalidArgument, filter.error()});
  return nullptr;
}

}  // namespace sightline::serve
