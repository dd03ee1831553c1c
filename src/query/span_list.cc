#include "query/span_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>

#include "query/encoded_field.h"
#include "query/hot_attributes.h"
#include "query/span_sql.h"
#include "query/time_windows.h"

namespace sightline::query {
namespace {

using traceql::Field;
using traceql::Intrinsic;

// Each row has them.
bool IsThereAnyway(const Field& field) {
  const Intrinsic intrinsic = field.of_parent ? Intrinsic::kNone : field.intrinsic;
  return intrinsic == Intrinsic::kDuration || intrinsic == Intrinsic::kTraceId || intrinsic == Intrinsic::kSpanId;
}

// Those of select() stages.
void AddSelected(const traceql::Pipeline& pipeline, std::vector<Field>& fields) {
  for (const auto& stage : pipeline.stages) {
    const auto* select = std::get_if<traceql::Select>(&stage.node);
    if (select != nullptr) fields.insert(fields.end(), select->fields.begin(), select->fields.end());
  }
}

// One question. Thread: of its owner.
class Reading {
 public:
  Reading(ItemSource& source, Question& question, const SpanListSearch& search)
      : source_(source),
        question_(question),
        search_(search),
        newest_(search.sort == TraceSort::kNewest),
        columns_{hot_attributes_, question.Table("attribute_sets")} {}

  Result<void> Begin() {
    auto hot = HotAttributesIn(question_, source_.hot_attributes(), search_.query.from_unix_nanos,
                               search_.query.to_unix_nanos);
    if (!hot) return std::unexpected(hot.error());
    hot_attributes_ = *std::move(hot);
    return ChooseFields();
  }

  Result<void> ChooseFields() {
    std::vector<Field> fields;
    for (const std::string& name : search_.select) {
      auto field = ParseField(name, /*of_logs=*/false);
      if (!field) return std::unexpected(field.error());
      fields.push_back(*std::move(field));
    }
    if (search_.query.spans != nullptr) AddSelected(search_.query.spans->pipeline(), fields);
    for (Field& field : fields) {
      const std::string name = traceql::PrintField(field);
      if (IsThereAnyway(field) || std::ranges::find(page_.fields, name) != page_.fields.end()) continue;
      Conditions checked;
      if (auto sql = EncodedField(field, columns_, checked); !sql) return std::unexpected(sql.error());
      page_.fields.push_back(name);
      fields_.push_back(std::move(field));
    }
    if (fields_.size() <= kSpanListFieldsMax) return {};
    return Fail(Code::kInvalidArgument, "{} fields are more than {}", fields_.size(), kSpanListFieldsMax);
  }

  // True: the query is about single spans, and all is done.
  Result<bool> RunOnSpans() {
    if (search_.cursor) {
      begin_ = *search_.cursor;
    } else {
      SIGHTLINE_TRY(question_.ForEachRow("SELECT max(Block), max(Timestamp) FROM " + question_.Table("spans"), {},
                                         [&](RowReader& row) {
                                           begin_.block_max = row.Number<uint64_t>();
                                           last_unix_nanos_ = row.Number<int64_t>();
                                         }));
    }
    Conditions conditions;
    if (search_.query.spans != nullptr &&
        !search_.query.spans->AddCandidates(conditions, hot_attributes_, question_.Table("attribute_sets"))) {
      return false;
    }
    conditions.Add("Block <= " + conditions.Bind("UInt64", std::to_string(begin_.block_max)));
    if (search_.cursor) AddBehindCursor(conditions);
    SIGHTLINE_TRY(Find(conditions));
    if (page_.spans.size() > search_.limit) {
      page_.spans.pop_back();
      const ListedSpan& last = page_.spans.back();
      page_.next = SpanListCursor{begin_.block_max, Key(last.span), last.span.trace_id, last.span.span_id, last.block};
    }
    return true;
  }

  // Of traces that were judged.
  Result<void> RunOnTraces(TraceReader& traces, store::Cancellation* cancellation) {
    TraceSearch search{.sort = search_.sort, .limit = search_.limit};
    search.filter.from_unix_nanos = search_.query.from_unix_nanos;
    search.filter.to_unix_nanos = search_.query.to_unix_nanos;
    search.filter.query = search_.query.spans;
    if (search_.cursor) {
      search.cursor = TraceCursor{
          search_.sort,        search_.query.from_unix_nanos, search_.query.to_unix_nanos, search_.cursor->block_max,
          search_.cursor->key, search_.cursor->trace_id};
    }
    auto found = traces.Search(search, cancellation);
    if (!found) return std::unexpected(found.error());
    question_.Add(found->scanned);
    if (found->next) {
      page_.next = SpanListCursor{found->next->block, found->next->key, found->next->trace_id, "", 0};
    }
    std::vector<SpanPoint> candidates;
    for (auto& trace : found->traces) candidates.push_back(std::move(trace.matched));
    auto matches = source_.Judge(question_, search_.query.spans->pipeline(), candidates);
    if (!matches) return std::unexpected(matches.error());
    std::vector<SpanPoint> spans;
    for (const SpanPoint& candidate : candidates) {
      const auto of_trace = matches->find(candidate.trace_id);
      if (of_trace == matches->end()) continue;
      for (const SpanPoint& span : of_trace->second) {
        if (&span - of_trace->second.data() == kSpansOfTraceListedMax) {
          page_.is_cut = true;
          break;
        }
        spans.push_back(span);
      }
    }
    return AddNamed(std::move(spans));
  }

  SpanListPage Take() {
    page_.scanned = question_.stats();
    return std::move(page_);
  }

 private:
  uint64_t Key(const SpanPoint& span) const {
    return newest_ ? static_cast<uint64_t>(span.start_unix_nanos) : span.duration_nanos;
  }

  void AddBehindCursor(Conditions& conditions) const {
    const std::string number = std::to_string(begin_.key);
    const std::string column = newest_ ? "Timestamp" : "Duration";
    const std::string key = newest_ ? "fromUnixTimestamp64Nano(" + conditions.Bind("Int64", number) + ")"
                                    : conditions.Bind("UInt64", number);
    // The first part is what an index understands.
    conditions.Add(column + " <= " + key);
    conditions.Add(
        fmt::format("({0} != {1} OR (TraceId, SpanId, Block) > (toFixedString(unhex({2}), 16), "
                    "toFixedString(unhex({3}), 8), {4}))",
                    column, key, conditions.BindText(begin_.trace_id), conditions.BindText(begin_.span_id),
                    conditions.Bind("UInt64", std::to_string(begin_.block))));
  }

  // One more than wanted, if there is one.
  Result<void> Find(const Conditions& conditions) {
    TimeWindow range{search_.query.from_unix_nanos, search_.query.to_unix_nanos};
    if (!newest_) return ReadRows(conditions, range);
    // Windows begin where spans are.
    if (!search_.cursor) range.to_unix_nanos = std::min(range.to_unix_nanos, last_unix_nanos_ + 1);
    if (search_.cursor && begin_.key < static_cast<uint64_t>(range.to_unix_nanos)) {
      range.to_unix_nanos = static_cast<int64_t>(begin_.key) + 1;
    }
    TimeWindows windows(/*newest=*/true, range);
    while (page_.spans.size() <= search_.limit) {
      const auto window = windows.Next(page_.spans.size(), search_.limit + 1);
      if (!window) break;
      SIGHTLINE_TRY(ReadRows(conditions, *window));
    }
    return {};
  }

  Result<void> ReadRows(Conditions conditions, const TimeWindow& window) {
    conditions.AddTimeRange(window.from_unix_nanos, window.to_unix_nanos);
    const std::string tail = fmt::format(" ORDER BY {} DESC, TraceId, SpanId, Block LIMIT {}",
                                         newest_ ? "Timestamp" : "Duration", search_.limit + 1 - page_.spans.size());
    return ReadSpans(std::move(conditions), tail, [&](ListedSpan span) { page_.spans.push_back(std::move(span)); });
  }

  template <typename Take>
  Result<void> ReadSpans(Conditions conditions, const std::string& tail, Take take) {
    std::string literals;
    for (const Field& field : fields_) {
      literals += (literals.empty() ? "" : ", ") + *EncodedField(field, columns_, conditions);
    }
    if (literals.empty()) literals = "''";
    return question_.ForEachRow(fmt::format("SELECT {}, Block, [{}] FROM {} WHERE {}{}{}", kPointColumns, literals,
                                            question_.Table("spans"), conditions.Sql(), tail, kSkipFirst),
                                conditions.parameters(), [&](RowReader& row) {
                                  ListedSpan span;
                                  span.span = ReadPoint(row);
                                  span.block = row.Number<uint64_t>();
                                  for (const auto& value : row.Texts()) span.literals.push_back(DecodedField(value));
                                  span.literals.resize(fields_.size());
                                  take(std::move(span));
                                });
  }

  // In their order, with their values.
  Result<void> AddNamed(std::vector<SpanPoint> spans) {
    if (spans.empty()) return {};
    std::map<std::pair<std::string, std::string>, std::vector<std::string>> literals;
    constexpr size_t kAtOnce = 2000;  // a statement has at most 256 kB
    for (size_t done = 0; done < spans.size() && !fields_.empty(); done += kAtOnce) {
      const std::span some(spans.begin() + static_cast<ptrdiff_t>(done),
                           spans.begin() + static_cast<ptrdiff_t>(std::min(spans.size(), done + kAtOnce)));
      SIGHTLINE_TRY(ReadSpans(NamedSpans(some), "", [&](ListedSpan span) {
        literals[{span.span.trace_id, span.span.span_id}] = std::move(span.literals);
      }));
    }
    for (SpanPoint& span : spans) {
      auto values = literals[{span.trace_id, span.span_id}];
      values.resize(fields_.size(), "nil");
      page_.spans.push_back({std::move(span), std::move(values), 0});
    }
    return {};
  }

  ItemSource& source_;
  Question& question_;
  const SpanListSearch& search_;
  const bool newest_;
  std::vector<otlp::HotAttribute> hot_attributes_;  // as they are within the range
  const FieldColumns columns_;
  std::vector<Field> fields_;
  SpanListCursor begin_;
  int64_t last_unix_nanos_ = INT64_MAX - 1;
  SpanListPage page_;
};

}  // namespace

Result<SpanListPage> SpanListReader::Read(const SpanListSearch& search, store::Cancellation* cancellation) {
  if (search.limit == 0 || search.limit > kSpanListMax) {
    return Fail(Code::kInvalidArgument, "limit {} is not within 1 to {}", search.limit, kSpanListMax);
  }
  Question question = source_.Ask(cancellation);
  Reading reading(source_, question, search);
  SIGHTLINE_TRY(reading.Begin());
  auto done = reading.RunOnSpans();
  if (!done) return std::unexpected(done.error());
  if (!*done) SIGHTLINE_TRY(reading.RunOnTraces(traces_, cancellation));
  return reading.Take();
}

}  // namespace sightline::query
