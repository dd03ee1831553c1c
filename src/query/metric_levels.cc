// ReadLevels: what stands until the next point says otherwise, by group and step.
#include <cmath>
#include <limits>
#include <optional>

#include "query/metric_answers.h"
#include "query/metric_flow.h"

namespace sightline::query {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
// How long a value stands that is the only one of its stream.
constexpr int64_t kOneValueNanos = 300'000'000'000;

// A stream in one step. Times are Unix nanoseconds.
struct Level {
  int64_t step = 0;
  uint64_t points = 0;
  double sum = 0, min = 0, max = 0, last = 0;
  int64_t first_time = 0, last_time = 0;
  int64_t ended = 0;  // a point said that there is no value; 0: none did
};

// A point without a value, or with NaN, ends what stood before.
std::string LevelsSql(const PointsSql& points, MetricKind kind, Aggregation aggregation) {
  std::string value = "Value", valid = "bitAnd(Flags, 1) = 0 AND NOT isNaN(Value)";
  if (kind == MetricKind::kSummary) {
    const std::string place =
        fmt::format("arrayFirstIndex(q -> abs(q - {}) < 1e-9, `ValueAtQuantiles.Quantile`)", QuantileOf(aggregation));
    value = "`ValueAtQuantiles.Value`[" + place + "]";
    valid = "bitAnd(Flags, 1) = 0 AND " + place + " > 0 AND NOT isNaN(" + value + ")";
  }
  return "SELECT SeriesId, Step, countIf(Valid), sumIf(V, Valid), minIf(V, Valid), maxIf(V, Valid), "
         "argMaxIf(V, (Time, V), Valid), minIf(Time, Valid), maxIf(Time, Valid), maxIf(Time, NOT Valid) FROM (SELECT "
         "SeriesId, " +
         std::string(kPointNanos) + " AS Time, " + points.step() + " AS Step, " + value + " AS V, " + valid +
         " AS Valid" + points.from_where() + ") GROUP BY SeriesId, Step ORDER BY SeriesId, Step";
}

Level ReadLevel(RowReader& row) {
  Level level;
  level.step = row.Number<int64_t>();
  level.points = row.Number<uint64_t>();
  level.sum = row.Number<double>();
  level.min = row.Number<double>();
  level.max = row.Number<double>();
  level.last = row.Number<double>();
  level.first_time = row.Number<int64_t>();
  level.last_time = row.Number<int64_t>();
  level.ended = row.Number<int64_t>();
  return level;
}

// Thread: of its owner.
class LevelReader {
 public:
  explicit LevelReader(const MetricQuestion& asked)
      : asked_(asked),
        grid_(asked.grid),
        values_(asked.streams.groups.size() * grid_.steps(), kNone),
        weights_(values_.size(), 0) {}

  Result<GroupValues> Run() {
    const PointsSql sql(asked_, PointsSql::Which::kAll, LookNanos(grid_), 0);
    const std::string text = LevelsSql(sql, asked_.streams.kind, asked_.aggregation);
    SIGHTLINE_TRY(asked_.question.ForEachRow(text, sql.conditions().parameters(), [&](RowReader& row) {
      const auto id = row.Number<uint64_t>();
      const Level level = ReadLevel(row);
      if (id != stream_) FinishStream();
      stream_ = id;
      levels_.push_back(level);
    }));
    FinishStream();
    if (asked_.aggregation == Aggregation::kAvg) {
      for (size_t i = 0; i < values_.size(); ++i) values_[i] /= static_cast<double>(weights_[i]);
    }
    return std::move(values_);
  }

 private:
  void FinishStream() {
    const auto stream = asked_.streams.by_id.find(stream_);
    if (stream != asked_.streams.by_id.end()) {
      const int64_t stands = StandsNanos();
      for (size_t i = 0; i < levels_.size(); ++i) {
        const Level& level = levels_[i];
        const bool has_next = i + 1 < levels_.size();
        if (level.step >= 0 && level.points > 0) Take(stream->second.group, level, level.step);
        const int64_t next_step = has_next ? levels_[i + 1].step : static_cast<int64_t>(grid_.steps());
        Stand(stream->second.group, level, stands, next_step);
      }
    }
    levels_.clear();
  }

  // How long the stream's values stand beyond their step.
  int64_t StandsNanos() const {
    uint64_t points = 0;
    int64_t first = INT64_MAX, last = 0;
    for (const Level& level : levels_) {
      if (level.points == 0) continue;
      points += level.points;
      first = std::min(first, level.first_time);
      last = std::max(last, level.last_time);
    }
    if (points < 2 || last <= first) return kOneValueNanos;
    return std::min(kQuietIntervals * ((last - first) / static_cast<int64_t>(points - 1)), kQuietNanosMax);
  }

  // The last value of `level` in the steps up to the next ones that have points.
  void Stand(uint32_t group, const Level& level, int64_t stands, int64_t next_step) {
    if (level.points == 0 || level.ended > level.last_time) return;
    Level standing = level;
    standing.points = 1;
    standing.sum = standing.min = standing.max = level.last;
    for (int64_t step = level.step + 1; step < next_step; ++step) {
      if (grid_.StartOf(static_cast<uint64_t>(step)) - level.last_time >= stands) return;
      Take(group, standing, step);
    }
  }

  void Take(uint32_t group, const Level& level, int64_t step) {
    const size_t cell = group * grid_.steps() + static_cast<uint64_t>(step);
    double& value = values_[cell];
    const bool first = std::isnan(value);
    switch (asked_.aggregation) {
      case Aggregation::kMin:
        value = first ? level.min : std::min(value, level.min);
        break;
      case Aggregation::kMax:
        value = first ? level.max : std::max(value, level.max);
        break;
      case Aggregation::kCount:
        value = first ? 1 : value + 1;
        break;
      case Aggregation::kSum:
        value = first ? level.last : value + level.last;
        break;
      case Aggregation::kAvg:
        value = (first ? 0 : value) + level.sum / static_cast<double>(level.points);
        ++weights_[cell];
        break;
      case Aggregation::kLast:
        if (first || level.last_time > weights_[cell] || (level.last_time == weights_[cell] && level.last > value)) {
          value = level.last;
          weights_[cell] = level.last_time;
        }
        break;
      default:  // a quantile of summaries: they cannot be merged
        value = first ? level.last : std::max(value, level.last);
    }
  }

  const MetricQuestion& asked_;
  const StepGrid& grid_;
  GroupValues values_;
  std::vector<int64_t> weights_;  // of an average: streams; of the last value: its time
  uint64_t stream_ = 0;           // whose levels are being read
  std::vector<Level> levels_;
};

}  // namespace

Result<GroupValues> ReadLevels(const MetricQuestion& asked) {
  return LevelReader(asked).Run();
}

}  // namespace sightline::query
