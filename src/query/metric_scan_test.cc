// What many streams with resets, gaps, late points and duplicates come to, on the real engine, against arithmetic on
// the same points that leaves none out and looks at one step at a time.
#include "query/metric_scan.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "query/metric_flow.h"
#include "query/testing/metric_store.h"

namespace sightline::query {
namespace {

using namespace testing;  // of this folder's tests

constexpr int64_t kRange = 2 * 3600;                      // seconds that are asked for
constexpr int64_t kFirst = -1000, kLast = kRange + 1000;  // of points
constexpr size_t kGroups = 3;

struct TestStream {
  Stream stream;
  size_t group = 0;
  std::vector<Point> points;
};

// A counter's value as flows see it.
struct Total {
  double value = 0;
};
Relation Relate(const Total& before, const Total& now, bool falls_reset) {
  return falls_reset && now.value < before.value ? Relation::kReset : Relation::kGoesOn;
}
Total Minus(const Total& now, const Total& before) {
  return {now.value - before.value};
}
bool Larger(const Total& a, const Total& b) {
  return a.value > b.value;
}

class MetricScanTest : public MetricStoreTest {
 protected:
  size_t Draw(size_t below) { return std::uniform_int_distribution<size_t>(0, below - 1)(random_); }
  bool Chance(double share) { return std::bernoulli_distribution(share)(random_); }

  // Points every so often, now and then with a gap; some twice, some twice with another value.
  std::vector<Point> DrawPoints(bool falls, bool starts, bool delta) {
    std::vector<Point> points;
    const int64_t interval = std::vector<int64_t>{7, 30, 60, 200}[Draw(4)];
    int64_t start = starts ? kFirst - static_cast<int64_t>(Draw(5000)) - 1 : 0;
    auto value = static_cast<double>(Draw(1000));
    for (int64_t time = kFirst + static_cast<int64_t>(Draw(60)); time < kLast; time += interval) {
      if (Chance(0.02)) time += static_cast<int64_t>(Draw(3000));
      if (Chance(0.03)) {
        if (starts) start = time - 1 - static_cast<int64_t>(Draw(20));
        value = 0;
      }
      value = delta ? static_cast<double>(Draw(50)) : value + static_cast<double>(Draw(50)) - (falls ? 20.0 : 0.0);
      const int flags = Chance(0.02) ? 1 : 0;
      points.push_back({time, Chance(0.01) ? kNan : value, delta && starts ? time - interval : start, flags});
      if (Chance(0.05)) points.push_back(points.back());
      if (Chance(0.02) && !points.back().flags) points.back().value += 3;
    }
    return points;
  }

  // In four inserts, each with points from everywhere.
  void Store(const std::vector<TestStream>& streams) {
    std::vector<std::pair<uint64_t, Point>> all;
    for (const TestStream& stream : streams) {
      const uint64_t id = Add(stream.stream);
      for (const Point& point : stream.points) all.emplace_back(id, point);
    }
    std::shuffle(all.begin(), all.end(), random_);
    std::vector<std::string> rows(4);
    for (size_t i = 0; i < all.size(); ++i) {
      const auto& [id, point] = all[i];
      std::string& text = rows[i % rows.size()];
      text += fmt::format("{}({}, {}, {}, {}, {}, 1)", text.empty() ? "" : ", ", id, Time(point.time),
                          StartTime(point.start), Number(point.value), point.flags);
    }
    for (const auto& text : rows) {
      Execute("INSERT INTO sightline.metric_points (SeriesId, Timestamp, StartTimestamp, Value, Flags, Block) VALUES " +
              text);
    }
  }

  std::vector<TestStream> DrawStreams(size_t count, const Stream& like, bool delta) {
    std::vector<TestStream> streams;
    for (size_t i = 0; i < count; ++i) {
      TestStream stream{.stream = like, .group = Draw(kGroups)};
      stream.stream.attributes = fmt::format("{{'k': '{}', 'i': '{}'}}", stream.group, i);
      stream.points = DrawPoints(like.type == "gauge" || !like.monotonic, like.type == "sum" && Chance(0.7), delta);
      streams.push_back(std::move(stream));
    }
    return streams;
  }

  // Of each group, by its label.
  std::map<size_t, Values> AskByGroup(int64_t step, Aggregation aggregation) {
    SeriesRequest request = Ask(kRange, step, aggregation);
    request.group_by = {"k"};
    std::map<size_t, Values> groups;
    for (MetricSeries& series : Get(request).series) {
      groups[std::stoul(series.labels.at(0).second)] = std::move(series.values);
    }
    return groups;
  }

  static void ExpectNear(const std::map<size_t, Values>& got, const std::map<size_t, Values>& want,
                         const std::string& what) {
    ASSERT_EQ(got.size(), want.size()) << what;
    for (const auto& [group, values] : want) {
      const Values& its = got.at(group);
      ASSERT_EQ(its.size(), values.size()) << what;
      for (size_t i = 0; i < values.size(); ++i) {
        const bool same = std::isnan(values[i])
                              ? std::isnan(its[i])
                              : std::abs(its[i] - values[i]) <= 1e-9 * std::max(1.0, std::abs(values[i]));
        ASSERT_TRUE(same) << what << ", group " << group << ", step " << i << ": " << its[i] << " instead of "
                          << values[i];
      }
    }
  }

  int64_t Nanos(int64_t seconds) const { return start_ + seconds * kSecond; }

  // What came in each step, of all points at once.
  std::map<size_t, Values> Increases(const std::vector<TestStream>& streams, int64_t step) const {
    std::map<size_t, Values> groups;
    const StepGrid grid = *MakeGrid(start_, Nanos(kRange), step);
    const int64_t look = LookNanos(grid);
    for (const TestStream& stream : streams) {
      const bool delta = stream.stream.temporality == 1;
      Values& values = groups.try_emplace(stream.group, grid.steps(), kNan).first->second;
      std::vector<FlowPoint<Total>> points;
      for (const Point& point : stream.points) {
        const int64_t time = Nanos(point.time);
        if (point.flags != 0 || !std::isfinite(point.value) || time < grid.from - (delta ? 0 : look) ||
            time >= grid.to + look) {
          continue;
        }
        points.push_back({point.start == 0 ? 0 : Nanos(point.start), time, {point.value}});
      }
      if (points.empty()) continue;
      const auto emit = [&](const Flow<Total>& flow) {
        grid.Spread(flow.begin, flow.end, [&](uint64_t index, double part) {
          values[index] = (std::isnan(values[index]) ? 0 : values[index]) + flow.amount.value * part;
        });
      };
      if (delta)
        EmitDelta(points, false, emit);
      else
        EmitCumulative(points, {grid.from - look, grid.step, stream.stream.monotonic}, emit);
    }
    return groups;
  }

  std::mt19937_64 random_{20'260'727};
};

TEST_F(MetricScanTest, CountersComeToWhatAllTheirPointsComeTo) {
  std::vector<TestStream> streams = DrawStreams(500, {}, false);  // of several threads
  const auto may_fall = DrawStreams(60, {.monotonic = false, .description = "falls"}, false);
  const auto delta = DrawStreams(60, {.temporality = 1, .description = "delta"}, true);
  streams.insert(streams.end(), may_fall.begin(), may_fall.end());
  streams.insert(streams.end(), delta.begin(), delta.end());
  Store(streams);
  for (const int64_t step : {20, 60, 720, 3600}) {
    const auto want = Increases(streams, step);
    const auto got = AskByGroup(step, Aggregation::kIncrease);
    ExpectNear(got, want, fmt::format("steps of {} s", step));
    EXPECT_EQ(AskByGroup(step, Aggregation::kIncrease), got) << "another time it is the same to the last bit";
  }
}

// One stream in one step.
struct Standing {
  double sum = 0, min = 0, max = 0, last = 0;
  size_t points = 0;
  int64_t time = 0;  // of the last
};

std::optional<Standing> StandingIn(std::vector<Point> points, int64_t begin, int64_t end, int64_t step, int64_t to) {
  const int64_t look = std::max<int64_t>(step, 600);
  std::erase_if(points, [&](const Point& point) { return point.time < -look || point.time >= to; });
  const auto valid = [](const Point& point) { return point.flags == 0 && !std::isnan(point.value); };
  std::ranges::sort(points, [&](const Point& a, const Point& b) {
    if (a.time != b.time) return a.time < b.time;
    return valid(a) != valid(b) ? valid(b) : a.value < b.value;
  });
  Standing standing;
  size_t all = 0;
  int64_t first = 0, last = 0;
  const Point* before = nullptr;
  bool any_in_step = false;
  for (const Point& point : points) {
    if (valid(point)) {
      if (all++ == 0) first = point.time;
      last = point.time;
    }
    if (point.time < begin) before = &point;
    if (point.time < begin || point.time >= end) continue;
    any_in_step = true;
    if (!valid(point)) continue;
    standing.min = standing.points == 0 ? point.value : std::min(standing.min, point.value);
    standing.max = standing.points == 0 ? point.value : std::max(standing.max, point.value);
    standing.sum += point.value;
    standing.last = point.value;
    standing.time = point.time;
    ++standing.points;
  }
  if (standing.points > 0) return standing;
  if (any_in_step || before == nullptr || !valid(*before)) return std::nullopt;
  int64_t stands = 300 * kSecond;
  if (all > 1 && last > first) {
    stands = std::min(3 * ((last - first) * kSecond / static_cast<int64_t>(all - 1)), 600 * kSecond);
  }
  if ((begin - before->time) * kSecond >= stands) return std::nullopt;
  return Standing{before->value, before->value, before->value, before->value, 1, before->time};
}

double Together(const std::vector<Standing>& streams, Aggregation aggregation) {
  if (streams.empty()) return kNan;
  double sum = 0, averages = 0, min = kInfinity, max = -kInfinity;
  const Standing* last = &streams.front();
  for (const Standing& stream : streams) {
    sum += stream.last;
    averages += stream.sum / static_cast<double>(stream.points);
    min = std::min(min, stream.min);
    max = std::max(max, stream.max);
    if (std::pair(stream.time, stream.last) > std::pair(last->time, last->last)) last = &stream;
  }
  switch (aggregation) {
    case Aggregation::kMin:
      return min;
    case Aggregation::kMax:
      return max;
    case Aggregation::kSum:
      return sum;
    case Aggregation::kCount:
      return static_cast<double>(streams.size());
    case Aggregation::kLast:
      return last->last;
    default:
      return averages / static_cast<double>(streams.size());
  }
}

TEST_F(MetricScanTest, GaugesComeToWhatAllTheirPointsComeTo) {
  const auto streams = DrawStreams(450, {.type = "gauge", .temporality = 0, .monotonic = false}, false);
  Store(streams);
  for (const int64_t step : {60, 720}) {
    std::vector<std::vector<std::vector<Standing>>> standing(kGroups);  // by group and step
    for (auto& group : standing) group.resize(kRange / step);
    for (const TestStream& stream : streams) {
      for (int64_t begin = 0; begin < kRange; begin += step) {
        const auto its = StandingIn(stream.points, begin, begin + step, step, kRange);
        if (its) standing[stream.group][begin / step].push_back(*its);
      }
    }
    for (const auto aggregation : {Aggregation::kAvg, Aggregation::kMin, Aggregation::kMax, Aggregation::kSum,
                                   Aggregation::kLast, Aggregation::kCount}) {
      std::map<size_t, Values> want;
      for (size_t group = 0; group < kGroups; ++group) {
        for (const auto& of_step : standing[group]) want[group].push_back(Together(of_step, aggregation));
      }
      ExpectNear(AskByGroup(step, aggregation), want,
                 fmt::format("{} in steps of {} s", AggregationName(aggregation), step));
    }
  }
}

TEST_F(MetricScanTest, EachStreamOfManyIsAGroupOfTheLargest) {
  std::vector<TestStream> streams;
  for (int i = 0; i < 900; ++i) {
    streams.push_back({.stream = {.attributes = fmt::format("{{'k': '{}'}}", i)}});
    for (int64_t time = 0; time <= 600; time += 60) {
      streams.back().points.push_back({time, static_cast<double>(time * i)});
    }
  }
  Store(streams);
  SeriesRequest request = Ask(600, 60, Aggregation::kRate);
  request.group_by = {"k"};
  request.limit = 2;
  const SeriesAnswer answer = Get(request);
  EXPECT_EQ(answer.series_total, 900u);
  ASSERT_EQ(answer.series.size(), 2u);
  EXPECT_EQ(answer.series[0].labels.at(0).second, "899");
  EXPECT_THAT(answer.series[0].values, Are(Values(10, 899)));
  EXPECT_EQ(answer.series[1].labels.at(0).second, "898");
}

TEST(StepFinderTest, FindsTheStepsThatDivisionFinds) {
  const StepGrid grid{.from = 1000, .to = 1700, .asked_to = 1700, .step = 7};
  StepFinder finder(grid);
  std::mt19937 random(7);
  for (int i = 0; i < 10'000; ++i) {
    const int64_t time = std::uniform_int_distribution<int64_t>(900, 1800)(random);
    const int64_t want = time < 1000 ? -1 : time >= 1700 ? 100 : (time - 1000) / 7;
    ASSERT_EQ(finder.Of(time), want) << time;
    if (want >= 0) EXPECT_EQ(finder.begin(), 1000 + want * 7);
  }
}

}  // namespace
}  // namespace sightline::query
