// What flowed between the points of one stream. Data: points of a counter or a histogram, in any order -> amounts, each
// with the time in which it came together. The rules stand in docs/metric_series.md.
//
// A Value has, found by its namespace:
//   Relation Relate(const Value& before, const Value& now, bool falls_reset);
//   Value Minus(const Value& now, const Value& before);
//   bool Larger(const Value& a, const Value& b);
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace sightline::query {

// kGoesOn: the difference flowed. kReset: all of `now` did. kUnrelated: nobody knows.
enum class Relation : uint8_t { kGoesOn, kReset, kUnrelated };

inline constexpr int64_t kQuietNanosMax = 600'000'000'000;
inline constexpr int64_t kQuietIntervals = 3;
// Processes that compute their start anew with each export do not hit it to the nanosecond.
inline constexpr int64_t kSameStartNanos = 1'000'000'000;

// Unix nanoseconds; a start of 0 is unknown.
template <typename Value>
struct FlowPoint {
  int64_t start = 0, time = 0;
  Value value{};
  uint64_t stands_for = 1;  // points between that were left out count here
};

// (begin, end].
template <typename Value>
struct Flow {
  int64_t begin = 0, end = 0;
  Value amount{};
  int64_t interval = 0;  // how often the stream has points; 0: unknown
  bool newest = false;   // nothing newer is known of this stream, or of this start of it
};

struct FlowRules {
  int64_t known_from = 0;  // all points from then on are there
  int64_t step = 0;
  bool falls_reset = true;  // else the value may fall
};

// Points of one start, sorted by time; of those of one time the first counts.
template <typename Value, typename Emit>
void EmitRunning(const FlowPoint<Value>* first, const FlowPoint<Value>* end, const FlowRules& rules, Emit emit) {
  uint64_t points = 0;
  for (const auto* point = first; point != end; ++point) points += point->stands_for;
  const int64_t length = (end - 1)->time - first->time;
  const int64_t interval = points > 1 && length > 0 ? length / static_cast<int64_t>(points - 1) : 0;
  const int64_t typical = interval > 0 ? std::min(kQuietIntervals * interval, kQuietNanosMax) : kQuietNanosMax;
  const int64_t quiet_max = std::max(rules.step, typical);
  Flow<Value> last;
  bool has_last = false;
  auto next = [&](int64_t begin, int64_t flow_end, Value amount) {
    if (has_last) emit(last);
    last = {begin, flow_end, std::move(amount), interval, false};
    has_last = true;
  };
  if (first->start > 0 && first->start < first->time && first->start >= rules.known_from) {
    // Nothing was reported before, so what had not been there at the last export came after it.
    next(interval > 0 ? std::max(first->start, first->time - interval) : first->start, first->time, first->value);
  }
  const FlowPoint<Value>* before = first;
  for (const auto* point = first + 1; point != end; ++point) {
    if (point->time == before->time) continue;  // the larger one stands in front
    const Relation relation = Relate(before->value, point->value, rules.falls_reset);
    if (relation != Relation::kUnrelated && point->time - before->time <= quiet_max) {
      next(before->time, point->time, relation == Relation::kReset ? point->value : Minus(point->value, before->value));
    }
    before = point;
  }
  if (!has_last) return;
  last.newest = last.end == before->time;
  emit(last);
}

// Of a cumulative stream: values since a start, which may change. Calls emit(const Flow<Value>&); sorts `points`.
template <typename Value, typename Emit>
void EmitCumulative(std::vector<FlowPoint<Value>>& points, const FlowRules& rules, Emit emit) {
  auto by_start = [](const auto& a, const auto& b) { return a.start != b.start ? a.start < b.start : a.time < b.time; };
  auto by_time = [](const auto& a, const auto& b) {
    return a.time != b.time ? a.time < b.time : Larger(a.value, b.value);
  };
  auto same = [](const auto& a, const auto& b) {
    return a.start == b.start || (a.start > 0 && b.start - a.start < kSameStartNanos);
  };
  std::sort(points.begin(), points.end(), by_start);
  for (auto first = points.begin(); first != points.end();) {
    auto end = first + 1;
    while (end != points.end() && same(*(end - 1), *end)) ++end;
    std::sort(first, end, by_time);
    EmitRunning(&*first, &*first + (end - first), rules, emit);
    first = end;
  }
}

// Of a delta stream: each point is what came since its start. Of points with the same start and time one counts, as
// they are one point that was sent twice; all do if they are of different streams. Sorts `points`.
template <typename Value, typename Emit>
void EmitDelta(std::vector<FlowPoint<Value>>& points, bool all_count, Emit emit) {
  std::sort(points.begin(), points.end(), [](const auto& a, const auto& b) {
    if (a.time != b.time) return a.time < b.time;
    return a.start != b.start ? a.start < b.start : Larger(a.value, b.value);
  });
  for (size_t i = 0; i < points.size(); ++i) {
    const auto& point = points[i];
    if (!all_count && i > 0 && point.time == points[i - 1].time && point.start == points[i - 1].start) continue;
    const bool timed = point.start > 0 && point.start < point.time;
    const int64_t interval = timed ? (point.time - point.start) / static_cast<int64_t>(point.stands_for) : 0;
    const bool newest = point.time == points.back().time;
    emit(Flow<Value>{timed ? point.start : point.time, point.time, point.value, interval, newest});
  }
}

}  // namespace sightline::query
