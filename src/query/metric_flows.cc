// ReadFlows: what counters, and the counts and sums of histograms and summaries, came to by group and step.
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "query/metric_answers.h"
#include "query/metric_flow.h"

namespace sightline::query {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// A counter's value, which is its sum too; or a histogram's count and sum.
struct Tally {
  double count = 0, sum = 0;
  bool has_sum = false;
};

Relation Relate(const Tally& before, const Tally& now, bool falls_reset) {
  return falls_reset && now.count < before.count ? Relation::kReset : Relation::kGoesOn;
}
Tally Minus(const Tally& now, const Tally& before) {
  const bool has_sum = now.has_sum && (before.has_sum || before.count == 0);
  return {now.count - before.count, has_sum ? now.sum - before.sum : 0, has_sum};
}
bool Larger(const Tally& a, const Tally& b) {
  return a.count > b.count;
}

struct Columns {
  std::string count, sum, valid;
};
Columns ColumnsOf(MetricKind kind) {
  switch (kind) {
    case MetricKind::kSummary:
      return {"toFloat64(Count)", "Sum", "1"};
    case MetricKind::kHistogram:
    case MetricKind::kExponentialHistogram:
      return {"toFloat64(Count)", "if(bitTest(Has, 0), Sum, nan)", "1"};
    default:
      return {"Value", "toFloat64(0)", "isFinite(Value)"};
  }
}

// Rows: stream, how many points a row stands for, and of these the ones that matter: (start, time, count, sum).
// Of a cumulative stream within a step the first and the last point do, and those beside a fall: what lies between
// them adds up to the same.
std::string RunningSql(const PointsSql& points, const Columns& columns) {
  return std::string(
             "SELECT SeriesId, Number, arrayFilter((p, i, b, a) -> i = 1 OR i = Number OR p.3 < b.3 OR a.3 < p.3, "
             "Points, arrayEnumerate(Points), arrayPushFront(arrayPopBack(Points), Points[1]), "
             "arrayPushBack(arrayPopFront(Points), Points[-1])) FROM (SELECT SeriesId, count() AS Number, "
             "arraySort(p -> p.2, groupArray((Start, Time, Amount, Total))) AS Points FROM (SELECT SeriesId, ") +
         kPointStartNanos + " AS Start, " + kPointNanos + " AS Time, " + points.step() + " AS Step, " + columns.count +
         " AS Amount, " + columns.sum + " AS Total" + points.from_where() + " AND bitAnd(Flags, 1) = 0 AND " +
         columns.valid + ") GROUP BY SeriesId, Start, Step) ORDER BY SeriesId";
}

std::string OverflowIds(const MetricStreams& streams) {
  std::string ids;
  for (const auto& [id, stream] : streams.by_id) {
    if (stream.is_overflow) ids += fmt::format("{}{}", ids.empty() ? "" : ", ", id);
  }
  return ids;
}

// Of a delta stream the points within a step become one, in front; those that reach into it from the step before stay
// apart. Of the same time all of an overflow's points count, else one: it was sent twice.
std::string DeltaSql(const PointsSql& points, const Columns& columns, const std::string& overflow_ids) {
  const auto of_one_time = [&](std::string_view column) {
    if (overflow_ids.empty()) return fmt::format("max({})", column);
    return fmt::format("if(SeriesId IN ({1}), sum({0}), max({0}))", column, overflow_ids);
  };
  const std::string begin = std::string("if(Start > 0 AND Start < Time, Start, Time)");
  return std::string(
             "SELECT SeriesId, count(), arrayConcat(if(countIf(NOT Crosses) = 0, [], [(minIf(Begin, NOT Crosses), "
             "maxIf(Time, NOT Crosses), sumIf(One, NOT Crosses), sumIf(OneTotal, NOT Crosses))]), "
             "groupArrayIf((Start, Time, One, OneTotal), Crosses)) FROM (SELECT SeriesId, Start, Time, Step, ") +
         begin + " AS Begin, Begin < Edge AS Crosses, " + of_one_time("Amount") + " AS One, " + of_one_time("Total") +
         " AS OneTotal FROM (SELECT SeriesId, " + kPointStartNanos + " AS Start, " + kPointNanos + " AS Time, " +
         points.step() + " AS Step, " + columns.count + " AS Amount, " + columns.sum +
         " AS Total, {from:Int64} + Step * {step:Int64} AS Edge" + points.from_where() +
         " AND bitAnd(Flags, 1) = 0 AND " + columns.valid +
         ") GROUP BY SeriesId, Start, Time, Step, Edge) GROUP BY SeriesId, Step ORDER BY SeriesId";
}

FlowPoint<Tally> ReadPoint(RowReader& row, bool is_sum) {
  FlowPoint<Tally> point;
  point.start = row.Number<int64_t>();
  point.time = row.Number<int64_t>();
  point.value.count = row.Number<double>();
  point.value.sum = row.Number<double>();
  if (is_sum) point.value.sum = point.value.count;
  point.value.has_sum = std::isfinite(point.value.sum);
  if (!point.value.has_sum) point.value.sum = 0;
  return point;
}

// Thread: of its owner.
class FlowReader {
 public:
  explicit FlowReader(const MetricQuestion& asked)
      : asked_(asked),
        grid_(asked.grid),
        steps_(grid_.steps()),
        amounts_(asked.streams.groups.size() * steps_, kNone),
        shares_(asked.aggregation == Aggregation::kAvg ? amounts_.size() : 0, 0.0),
        known_to_(grid_.asked_to) {}

  Result<GroupValues> Run() {
    if (asked_.streams.any_running) SIGHTLINE_TRY(Read(PointsSql::Which::kRunning));
    if (asked_.streams.any_delta) SIGHTLINE_TRY(Read(PointsSql::Which::kDelta));
    if (asked_.aggregation == Aggregation::kRate) MakeRates();
    if (asked_.aggregation == Aggregation::kAvg) {
      for (size_t i = 0; i < amounts_.size(); ++i) amounts_[i] = shares_[i] > 0 ? amounts_[i] / shares_[i] : kNone;
    }
    return std::move(amounts_);
  }

 private:
  Result<void> Read(PointsSql::Which which) {
    const bool delta = which == PointsSql::Which::kDelta;
    // A point behind the range tells of the last step what had come by then.
    const PointsSql sql(asked_, which, delta ? 0 : LookNanos(grid_), LookNanos(grid_));
    const Columns columns = ColumnsOf(asked_.streams.kind);
    const bool is_sum = asked_.streams.kind == MetricKind::kSum;
    auto parameters = sql.conditions().parameters();
    if (delta) {
      parameters["from"] = std::to_string(grid_.from);
      parameters["step"] = std::to_string(grid_.step);
    }
    SIGHTLINE_TRY(asked_.question.ForEachRow(
        delta ? DeltaSql(sql, columns, OverflowIds(asked_.streams)) : RunningSql(sql, columns), std::move(parameters),
        [&](RowReader& row) {
          const auto id = row.Number<uint64_t>();
          const auto number = row.Number<uint64_t>();
          auto points = row.Array([&] { return ReadPoint(row, is_sum); });
          if (id != stream_) FinishStream(delta);
          stream_ = id;
          if (!points.empty()) points.front().stands_for += number - points.size();
          points_.insert(points_.end(), points.begin(), points.end());
        }));
    FinishStream(delta);
    return {};
  }

  void FinishStream(bool delta) {
    const auto stream = asked_.streams.by_id.find(stream_);
    if (!points_.empty() && stream != asked_.streams.by_id.end()) {
      const auto emit = [&](const Flow<Tally>& flow) { Take(flow, stream->second.group); };
      const bool falls_reset = asked_.streams.kind != MetricKind::kSum || stream->second.monotonic;
      if (delta)
        EmitDelta(points_, stream->second.is_overflow, emit);
      else
        EmitCumulative(points_, {grid_.from - LookNanos(grid_), grid_.step, falls_reset}, emit);
    }
    points_.clear();
  }

  void Take(const Flow<Tally>& flow, uint32_t group) {
    known_to_ = std::max(known_to_, flow.end);
    const bool of_sum = asked_.aggregation == Aggregation::kAvg || asked_.aggregation == Aggregation::kSum;
    if (of_sum && !flow.amount.has_sum) return;
    const double amount = of_sum ? flow.amount.sum : flow.amount.count;
    Add(flow.begin, flow.end, amount, flow.amount.count, group);
    if (asked_.aggregation == Aggregation::kRate && flow.newest && flow.interval > 0) {
      const double length = static_cast<double>(flow.end - flow.begin);
      if (length > 0) tails_.push_back({flow.end, flow.interval, amount / length, group});
    }
  }

  void Add(int64_t begin, int64_t end, double amount, double share, uint32_t group) {
    grid_.Spread(begin, end, [&](uint64_t step, double part) {
      const size_t cell = group * steps_ + step;
      amounts_[cell] = (std::isnan(amounts_[cell]) ? 0 : amounts_[cell]) + amount * part;
      if (!shares_.empty()) shares_[cell] += share * part;
    });
  }

  // What a stream did last it is taken to do until its next point is due: else each rate would seem to fall towards
  // now. The last step is divided by what of it has passed.
  void MakeRates() {
    const int64_t known_to = std::min(known_to_, grid_.to);
    for (const Tail& tail : tails_) {
      if (tail.from + 2 * tail.interval < known_to) continue;  // it has ended
      const int64_t to = std::min(tail.from + tail.interval, known_to);
      if (to > tail.from) Add(tail.from, to, tail.nano_rate * static_cast<double>(to - tail.from), 0, tail.group);
    }
    for (size_t i = 0; i < amounts_.size(); ++i) {
      const int64_t start = grid_.StartOf(i % steps_);
      amounts_[i] /= static_cast<double>(std::min(grid_.step, known_to - start)) / 1e9;
    }
  }

  struct Tail {
    int64_t from = 0, interval = 0;
    double nano_rate = 0;
    uint32_t group = 0;
  };
  const MetricQuestion& asked_;
  const StepGrid& grid_;
  const uint64_t steps_;
  GroupValues amounts_;
  std::vector<double> shares_;  // of an average: counts, what the amounts are divided by
  int64_t known_to_;            // the newest point, or the asked end
  std::vector<Tail> tails_;
  uint64_t stream_ = 0;  // whose points are being read
  std::vector<FlowPoint<Tally>> points_;
};

}  // namespace

Result<GroupValues> ReadFlows(const MetricQuestion& asked) {
  return FlowReader(asked).Run();
}

}  // namespace sightline::query
