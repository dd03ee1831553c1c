#include "query/span_sql.h"

#include "query/hot_attributes.h"
#include "query/trace_query.h"

namespace sightline::query {

std::string TraceIdList(const std::vector<std::string>& ids) {
  std::string list = "(";
  for (const auto& id : ids) {
    list += list.size() > 1 ? ", '" : "'";
    for (size_t i = 0; i < id.size(); i += 2) list.append("\\x").append(id, i, 2);
    list += "'";
  }
  return list + ")";
}

SpanPoint ReadPoint(RowReader& row) {
  SpanPoint span;
  span.trace_id = row.Hex(16);
  span.span_id = row.Hex(8);
  span.service = row.Text();
  span.name = row.Text();
  span.status = row.Text();
  span.start_unix_nanos = row.Number<int64_t>();
  span.duration_nanos = row.Number<uint64_t>();
  return span;
}

Result<void> CheckRange(const SpanFilter& filter) {
  if (filter.from_unix_nanos < filter.to_unix_nanos) return {};
  return Fail(Code::kInvalidArgument, "the time range is empty: from {} to {}", filter.from_unix_nanos,
              filter.to_unix_nanos);
}

Result<Conditions> MatchConditions(const SpanFilter& filter, const std::vector<otlp::HotAttribute>& hot_attributes,
                                   Question& question, bool& exact) {
  Conditions conditions;
  conditions.AddTimeRange(filter.from_unix_nanos, filter.to_unix_nanos);
  conditions.AddService(filter.service);
  if (!filter.span_name.empty()) conditions.Add("SpanName = " + conditions.BindText(filter.span_name));
  if (!filter.status.empty()) conditions.Add("StatusCode = " + conditions.BindText(filter.status));
  if (filter.min_duration_nanos) {
    conditions.Add("Duration >= " + conditions.Bind("UInt64", std::to_string(*filter.min_duration_nanos)));
  }
  if (filter.max_duration_nanos) {
    conditions.Add("Duration <= " + conditions.Bind("UInt64", std::to_string(*filter.max_duration_nanos)));
  }
  exact = true;
  if (filter.attributes.empty() && filter.query == nullptr) return conditions;
  const auto hot = HotAttributesIn(question, hot_attributes, filter.from_unix_nanos, filter.to_unix_nanos);
  if (!hot) return std::unexpected(hot.error());
  SIGHTLINE_TRY(AddAttributeConditions(conditions, filter.attributes, {"SpanAttributes", &*hot}, question));
  if (filter.query != nullptr) {
    exact = filter.query->AddCandidates(conditions, *hot, question.Table("attribute_sets"));
  }
  return conditions;
}

}  // namespace sightline::query
