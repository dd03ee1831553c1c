#include "query/metric_exemplars.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

#include "query/hot_attributes.h"
#include "query/metric_answers.h"
#include "query/metric_filter.h"
#include "query/metric_grid.h"
#include "query/metric_streams.h"
#include "query/span_sql.h"

namespace sightline::query {
namespace {

// Ranges of values are four times as wide as the one below, so that what is slow and what is fast show without one
// taking all the room.
constexpr uint32_t kValueRanges = 4;  // of a cell of time, where cells are many
// Sent exemplars of one cell and range to choose from, so that one of a stored trace is found: most were sampled out.
// All candidates' traces are looked up in one statement, which must stay below 256 kB.
constexpr uint64_t kCandidates = 4;
constexpr uint64_t kSpansMax = 500'000;              // that are looked at; of more an even part
constexpr int64_t kClockSkewNanos = 60'000'000'000;  // of a span's begin against its exemplar
constexpr std::string_view kNoTrace = "toFixedString('', 16)";

// The steps, or cells of several where an answer has no room for exemplars of each.
struct Cells {
  int64_t nanos = 1;
  uint32_t ranges = 1;  // of values in each
};

Cells MakeCells(const StepGrid& grid, uint32_t limit) {
  const uint64_t most = std::clamp<uint64_t>(limit / kValueRanges, 1, grid.steps());
  const uint64_t steps_in_one = (grid.steps() - 1) / most + 1;
  const uint64_t cells = (grid.steps() - 1) / steps_in_one + 1;
  return {.nanos = static_cast<int64_t>(steps_in_one) * grid.step,
          .ranges = static_cast<uint32_t>(std::max<uint64_t>(limit / cells, 1))};
}

struct Candidate {
  uint32_t cell = 0;
  int32_t range = 0;    // of its value; a larger number has larger values
  uint64_t series = 0;  // of the table metric_series; 0: it was made of a span, and has its labels
  Exemplar exemplar;
};

Exemplar::Texts ReadTexts(RowReader& row) {
  return row.Array([&] {
    std::string key = row.Text();
    return std::pair(std::move(key), row.Text());
  });
}

std::string UpperCase(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

// One question. Thread: of its owner.
class ExemplarFinder {
 public:
  ExemplarFinder(const ExemplarRequest& request, const StepGrid& grid, const MetricStreams& streams, Question& question)
      : request_(request),
        grid_(grid),
        streams_(streams),
        question_(question),
        cells_(MakeCells(grid, request.limit)) {}

  Result<void> ReadSent() {
    if (streams_.kind == MetricKind::kSummary) return {};  // OTLP's have none
    Conditions conditions = streams_.conditions;
    const std::string streams = conditions.Sql();
    const auto time = [&](int64_t nanos) {
      return "fromUnixTimestamp64Nano(" + conditions.Bind("Int64", NanosText(nanos)) + ")";
    };
    // A point carries exemplars of the time that it covers, which ends with it.
    const std::string points =
        fmt::format("Timestamp >= {} AND Timestamp < {}", time(grid_.from), time(grid_.to + LookNanos(grid_)));
    const std::string within = fmt::format("Time >= {} AND Time < {}", time(grid_.from), time(grid_.to));
    // 0 lies between negative and positive values.
    const std::string range = "toInt32(sign(Value) * (floor(log2(greatest(abs(Value), 1e-300)) / 2) + 1000))";
    const std::string exemplars = fmt::format(
        "SELECT SeriesId, Time, Value, TraceId, SpanId, CAST(Filtered, 'Map(String, String)') AS Attributes FROM {} "
        "ARRAY JOIN `Exemplars.Timestamp` AS Time, `Exemplars.Value` AS Value, `Exemplars.TraceId` AS TraceId, "
        "`Exemplars.SpanId` AS SpanId, `Exemplars.FilteredAttributes` AS Filtered "
        "WHERE SeriesId IN (SELECT SeriesId FROM {} WHERE {}) AND {} AND {} AND TraceId != {} AND isFinite(Value)",
        StoredPointsTable(question_, streams_.kind), question_.Table("metric_series"), streams, points, within,
        kNoTrace);
    const std::string sql = fmt::format(
        "SELECT {} AS Cell, {} AS Range, "
        "groupArraySorted({})((-toUnixTimestamp64Nano(Time), TraceId, SpanId, SeriesId, Value, Attributes)) "
        "FROM ({}) GROUP BY Cell, Range ORDER BY Cell, Range DESC LIMIT {} BY Cell",
        Cell("Time", conditions), range, kCandidates, exemplars, cells_.ranges);
    return question_.ForEachRow(sql, conditions.parameters(), [&](RowReader& row) {
      const auto cell = row.Number<uint32_t>();
      const auto range = row.Number<int32_t>();
      auto found = row.Array([&] {
        Candidate candidate{.cell = cell, .range = range, .exemplar = {}};
        candidate.exemplar.time_unix_nanos = -row.Number<int64_t>();
        candidate.exemplar.trace_id = row.Hex(16);
        candidate.exemplar.span_id = row.SpanIdOrNone();
        candidate.series = row.Number<uint64_t>();
        candidate.exemplar.value = row.Number<double>();
        candidate.exemplar.attributes = ReadTexts(row);
        return candidate;
      });
      // Of very many streams those that meet a filter are not named in the statement.
      std::erase_if(found, [&](const Candidate& candidate) { return !streams_.by_id.contains(candidate.series); });
      std::ranges::move(found, std::back_inserter(candidates_));
    });
  }

  // Whether their traces are stored: they may have been sampled out, or be older than the retention.
  Result<void> FindStored() {
    if (candidates_.empty()) return {};
    std::set<std::string> ids;
    int64_t first = INT64_MAX, last = 0;
    for (const Candidate& candidate : candidates_) {
      ids.insert(candidate.exemplar.trace_id);
      first = std::min(first, candidate.exemplar.time_unix_nanos);
      last = std::max(last, candidate.exemplar.time_unix_nanos);
    }
    Conditions conditions;
    conditions.AddTimeRange(first - kExemplarSpanNanosMax, last + kClockSkewNanos);
    std::set<std::string> stored;
    SIGHTLINE_TRY(question_.ForEachRow(
        fmt::format("SELECT DISTINCT TraceId FROM {} WHERE TraceId IN {} AND {}{}", question_.Table("spans"),
                    TraceIdList({ids.begin(), ids.end()}), conditions.Sql(), kSkipFirst),
        conditions.parameters(), [&](RowReader& row) { stored.insert(row.Hex(16)); }));
    for (Candidate& candidate : candidates_)
      candidate.exemplar.is_stored = stored.contains(candidate.exemplar.trace_id);
    return {};
  }

  // Metrics that are counted of spans before sampling have no points of their own to carry exemplars: those are the
  // spans that sampling left.
  Result<void> ReadSpans(const ItemSource& source) {
    const auto hot = HotAttributesIn(question_, source.hot_attributes(), grid_.from, grid_.to);
    if (!hot) return std::unexpected(hot.error());
    ItemSet set{.table = question_.Table("spans"), .conditions = {}, .weight = "AdjustedCount"};
    set.conditions.AddTimeRange(grid_.from, grid_.to);
    set.conditions.AddService(request_.service);
    // As in the view span_metric_series: these send metrics of this name themselves.
    set.conditions.Add(fmt::format("ServiceName NOT IN (SELECT ServiceName FROM {} WHERE MetricName = {})",
                                   question_.Table("metric_series"),
                                   set.conditions.BindText(std::string(kSpanMetrics[0]))));
    SIGHTLINE_TRY(AddSpanConditions(set.conditions, *hot));
    const auto size = EstimateSize(question_, set);
    if (!size) return std::unexpected(size.error());
    ItemSet some = Thinned(set, *size, kSpansMax);
    const std::string sql = fmt::format(
        "SELECT Cell, Range, argMax(Span, sipHash64(SpanId)), argMax(Span, Duration) "
        "FROM (SELECT {} AS Cell, toInt32(floor(log2(greatest(Duration, 1)) / 2)) AS Range, Duration, SpanId, ({}, "
        "SpanKind) AS Span "
        "FROM {} WHERE {}) GROUP BY Cell, Range ORDER BY Cell, Range DESC LIMIT {} BY Cell",
        Cell("Timestamp", some.conditions), kPointColumns, some.table, some.conditions.Sql(), cells_.ranges);
    uint32_t last_cell = UINT32_MAX;
    return question_.ForEachRow(sql, some.conditions.parameters(), [&](RowReader& row) {
      Candidate candidate;
      candidate.cell = row.Number<uint32_t>();
      candidate.range = row.Number<int32_t>();
      // Any of the range (always the same one), but of the last range the slowest of all.
      Exemplar any = ReadSpan(row), slowest = ReadSpan(row);
      candidate.exemplar = std::move(candidate.cell == last_cell ? any : slowest);
      last_cell = candidate.cell;
      if (MeetsFilter(candidate.exemplar)) candidates_.push_back(std::move(candidate));
    });
  }

  // One of each cell and range, then the largest ranges of each cell.
  void Choose() {
    std::ranges::sort(candidates_, {}, [](const Candidate& c) {
      return std::tuple(c.cell, -c.range, !c.exemplar.is_stored, -c.exemplar.time_unix_nanos, c.exemplar.trace_id,
                        c.exemplar.span_id);
    });
    std::vector<Candidate> chosen;
    uint32_t of_cell = 0;
    for (Candidate& candidate : candidates_) {
      const bool same_cell = !chosen.empty() && chosen.back().cell == candidate.cell;
      if (same_cell && chosen.back().range == candidate.range) continue;
      of_cell = same_cell ? of_cell + 1 : 1;
      if (of_cell <= cells_.ranges) chosen.push_back(std::move(candidate));
    }
    candidates_ = std::move(chosen);
  }

  Result<void> ReadLabels() {
    std::string ids;
    for (const Candidate& candidate : candidates_) {
      if (candidate.series != 0) ids += (ids.empty() ? "" : ", ") + std::to_string(candidate.series);
    }
    if (ids.empty()) return {};
    struct Labels {
      std::string service;
      Exemplar::Texts texts;
    };
    std::map<uint64_t, Labels> labels;
    Conditions conditions;
    conditions.Add("MetricName = " + conditions.BindText(streams_.name));
    SIGHTLINE_TRY(question_.ForEachRow(
        fmt::format(
            "SELECT SeriesId, ServiceName, Attributes FROM {} WHERE {} AND SeriesId IN ({}) LIMIT 1 BY SeriesId",
            question_.Table("metric_series"), conditions.Sql(), ids),
        conditions.parameters(), [&](RowReader& row) {
          const auto id = row.Number<uint64_t>();
          std::string service = row.Text();
          labels[id] = {std::move(service), ReadTexts(row)};
        }));
    for (Candidate& candidate : candidates_) {
      const auto found = labels.find(candidate.series);
      if (found == labels.end()) continue;
      candidate.exemplar.service = found->second.service;
      candidate.exemplar.labels = found->second.texts;
    }
    return {};
  }

  std::vector<Exemplar> Take() {
    std::vector<Exemplar> exemplars;
    for (Candidate& candidate : candidates_) exemplars.push_back(std::move(candidate.exemplar));
    std::ranges::sort(exemplars, {}, [&](const Exemplar& exemplar) {
      return std::tuple((exemplar.time_unix_nanos - grid_.from) / grid_.step, !exemplar.is_stored,
                        exemplar.time_unix_nanos, exemplar.trace_id, exemplar.span_id);
    });
    return exemplars;
  }

 private:
  std::string Cell(std::string_view time, Conditions& conditions) const {
    return fmt::format("toUInt32(intDiv(toUnixTimestamp64Nano({}) - {}, {}))", time,
                       conditions.Bind("Int64", std::to_string(grid_.from)),
                       conditions.Bind("Int64", std::to_string(cells_.nanos)));
  }

  // The labels of the view span_metric_series as conditions on spans.
  Result<void> AddSpanConditions(Conditions& conditions, const std::vector<otlp::HotAttribute>& hot) {
    constexpr std::pair<std::string_view, std::string_view> kColumns[] = {
        {"service.name", "ServiceName"},
        {"span.name", "SpanName"},
        {"span.kind", "concat('SPAN_KIND_', upper(SpanKind))"},
        {"status.code", "concat('STATUS_CODE_', upper(StatusCode))"}};
    std::vector<AttributeCondition> dimensions;
    for (const AttributeCondition& wanted : request_.attributes) {
      const auto column =
          std::ranges::find(kColumns, wanted.key, &std::pair<std::string_view, std::string_view>::first);
      if (wanted.resource_only) {
        conditions.Add("0");  // these series have no resource
      } else if (column != std::end(kColumns)) {
        conditions.Add(fmt::format("{} = {}", column->second, conditions.BindText(wanted.value)));
      } else {
        dimensions.push_back(wanted);
      }
    }
    return AddAttributeConditions(conditions, dimensions, {"SpanAttributes", &hot}, question_);
  }

  // Of a span: by the labels that it is counted by, without the dimensions of the configuration.
  bool MeetsFilter(const Exemplar& exemplar) const {
    if (!request_.filter) return true;
    StreamLabels labels{.service = exemplar.service, .attributes = {}};
    for (const auto& [key, value] : exemplar.labels) labels.attributes.push_back({.key = key, .text = value});
    return Matches(*request_.filter, labels);
  }

  Exemplar ReadSpan(RowReader& row) const {
    SpanPoint span = ReadPoint(row);
    const std::string kind = row.Text();
    Exemplar exemplar;
    exemplar.time_unix_nanos = span.start_unix_nanos;  // which decides where it is counted
    exemplar.value = streams_.kind == MetricKind::kSum ? 1 : static_cast<double>(span.duration_nanos) / 1e6;
    exemplar.trace_id = std::move(span.trace_id);
    exemplar.span_id = std::move(span.span_id);
    exemplar.is_stored = true;
    exemplar.labels = {{"service.name", span.service},
                       {"span.name", span.name},
                       {"span.kind", "SPAN_KIND_" + UpperCase(kind)},
                       {"status.code", "STATUS_CODE_" + UpperCase(span.status)}};
    exemplar.service = std::move(span.service);
    return exemplar;
  }

  const ExemplarRequest& request_;
  const StepGrid& grid_;
  const MetricStreams& streams_;
  Question& question_;
  const Cells cells_;
  std::vector<Candidate> candidates_;
};

}  // namespace

Result<ExemplarAnswer> ExemplarReader::Read(const ExemplarRequest& request, store::Cancellation* cancellation,
                                            std::string* at_fault) {
  if (request.limit < 1 || request.limit > kExemplarsMax) {
    return Fail(Code::kInvalidArgument, "a limit of {} exemplars is not within 1 and {}", request.limit, kExemplarsMax);
  }
  const auto grid = MakeGrid(request.from_unix_nanos, request.to_unix_nanos, request.step_seconds);
  if (!grid) return std::unexpected(grid.error());
  SeriesRequest series;
  series.name = request.name;
  series.kind = request.kind;
  series.service = request.service;
  series.attributes = request.attributes;
  series.filter = request.filter;
  Question question = source_.Ask(cancellation);
  const auto streams = FindStreams(series, grid->from, question, at_fault);
  if (!streams) return std::unexpected(streams.error());
  ExemplarAnswer answer{.kind = streams->kind,
                        .unit = streams->unit,
                        .from_unix_nanos = grid->from,
                        .to_unix_nanos = grid->to,
                        .step_seconds = request.step_seconds,
                        .exemplars = {},
                        .scanned = {}};
  if (!streams->by_id.empty()) {
    ExemplarFinder finder(request, *grid, *streams, question);
    SIGHTLINE_TRY(finder.ReadSent());
    SIGHTLINE_TRY(finder.FindStored());
    if (IsOfSpans(request.name, streams->kind)) SIGHTLINE_TRY(finder.ReadSpans(source_));
    finder.Choose();
    SIGHTLINE_TRY(finder.ReadLabels());
    answer.exemplars = finder.Take();
  }
  answer.scanned = question.stats();
  return answer;
}

}  // namespace sightline::query
