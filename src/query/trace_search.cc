// TraceReader::Search: a page of traces, and what a list shows of them.
#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "query/failures.h"
#include "query/span_sql.h"
#include "query/time_windows.h"
#include "query/trace_judge.h"
#include "query/trace_query.h"
#include "query/traces.h"

namespace sightline::query {
namespace {

// How many of the first spans are read at once for each trace wanted, and in all: traces have several matching spans.
constexpr uint32_t kSpansPerTrace = 4, kSpansPerReadMax = 100'000;
constexpr uint32_t kSpansGrowth = 4;
// Candidates that are judged for one page; where fewer match than the page takes, the next one goes on behind them.
constexpr size_t kJudgedTracesMax = 2000;
// The engine refuses statements of more than 256 kB; an id takes 68 bytes.
constexpr size_t kIdsPerStatementMax = 3072;
// Of one trace, for its failures; beyond it causes may be named that have a cause themselves.
constexpr uint32_t kFailedSpansMax = 200, kParentsMax = 10'000;

std::vector<std::string> TraceIds(const std::vector<TraceSummary>& traces) {
  std::vector<std::string> ids;
  for (const auto& trace : traces) ids.push_back(trace.trace_id);
  return ids;
}

// The order of a list: by the key downwards, then by trace id upwards.
class Order {
 public:
  explicit Order(TraceSort sort) : newest_(sort == TraceSort::kNewest) {}

  std::string Sql() const { return std::string(newest_ ? "Timestamp" : "Duration") + " DESC, TraceId, SpanId"; }
  uint64_t Key(const SpanPoint& span) const {
    return newest_ ? static_cast<uint64_t>(span.start_unix_nanos) : span.duration_nanos;
  }
  // Spans behind the cursor, and with `not_behind` those before it or on it.
  void AddBehind(Conditions& conditions, const TraceCursor& cursor, bool not_behind = false) const {
    const std::string column = newest_ ? "Timestamp" : "Duration";
    const std::string number = std::to_string(cursor.key);
    const std::string key = newest_ ? "fromUnixTimestamp64Nano(" + conditions.Bind("Int64", number) + ")"
                                    : conditions.Bind("UInt64", number);
    const std::string id = "toFixedString(unhex(" + conditions.BindText(cursor.trace_id) + "), 16)";
    // The first part is what an index understands.
    conditions.Add(column + (not_behind ? " >= " : " <= ") + key);
    conditions.Add("(" + column + " != " + key + " OR TraceId " + (not_behind ? "<= " : "> ") + id + ")");
  }

 private:
  const bool newest_;
};

// One search: reads matching spans in the list's order, piece by piece, until enough traces have come. A trace comes
// with its first span; on later pages those whose first span stood before the cursor are left out by asking for it.
// Thread: of its owner.
class Search {
 public:
  // `judge`: of a search in TraceQL; null otherwise.
  Search(Question& question, const std::vector<otlp::HotAttribute>& hot_attributes, const TraceSearch& wanted,
         TraceJudge* judge)
      : question_(question), hot_attributes_(hot_attributes), wanted_(wanted), judge_(judge), order_(wanted.sort) {}

  Result<TracePage> Run() {
    SIGHTLINE_TRY(Begin());
    SIGHTLINE_TRY(FindMatches());
    TracePage page;
    if (traces_.size() > wanted_.limit) {
      traces_.resize(wanted_.limit);
      page.next = CursorAt(traces_.back().matched);
      if (!exact_) page.next = CursorAt(candidates_[wanted_.limit - 1]);
    } else if (judged_up_to_) {
      page.next = CursorAt(*judged_up_to_);
    }
    SIGHTLINE_TRY(Summarize());
    SIGHTLINE_TRY(AddFailures());
    page.traces = std::move(traces_);
    page.scanned = question_.stats();
    return page;
  }

 private:
  Result<void> Begin() {
    SpanFilter filter = wanted_.filter;
    if (wanted_.cursor) {
      begin_ = *wanted_.cursor;
      filter.from_unix_nanos = begin_.from_unix_nanos;
      filter.to_unix_nanos = begin_.to_unix_nanos;
    } else {
      begin_.sort = wanted_.sort;
      begin_.from_unix_nanos = filter.from_unix_nanos;
      begin_.to_unix_nanos = filter.to_unix_nanos;
      // Blocks are stored in the order of their numbers: what has none above it is all that is there now. The engine
      // knows both of each part without reading it.
      SIGHTLINE_TRY(question_.ForEachRow("SELECT max(Block), max(Timestamp) FROM " + question_.Table("spans"), {},
                                         [&](RowReader& row) {
                                           begin_.block = row.Number<uint64_t>();
                                           last_unix_nanos_ = row.Number<int64_t>();
                                         }));
    }
    auto conditions = MatchConditions(filter, hot_attributes_, question_, exact_);
    if (!conditions) return std::unexpected(conditions.error());
    conditions_ = std::move(*conditions);
    conditions_.Add("Block <= " + conditions_.Bind("UInt64", std::to_string(begin_.block)));
    return {};
  }

  TraceCursor CursorAt(const SpanPoint& span) const {
    TraceCursor cursor = begin_;
    cursor.key = order_.Key(span);
    cursor.trace_id = span.trace_id;
    return cursor;
  }

  // One more than wanted, if there is one.
  Result<void> FindMatches() {
    std::optional<TraceCursor> position = wanted_.cursor;
    uint32_t limit = std::min(kSpansPerReadMax, (wanted_.limit + 1) * kSpansPerTrace);
    bool more = true;
    while (more && traces_.size() <= wanted_.limit) {
      auto piece = ReadPiece(position, limit);
      if (!piece) return std::unexpected(piece.error());
      SIGHTLINE_TRY(DropShown(piece->first));
      SIGHTLINE_TRY(exact_ ? AddAll(piece->first) : AddJudged(piece->first));
      if (judged_up_to_) return {};
      more = piece->more;
      if (more) position = CursorAt(piece->last);
      limit = std::min(kSpansPerReadMax, limit * kSpansGrowth);
    }
    return {};
  }

  void Add(SpanPoint matched) {
    TraceSummary trace;
    trace.trace_id = matched.trace_id;
    trace.matched = std::move(matched);
    traces_.push_back(std::move(trace));
  }

  Result<void> AddAll(std::vector<SpanPoint>& spans) {
    for (auto& span : spans) {
      if (traces_.size() > wanted_.limit) break;
      Add(std::move(span));
    }
    return {};
  }

  // Those whose traces match, in the order of their candidates. Some at a time: a page may be full soon.
  Result<void> AddJudged(const std::vector<SpanPoint>& candidates) {
    size_t some = wanted_.limit + 1;
    for (size_t done = 0; done < candidates.size() && traces_.size() <= wanted_.limit; done += some) {
      some = std::min({some, candidates.size() - done, kJudgedTracesMax - judged_});
      const std::vector<SpanPoint> next(candidates.begin() + static_cast<ptrdiff_t>(done),
                                        candidates.begin() + static_cast<ptrdiff_t>(done + some));
      auto matches = judge_->Judge(next);
      if (!matches) return std::unexpected(matches.error());
      for (const SpanPoint& candidate : next) {
        const auto found = matches->find(candidate.trace_id);
        if (found == matches->end()) continue;
        Add(First(found->second));
        candidates_.push_back(candidate);
      }
      judged_ += some;
      if (judged_ < kJudgedTracesMax) continue;
      if (traces_.size() <= wanted_.limit) judged_up_to_ = next.back();
      return {};
    }
    return {};
  }

  // In the list's order.
  SpanPoint First(const std::vector<SpanPoint>& matched) const {
    return *std::ranges::max_element(matched, {}, [&](const SpanPoint& span) { return order_.Key(span); });
  }

  // Matches that follow one another in the list's order.
  struct Piece {
    size_t spans = 0;
    std::vector<SpanPoint> first;  // of each trace that no piece before had
    SpanPoint last;
    bool more = true;  // there may be matches behind the last one
  };

  // The next matches: `limit` of them, or fewer that have traces enough, or all there are.
  Result<Piece> ReadPiece(const std::optional<TraceCursor>& position, uint32_t limit) {
    Piece piece;
    Conditions rest = conditions_;
    if (position) order_.AddBehind(rest, *position);
    if (wanted_.sort != TraceSort::kNewest) {
      SIGHTLINE_TRY(ReadMatches(rest, limit, piece));
      piece.more = piece.spans == limit;
      return piece;
    }
    TimeWindow range{begin_.from_unix_nanos, begin_.to_unix_nanos};
    // Windows begin where spans are: after a quiet time the first ones would be empty, and the next ones long.
    if (last_unix_nanos_ < range.to_unix_nanos) range.to_unix_nanos = last_unix_nanos_ + 1;
    // From the position's time on, which stays in too.
    if (position && position->key < static_cast<uint64_t>(range.to_unix_nanos)) {
      range.to_unix_nanos = static_cast<int64_t>(position->key) + 1;
    }
    TimeWindows windows(/*newest=*/true, range);
    while (piece.spans < limit && traces_.size() + piece.first.size() <= wanted_.limit) {
      const auto window = windows.Next(piece.first.size(), wanted_.limit + 1 - traces_.size());
      if (!window) {
        piece.more = false;
        break;
      }
      Conditions conditions = rest;
      conditions.AddTimeRange(window->from_unix_nanos, window->to_unix_nanos);
      SIGHTLINE_TRY(ReadMatches(conditions, limit, piece));
    }
    return piece;
  }

  // Until the piece has `limit` spans.
  Result<void> ReadMatches(const Conditions& conditions, uint32_t limit, Piece& piece) {
    return question_.ForEachRow("SELECT " + std::string(kPointColumns) + " FROM " + question_.Table("spans") +
                                    " WHERE " + conditions.Sql() + " ORDER BY " + order_.Sql() + " LIMIT " +
                                    std::to_string(limit - piece.spans),
                                conditions.parameters(), [&](RowReader& row) {
                                  piece.last = ReadPoint(row);
                                  ++piece.spans;
                                  if (seen_.insert(piece.last.trace_id).second) piece.first.push_back(piece.last);
                                });
  }

  // Of traces that pages before this one had.
  Result<void> DropShown(std::vector<SpanPoint>& spans) {
    if (!wanted_.cursor) return {};
    std::set<std::string> shown;
    for (size_t done = 0; done < spans.size(); done += kIdsPerStatementMax) {
      std::vector<std::string> ids;
      for (size_t i = done; i < std::min(spans.size(), done + kIdsPerStatementMax); ++i) {
        ids.push_back(spans[i].trace_id);
      }
      Conditions conditions = conditions_;
      order_.AddBehind(conditions, *wanted_.cursor, /*not_behind=*/true);
      conditions.Add("TraceId IN " + TraceIdList(ids));
      SIGHTLINE_TRY(question_.ForEachRow(
          "SELECT DISTINCT TraceId FROM " + question_.Table("spans") + " WHERE " + conditions.Sql() + kSkipFirst,
          conditions.parameters(), [&](RowReader& row) { shown.insert(row.Hex(16)); }));
    }
    std::erase_if(spans, [&](const SpanPoint& span) { return shown.contains(span.trace_id); });
    return {};
  }

  // Around the matched spans.
  Conditions OfTraces(const std::vector<std::string>& ids) const {
    const auto [first, last] = std::ranges::minmax_element(
        traces_, {}, [](const TraceSummary& trace) { return trace.matched.start_unix_nanos; });
    Conditions conditions;
    conditions.Add("TraceId IN " + TraceIdList(ids));
    conditions.AddTimeRange(first->matched.start_unix_nanos - kTraceReachNanos,
                            std::min(last->matched.start_unix_nanos, INT64_MAX - kTraceReachNanos) + kTraceReachNanos);
    return conditions;
  }

  using Parents = std::map<std::string, std::string>;  // by span id
  // Comes with the summary, as a statement of its own costs 8 ms. One failed span has no other below it, whatever else
  // its trace holds.
  static std::string ParentsColumn() {
    return "if(countIf(StatusCode = 'Error') > 1, groupArray(" + std::to_string(kParentsMax) +
           ")((SpanId, ParentSpanId)), [])";
  }
  static Parents ReadParents(RowReader& row) {
    const auto pairs = row.Array([&] {
      auto span_id = row.Hex(8);
      return std::pair(std::move(span_id), row.SpanIdOrNone());
    });
    return {pairs.begin(), pairs.end()};
  }

  Result<void> Summarize() {
    if (traces_.empty()) return {};
    std::unordered_map<std::string, TraceSummary*> by_id;
    for (auto& trace : traces_) by_id[trace.trace_id] = &trace;
    auto take = [&](RowReader& row) {
      TraceSummary read;
      read.trace_id = row.Hex(16);
      read.spans = row.Number<uint64_t>();
      read.errors = row.Number<uint64_t>();
      read.start_unix_nanos = row.Number<int64_t>();
      read.duration_nanos = static_cast<uint64_t>(std::max<int64_t>(row.Number<int64_t>() - read.start_unix_nanos, 0));
      read.root_service = row.Text();
      read.root_name = row.Text();
      read.root_status = row.Text();
      read.root_missing = row.Number<uint64_t>() == 0;
      read.services = row.Texts();
      Parents parents = ReadParents(row);
      const auto found = by_id.find(read.trace_id);
      if (found == by_id.end()) return;
      parents_[read.trace_id] = std::move(parents);
      read.matched = std::move(found->second->matched);
      *found->second = std::move(read);
    };
    constexpr std::string_view kNoParent = "ParentSpanId = toFixedString('', 8)";
    const std::string root_first = "(not(" + std::string(kNoParent) + "), Timestamp, SpanId)";
    const Conditions conditions = OfTraces(TraceIds(traces_));
    return question_.ForEachRow(
        "SELECT TraceId, count(), countIf(StatusCode = 'Error'), min(Timestamp), "
        "max(toUnixTimestamp64Nano(Timestamp) + toInt64(Duration)), argMin(ServiceName, " +
            root_first + "), argMin(SpanName, " + root_first + "), argMin(StatusCode, " + root_first + "), countIf(" +
            std::string(kNoParent) + "), arraySort(groupUniqArray(ServiceName)), " + ParentsColumn() + " FROM " +
            question_.Table("spans") + " WHERE " + conditions.Sql() + " GROUP BY TraceId" + kSkipFirst,
        conditions.parameters(), take);
  }

  Result<void> AddFailures() {
    std::vector<std::string> ids;
    for (const auto& trace : traces_) {
      if (trace.errors > 0) ids.push_back(trace.trace_id);
    }
    if (ids.empty()) return {};
    Conditions conditions = OfTraces(ids);
    conditions.Add("StatusCode = 'Error'");
    std::unordered_map<std::string, std::vector<FailedSpan>> failed;
    auto read = [&](RowReader& row) {
      FailedSpan span = ReadFailedSpan(row, hot_attributes_);
      failed[span.trace_id].push_back(std::move(span));
    };
    SIGHTLINE_TRY(question_.ForEachRow("SELECT " + FailedSpanColumns(hot_attributes_) + " FROM " +
                                           question_.Table("spans") + " WHERE " + conditions.Sql() +
                                           " ORDER BY Timestamp, SpanId LIMIT " + std::to_string(kFailedSpansMax) +
                                           " BY TraceId" + kSkipFirst,
                                       conditions.parameters(), read));
    for (auto& trace : traces_) {
      trace.failures = LikelyCauses(failed[trace.trace_id], parents_[trace.trace_id]);
    }
    return {};
  }

  Question& question_;
  const std::vector<otlp::HotAttribute>& hot_attributes_;
  const TraceSearch& wanted_;
  TraceJudge* const judge_;
  const Order order_;
  TraceCursor begin_;                     // the first page's range and block
  int64_t last_unix_nanos_ = INT64_MAX;   // no span starts later; known on the first page
  Conditions conditions_;                 // on spans, of all pages
  std::unordered_set<std::string> seen_;  // trace ids of the matches read so far
  std::vector<TraceSummary> traces_;
  bool exact_ = true;                                 // what the conditions find is the answer; else:
  std::vector<SpanPoint> candidates_;                 // of each of traces_, for the cursor
  size_t judged_ = 0;                                 // candidates
  std::optional<SpanPoint> judged_up_to_;             // the page ends here, though it is not full
  std::unordered_map<std::string, Parents> parents_;  // by trace id
};

Result<void> Check(const TraceSearch& search) {
  if (search.limit == 0 || search.limit > kTracesMax) {
    return Fail(Code::kInvalidArgument, "limit {} is not within 1 to {}", search.limit, kTracesMax);
  }
  if (!search.cursor) return CheckRange(search.filter);
  const TraceCursor& cursor = *search.cursor;
  if (cursor.sort != search.sort) {
    return Fail(Code::kInvalidArgument, "the cursor is of a list in another order\nstart again without the cursor");
  }
  if (cursor.trace_id.size() != 32 || cursor.trace_id.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return Fail(Code::kInvalidArgument, "the cursor is not one of this list\nstart again without the cursor");
  }
  return {};
}

}  // namespace

Result<TracePage> TraceReader::Search(const TraceSearch& search, store::Cancellation* cancellation) {
  SIGHTLINE_TRY(Check(search));
  Question question(clickhouse_, database_, cancellation);
  if (search.filter.query == nullptr) return query::Search(question, hot_attributes_, search, nullptr).Run();
  TraceJudge judge(question, hot_attributes_, filled_lately_, sets_, search.filter.query->pipeline());
  return query::Search(question, hot_attributes_, search, &judge).Run();
}

}  // namespace sightline::query
