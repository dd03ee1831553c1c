#include "query/silent_trace.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <map>
#include <optional>
#include <tuple>

namespace sightline::query {
namespace {

constexpr size_t kNone = SIZE_MAX;

// Thread: of its owner.
class Judge {
 public:
  explicit Judge(const std::vector<JudgedSpan>& spans) : spans_(spans), parents_(spans.size(), kNone) {
    boost::unordered_flat_map<uint64_t, size_t> places;
    for (size_t i = 0; i < spans.size(); ++i) places.try_emplace(spans[i].id, i);
    for (size_t i = 0; i < spans.size(); ++i) {
      // Sent twice: it is as if it were not there.
      is_double_.push_back(places.at(spans[i].id) != i);
      const auto parent = places.find(spans[i].parent_id);
      if (spans[i].parent_id != 0 && parent != places.end() && parent->second != i) parents_[i] = parent->second;
    }
    FindAbove();
    FindLastGood();
  }

  std::vector<SilentFailure> Silent() const {
    std::vector<SilentFailure> silent;
    for (size_t i = 0; i < spans_.size(); ++i) {
      if (is_double_[i] || is_above_[i] || !spans_[i].failed()) continue;
      if (const auto entry = SwallowedBy(i))
        silent.push_back({.failed = i, .entry = *entry, .was_retried = Retried(i)});
    }
    std::ranges::sort(silent, {}, [&](const SilentFailure& one) {
      return std::tuple(spans_[one.failed].start_unix_nanos, one.failed);
    });
    return silent;
  }

 private:
  using Likes = std::tuple<size_t, uint32_t>;  // parent, operation

  // Spans that have a failed one below them. Each is marked once, so that long chains cost no more.
  void FindAbove() {
    is_above_.resize(spans_.size());
    for (size_t i = 0; i < spans_.size(); ++i) {
      if (!spans_[i].failed()) continue;
      for (size_t at = parents_[i]; at != kNone && !is_above_[at]; at = parents_[at]) is_above_[at] = true;
    }
  }

  void FindLastGood() {
    for (size_t i = 0; i < spans_.size(); ++i) {
      if (parents_[i] == kNone || spans_[i].failed() || is_above_[i]) continue;
      auto [last, is_new] = last_good_.try_emplace(Likes(parents_[i], spans_[i].operation), spans_[i].start_unix_nanos);
      if (!is_new) last->second = std::max(last->second, spans_[i].start_unix_nanos);
    }
  }

  bool Retried(size_t i) const {
    const auto last = last_good_.find(Likes(parents_[i], spans_[i].operation));
    return last != last_good_.end() && last->second > spans_[i].start_unix_nanos;
  }

  // The entry span of the innermost request around it that answered well.
  std::optional<size_t> SwallowedBy(size_t failed) const {
    // Spans that are each other's parents have no root: more steps than spans are a circle.
    size_t steps = 0;
    for (size_t at = failed; at != kNone && steps <= spans_.size(); at = parents_[at], ++steps) {
      const SpanRole role = spans_[at].role;
      const bool is_entry = role == SpanRole::kServer || role == SpanRole::kConsumer || parents_[at] == kNone;
      if (!is_entry) continue;
      if (spans_[at].answered_well()) return at;
      if (role == SpanRole::kConsumer) return std::nullopt;
    }
    return std::nullopt;
  }

  const std::vector<JudgedSpan>& spans_;
  std::vector<size_t> parents_;
  std::vector<bool> is_double_, is_above_;
  std::map<Likes, int64_t> last_good_;  // start of the last span that did not fail
};

}  // namespace

bool JudgedSpan::failed() const {
  return is_error || has_exception || (role == SpanRole::kClient && http_status >= 400) ||
         (role == SpanRole::kServer && http_status >= 500);
}

std::vector<SilentFailure> SilentFailuresOf(const std::vector<JudgedSpan>& spans) {
  // Most traces have nothing that failed, or one thing that nobody swallowed; the rest is worth its maps.
  if (std::ranges::none_of(spans, &JudgedSpan::failed)) return {};
  return Judge(spans).Silent();
}

}  // namespace sightline::query
