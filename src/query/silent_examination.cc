#include "query/silent_examination.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "query/hot_attributes.h"
#include "query/span_sql.h"
#include "query/time_windows.h"

namespace sightline::query {
namespace {

constexpr int64_t kSecondNanos = 1'000'000'000;
// Traces whose spans are read at once, and of one trace: a longer one may be judged by a part of it.
constexpr size_t kTracesPerRead = 500;
constexpr uint32_t kSpansOfTraceMax = 10'000;
constexpr size_t kFoundMax = 10'000;
// How far from a failed span the rest of its trace is looked for. What a request waited for is nearer than that.
constexpr int64_t kRequestReachNanos = 3600 * kSecondNanos;

// The HTTP status as a number; 0: none.
std::string HttpStatusSql(const std::vector<otlp::HotAttribute>& hot_attributes) {
  return fmt::format("greatest(toUInt16OrZero({}), toUInt16OrZero({}))",
                     AttributeTextSql("http.response.status_code", hot_attributes),
                     AttributeTextSql("http.status_code", hot_attributes));
}

SpanRole RoleOf(std::string_view kind) {
  if (kind == "Client") return SpanRole::kClient;
  if (kind == "Server") return SpanRole::kServer;
  return kind == "Consumer" ? SpanRole::kConsumer : SpanRole::kOther;
}

uint64_t IdOf(std::string_view hex) {
  uint64_t id = 0;
  std::from_chars(hex.data(), hex.data() + hex.size(), id, 16);
  return id;
}

// Thread: of its owner.
class Examiner {
 public:
  Examiner(Question& question, const std::vector<otlp::HotAttribute>& hot_attributes,
           const std::optional<std::string>& service, const MinuteRange& range, int64_t unit_seconds)
      : question_(question),
        hot_attributes_(hot_attributes),
        service_(service),
        range_(range),
        unit_nanos_(unit_seconds * kSecondNanos) {}

  Result<Examination> Run() {
    SIGHTLINE_TRY(FindCandidates(std::nullopt));
    if (!examination_.examined.is_complete && service_) SIGHTLINE_TRY(FindCandidates(service_));
    for (size_t done = 0; done < candidates_.size(); done += kTracesPerRead) {
      const size_t end = std::min(candidates_.size(), done + kTracesPerRead);
      auto read = ReadTraces(done, end);
      if (!read) return std::unexpected(read.error());
      if (!*read) {
        CutAt(candidates_[done].unix_nanos);
        break;
      }
      for (size_t i = done; i < end; ++i) JudgeTrace(candidates_[i].trace_id);
      if (examination_.found.size() > kFoundMax && end < candidates_.size()) {
        CutAt(candidates_[end].unix_nanos);
        break;
      }
    }
    // Traces that have failures on both sides of where it was cut.
    const int64_t from = examination_.examined.from_unix_nanos;
    std::erase_if(examination_.found, [&](const FoundFailure& one) {
      return one.unix_nanos < from || one.unix_nanos >= range_.to_unix_nanos;
    });
    return std::move(examination_);
  }

 private:
  struct Candidate {
    std::string trace_id;
    int64_t unix_nanos = 0;  // of its last failed span in the range
  };

  // What happened up to that time was not looked at, all of it was behind. In whole units, as requests are counted.
  void CutAt(int64_t unix_nanos) {
    const int64_t next = (unix_nanos / unit_nanos_ + 1) * unit_nanos_;
    const int64_t last_unit = range_.to_unix_nanos - unit_nanos_;
    examination_.examined.from_unix_nanos = std::max(range_.from_unix_nanos, std::min(next, last_unit));
    examination_.examined.is_complete = false;
  }

  // Failed spans of any service may be of requests of the wanted one. Where they are too many, those of that service
  // find nearly all: its own failed calls.
  Result<void> FindCandidates(const std::optional<std::string>& service) {
    candidates_.clear();
    examination_.examined = {.from_unix_nanos = range_.from_unix_nanos};
    int64_t last = INT64_MAX;
    SIGHTLINE_TRY(question_.ForEachRow("SELECT max(Timestamp) FROM " + question_.Table("spans"), {},
                                       [&](RowReader& row) { last = row.Number<int64_t>(); }));
    TimeWindow span{range_.from_unix_nanos, range_.to_unix_nanos};
    if (last < span.to_unix_nanos) span.to_unix_nanos = last + 1;
    TimeWindows windows(/*newest=*/true, span);
    std::unordered_set<std::string> seen;
    while (candidates_.size() <= kSilentTracesMax) {
      const auto window = windows.Next(candidates_.size(), kSilentTracesMax + 1);
      if (!window) return {};
      Conditions conditions;
      conditions.AddService(service);
      conditions.Add(FailedSpanCondition(hot_attributes_));
      conditions.AddTimeRange(window->from_unix_nanos, window->to_unix_nanos);
      // Those that were seen in later windows may come again.
      const size_t limit = kSilentTracesMax + 1;
      SIGHTLINE_TRY(question_.ForEachRow(
          "SELECT TraceId, max(Timestamp) AS Last FROM " + question_.Table("spans") + " WHERE " + conditions.Sql() +
              " GROUP BY TraceId ORDER BY Last DESC, TraceId LIMIT " + std::to_string(limit),
          conditions.parameters(), [&](RowReader& row) {
            Candidate candidate{.trace_id = row.Hex(16)};
            candidate.unix_nanos = row.Number<int64_t>();
            if (seen.insert(candidate.trace_id).second) candidates_.push_back(std::move(candidate));
          }));
    }
    CutAt(candidates_[kSilentTracesMax].unix_nanos);
    candidates_.resize(kSilentTracesMax);
    return {};
  }

  // False: they have more spans than may still be read, and others were read before them.
  Result<bool> ReadTraces(size_t begin, size_t end) {
    traces_.clear();
    std::vector<std::string> ids;
    int64_t first = INT64_MAX, last = 0;
    for (size_t i = begin; i < end; ++i) {
      ids.push_back(candidates_[i].trace_id);
      first = std::min(first, candidates_[i].unix_nanos);
      last = std::max(last, candidates_[i].unix_nanos);
    }
    Conditions conditions;
    conditions.Add("TraceId IN " + TraceIdList(ids));
    conditions.AddTimeRange(first - kRequestReachNanos, last + kRequestReachNanos);
    const size_t room = kSilentSpansMax - examination_.examined.spans;
    size_t spans = 0;
    SIGHTLINE_TRY(question_.ForEachRow(
        "SELECT TraceId, SpanId, ParentSpanId, ServiceName, SpanName, SpanKind, StatusCode = 'Error', "
        "has(Events.Name, 'exception'), " +
            HttpStatusSql(hot_attributes_) + ", Timestamp, AdjustedCount FROM " + question_.Table("spans") + " WHERE " +
            conditions.Sql() + " LIMIT " + std::to_string(kSpansOfTraceMax) + " BY TraceId LIMIT " +
            std::to_string(room + 1) + kSkipFirst,
        conditions.parameters(), [&](RowReader& row) {
          ReadSpan(row);
          ++spans;
        }));
    if (spans > room) {
      if (begin > 0) return false;
      examination_.examined.is_complete = false;
      spans = room;
    }
    examination_.examined.spans += spans;
    examination_.examined.traces += traces_.size();
    return true;
  }

  void ReadSpan(RowReader& row) {
    const std::string trace_id = row.Hex(16);
    JudgedSpan span;
    span.id = IdOf(row.Hex(8));
    span.parent_id = IdOf(row.Hex(8));
    OperationName operation;
    operation.service = row.Text();
    operation.name = row.Text();
    operation.kind = row.Text();
    span.role = RoleOf(operation.kind);
    span.is_error = row.Number<uint8_t>() != 0;
    span.has_exception = row.Number<uint8_t>() != 0;
    span.http_status = row.Number<uint16_t>();
    span.start_unix_nanos = row.Number<int64_t>();
    span.adjusted_count = row.Number<double>();
    const auto [known, is_new] = numbers_.try_emplace(std::move(operation), static_cast<uint32_t>(numbers_.size()));
    if (is_new) names_.push_back(&known->first);
    span.operation = known->second;
    traces_[trace_id].push_back(span);
  }

  void JudgeTrace(const std::string& trace_id) {
    const auto trace = traces_.find(trace_id);
    if (trace == traces_.end()) return;  // it was deleted between the two statements
    const std::vector<JudgedSpan>& spans = trace->second;
    const std::vector<SilentFailure> silent = SilentFailuresOf(spans);
    struct Alike {
      size_t seen = 0;
      bool all_retried = true;
    };
    std::map<std::pair<size_t, uint32_t>, Alike> alike;  // by entry and operation
    const auto of = [&](const SilentFailure& one) -> Alike& { return alike[{one.entry, spans[one.failed].operation}]; };
    for (const SilentFailure& one : silent) of(one).all_retried &= one.was_retried;
    for (const SilentFailure& one : silent) {
      const JudgedSpan &failed = spans[one.failed], &entry = spans[one.entry];
      const OperationName& operation = *names_[entry.operation];
      if (service_ && operation.service != *service_) continue;
      if (++of(one).seen > kFailuresAlikeMax) continue;
      examination_.found.push_back({.trace_id = trace_id,
                                    .span_id = fmt::format("{:016x}", failed.id),
                                    .entry_id = fmt::format("{:016x}", entry.id),
                                    .entry = operation,
                                    .requests = entry.adjusted_count,
                                    .unix_nanos = failed.start_unix_nanos,
                                    .was_retried = of(one).all_retried});
    }
  }

  Question& question_;
  const std::vector<otlp::HotAttribute>& hot_attributes_;
  const std::optional<std::string>& service_;
  const MinuteRange range_;
  const int64_t unit_nanos_;
  std::vector<Candidate> candidates_;                                // newest first
  std::unordered_map<std::string, std::vector<JudgedSpan>> traces_;  // of one read
  std::map<OperationName, uint32_t> numbers_;
  std::vector<const OperationName*> names_;  // by number; of the keys above
  Examination examination_;
};

}  // namespace

std::string FailedSpanCondition(const std::vector<otlp::HotAttribute>& hot_attributes) {
  const std::string http = HttpStatusSql(hot_attributes);
  return "(StatusCode = 'Error' OR has(Events.Name, 'exception') OR (SpanKind = 'Client' AND " + http +
         " >= 400) OR (SpanKind = 'Server' AND " + http + " >= 500))";
}

Result<Examination> ExamineTraces(Question& question, const std::vector<otlp::HotAttribute>& hot_attributes,
                                  const std::optional<std::string>& service, const MinuteRange& range,
                                  int64_t unit_seconds) {
  return Examiner(question, hot_attributes, service, range, unit_seconds).Run();
}

}  // namespace sightline::query
