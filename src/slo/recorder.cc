#include "slo/recorder.h"

#include <algorithm>
#include <chrono>
#include <ranges>

#include "base/log.h"

namespace sightline::slo {
namespace {

constexpr int64_t kBudgetLevels[] = {50, 25, 10, 0};  // in %
constexpr int64_t kOnItsWayNanos = 5'000'000'000;     // from the end of a span until it is stored, mostly
constexpr double kRecoveredMargin = 2;                // so much above a level it counts as left, in %

int64_t LevelOf(double remaining_percent) {
  int64_t level = 100;
  for (const int64_t one : kBudgetLevels) {
    if (remaining_percent <= static_cast<double>(one)) level = one;
  }
  return level;
}

std::string DescribeChange(const std::string& before_json, const SloDocument& now) {
  const auto before = ReadSloDocument(before_json);
  std::string text;
  const auto add = [&](std::string part) { text += (text.empty() ? "" : "; ") + part; };
  if (!before) return "it was changed";
  if (before->sli_json != now.sli_json) add("another SLI: what is stored is counted anew");
  if (before->objective != now.objective) {
    add(fmt::format("objective {:.6g} % instead of {:.6g} %", now.objective * 100, before->objective * 100));
  }
  const auto same = [](const SloWindow& a, const SloWindow& b) {
    return a.kind == b.kind && a.length_seconds == b.length_seconds && a.timezone == b.timezone;
  };
  if (!same(before->window, now.window)) add("another window");
  if (before->minimum_events != now.minimum_events) add(fmt::format("at least {:.6g} events", now.minimum_events));
  return text;  // names and labels are no change of what it promises
}

}  // namespace

Recorder::Recorder(Parts parts, MetricsRegistry& metrics, const Clock& clock)
    : parts_(parts),
      clock_(clock),
      failures_(metrics.GetCounter("sightline.slo.failed_counts", "{count}",
                                   "Times that what an SLO counts could not be counted")) {}

Recorder::~Recorder() {
  Stop();
}

void Recorder::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  cancellation_.Cancel();
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Recorder::Start(int64_t interval_nanos) {
  thread_ = std::thread([this, interval_nanos] { Run(interval_nanos); });
}

void Recorder::Wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  wake_.notify_all();
}

void Recorder::Run(int64_t interval_nanos) {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    woken_ = false;
    lock.unlock();
    const bool is_behind = Round();
    lock.lock();
    if (is_behind) continue;
    // Shortly after whole intervals, so that a minute is counted as soon as it is over and what is on its way has come.
    const int64_t since = (clock_.UnixNanos() - std::min(kOnItsWayNanos, interval_nanos / 2)) % interval_nanos;
    wake_.wait_for(lock, std::chrono::nanoseconds(interval_nanos - since), [this] { return stopping_ || woken_; });
  }
}

bool Recorder::Round() {
  const auto list = parts_.slos.List();
  if (!list) {
    Log(LogLevel::kError, "SLOs cannot be read", {{"error", list.error().message}});
    return false;
  }
  std::vector<std::string> ids;
  bool is_behind = false;
  for (const Slo& slo : list->slos) {
    if (cancellation_.cancelled()) return false;
    ids.push_back(slo.id);
    const auto behind = Advance(slo);
    if (behind) {
      is_behind = is_behind || *behind;
    } else if (behind.error().code != Code::kCancelled) {
      NoteFailure(slo, behind.error());
    }
  }
  // A file that does not read for a moment loses nothing.
  for (const state::BrokenFile& broken : list->broken) {
    ids.push_back(std::string(kFilePrefix) + broken.file.substr(0, broken.file.rfind('.')));
  }
  if (const auto kept = parts_.rollups.Keep(ids); !kept) {
    Log(LogLevel::kError, "what was counted for deleted SLOs stays", {{"error", kept.error().message}});
  }
  return is_behind;
}

// What of it is counted, begun anew where it counts something else now.
Result<SloProgress> Recorder::Begin(const Slo& slo, int64_t now_minute) {
  auto before = parts_.rollups.Progress(slo.id);
  if (!before) return std::unexpected(before.error());
  const std::string changed = *before ? DescribeChange((*before)->definition, slo.document) : "";
  std::vector<SloEvent> events;
  if (!changed.empty()) {
    events.push_back({.at_unix_nanos = clock_.UnixNanos(), .kind = std::string(kDefinitionChanged), .text = changed});
  }
  if (*before && (*before)->sli == slo.document.sli_json) {
    if ((*before)->definition == slo.document.json) return **std::move(before);
    (*before)->definition = slo.document.json;
    SIGHTLINE_TRY(parts_.rollups.Write(slo.id, 0, {}, **before, std::move(events)));
    return **std::move(before);
  }
  SloProgress progress;
  progress.sli = slo.document.sli_json;
  progress.definition = slo.document.json;
  progress.begin_minute = std::max<int64_t>(0, (now_minute - kHistoryMinutes) / kDayMinutes * kDayMinutes);
  progress.end_minute = progress.begin_minute;
  SIGHTLINE_TRY(parts_.rollups.Restart(slo.id, progress, std::move(events)));
  return progress;
}

Result<bool> Recorder::Advance(const Slo& slo) {
  const int64_t now_nanos = clock_.UnixNanos();
  const int64_t now = MinuteOf(now_nanos);
  auto progress = Begin(slo, now);
  if (!progress) return std::unexpected(progress.error());
  if (std::holds_alternative<CompositeSli>(slo.document.sli)) {
    SIGHTLINE_TRY(NoteBudget(slo));
    return false;
  }
  if (progress->end_minute + kDayMinutes <= now) {
    const auto day = parts_.counter.NextStoredDay(progress->end_minute / kDayMinutes, &cancellation_);
    if (!day) return std::unexpected(day.error());
    progress->end_minute = std::max(progress->end_minute, std::min(*day, now / kDayMinutes) * kDayMinutes);
  }
  const bool is_far_behind = progress->end_minute + kDayMinutes <= now;
  const bool is_deep = !is_far_behind && std::exchange(deep_hours_[slo.id], now / kHourMinutes) != now / kHourMinutes;
  const int64_t late = is_far_behind ? 0 : is_deep ? kVeryLateMinutes : kLateMinutes;
  const int64_t from = std::max(progress->begin_minute, std::min(progress->end_minute, now) - late);
  // Of the current minute what is there already, for those who look now.
  const int64_t to = is_far_behind ? (from / kDayMinutes + 1) * kDayMinutes : now + 1;
  const auto counted = parts_.counter.Count(slo.document, from, to, now, &cancellation_);
  if (!counted) return std::unexpected(counted.error());
  const bool had_history = !is_far_behind && progress->counted_unix_nanos != 0;
  progress->end_minute = std::min(to, now);
  progress->error.clear();
  std::vector<SloEvent> events;
  if (!is_far_behind) {
    progress->counted_unix_nanos = now_nanos;
    if (!had_history) {
      events.push_back(
          {.at_unix_nanos = now_nanos, .kind = std::string(kHistoryCounted), .text = "what was stored is counted"});
    }
  }
  SIGHTLINE_TRY(parts_.rollups.Write(slo.id, from, *counted, *progress, std::move(events)));
  if (is_far_behind) return true;
  if (is_deep) SIGHTLINE_TRY(parts_.rollups.Forget(slo.id, now - kHistoryMinutes));
  SIGHTLINE_TRY(NoteBudget(slo));
  return false;
}

Result<void> Recorder::NoteBudget(const Slo& slo) {
  const int64_t now_nanos = clock_.UnixNanos();
  const auto status = parts_.reader.Status(slo, now_nanos);
  if (!status) return std::unexpected(status.error());
  if (!status->budget_remaining) return {};
  auto progress = parts_.rollups.Progress(slo.id);
  if (!progress) return std::unexpected(progress.error());
  if (!*progress) return {};
  const double percent = *status->budget_remaining * 100;
  const int64_t level = LevelOf(percent), before = (*progress)->budget_level;
  const bool is_lower = level < before;
  const bool is_higher = level > before && percent > static_cast<double>(before) + kRecoveredMargin;
  if (!is_lower && !is_higher) return {};
  (*progress)->budget_level = level;
  SloEvent event{
      .at_unix_nanos = now_nanos, .kind = std::string(is_lower ? kBudgetBelow : kBudgetRecovered), .text = ""};
  if (level == 0) {
    event.text = "the budget is used up";
  } else {
    event.text = fmt::format("{:.3g} % of the budget are left: {} {} %", percent, is_lower ? "at most" : "above",
                             is_lower ? level : before);
  }
  return parts_.rollups.Write(slo.id, 0, {}, **progress, {std::move(event)});
}

void Recorder::NoteFailure(const Slo& slo, const Error& error) {
  failures_.Add(1);
  const auto progress = parts_.rollups.Progress(slo.id);
  if (!progress || !*progress || (*progress)->error == error.message) return;
  Log(LogLevel::kWarning, "what an SLO counts cannot be counted", {{"slo", slo.id}, {"error", error.message}});
  SloProgress failed = **progress;
  failed.error = error.message;
  if (const auto kept = parts_.rollups.Write(slo.id, 0, {}, failed, {}); !kept) {
    Log(LogLevel::kError, "the state cannot be written", {{"error", kept.error().message}});
  }
}

}  // namespace sightline::slo
