#include "notify/dispatcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/fault.h"
#include "base/log.h"

namespace sightline::notify {
namespace {

using Outcome = SendResult::Outcome;
using state::Session;

constexpr int64_t kSecondNanos = 1'000'000'000;
constexpr int64_t kLookNanosMax = 60 * kSecondNanos;  // clocks may jump, so nobody sleeps for longer
constexpr int64_t kTroubleNanos = 5 * kSecondNanos;   // after the state could not be read or written
constexpr int64_t kForgetNanos = 3600 * kSecondNanos;
constexpr size_t kEventsOfAStepMax = 1000;
constexpr size_t kEnrichedMax = 3;
constexpr int kEnrichSecondsMax = 5;
constexpr std::string_view kChannelKinds[] = {"webhook", "slack", "pagerduty", "email", "alertmanager"};

Notification TestNotification(const Channel& channel, int64_t now) {
  AlertEvent event;
  event.rule_name = "Test of the channel " + channel.name;
  event.fingerprint = "test";
  event.severity = "info";
  event.annotations = {{"summary", "If you read this, the channel works."}};
  event.starts_unix_nanos = event.at_unix_nanos = now;
  event.link = "/alerts";
  const std::string id = fmt::format("test-{}", now);
  return {.id = id,
          .group = id,
          .kind = NotificationKind::kTest,
          .group_labels = {},
          .alerts = {{.event = std::move(event), .enrichment = {}}},
          .at_unix_nanos = now};
}

}  // namespace

int64_t RetryWaitNanos(const DispatchOptions& options, int64_t attempts, double chance) {
  int64_t wait = options.retry_first_nanos;
  for (int64_t i = 1; i < attempts && wait < options.retry_max_nanos; ++i) wait *= 2;
  wait = std::min(wait, options.retry_max_nanos);
  return wait / 2 + static_cast<int64_t>(chance * static_cast<double>(wait / 2));
}

Dispatcher::Dispatcher(DispatchOptions options, state::Database& database, NotifyStore& store, MetricsRegistry& metrics,
                       const Clock& clock)
    : options_(std::move(options)),
      database_(database),
      store_(store),
      grouper_(store),
      metrics_(metrics),
      clock_(clock),
      events_(metrics.GetCounter("sightline.notify.events", "{event}", "Transitions of alerts that were to be told")),
      unrouted_(
          metrics.GetCounter("sightline.notify.unrouted_events", "{event}", "Transitions that no channel is for")),
      dropped_(
          metrics.GetCounter("sightline.notify.dropped_events", "{event}", "Transitions for which there was no room")) {
  for (const std::string_view kind : kChannelKinds) {
    for (const char* outcome : {"sent", "retried", "given_up"}) CounterOf(std::string(kind), outcome);
  }
  metrics.SetGauge("sightline.notify.queue", "{notification}", "Notifications that wait for their receiver", {},
                   [this] { return static_cast<double>(queued_.load()); });
}

Dispatcher::~Dispatcher() {
  Stop();
  metrics_.Unregister("sightline.notify.queue");
}

Counter& Dispatcher::CounterOf(const std::string& kind, const std::string& outcome) {
  return metrics_.GetCounter("sightline.notify.notifications", "{notification}",
                             "Tries to bring a notification to its channel", {{"kind", kind}, {"outcome", outcome}});
}

void Dispatcher::Start(Enricher* enricher) {
  enricher_ = enricher;
  threads_.emplace_back([this] { PlanLoop(); });
  for (int i = 0; i < options_.senders; ++i) threads_.emplace_back([this] { SendLoop(); });
}

void Dispatcher::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  plan_wake_.notify_all();
  send_wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

Result<void> Dispatcher::Add(Session& session, const AlertEvent& event) {
  return Grouper::Add(session, event);
}

void Dispatcher::Wake() {
  {
    const std::lock_guard lock(mutex_);
    plan_now_ = true;
  }
  plan_wake_.notify_one();
}

void Dispatcher::PlanLoop() {
  while (!stopping_) {
    {
      const std::lock_guard lock(mutex_);
      plan_now_ = false;
    }
    const Result<int64_t> next = Plan();
    const int64_t now = clock_.UnixNanos();
    if (!next) Log(LogLevel::kError, "alerts cannot be told of", {{"error", next.error().message}});
    const int64_t wait = next ? std::clamp<int64_t>(*next - now, 0, kLookNanosMax) : kTroubleNanos;
    std::unique_lock lock(mutex_);
    plan_wake_.wait_for(lock, std::chrono::nanoseconds(wait), [this] { return stopping_ || plan_now_; });
  }
}

Result<int64_t> Dispatcher::Plan() {
  const int64_t now = clock_.UnixNanos();
  Grouper::Taken taken;
  size_t made = 0, queued = 0;
  int64_t next = now + kLookNanosMax;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    auto events = grouper_.TakeInbox(session, now, kEventsOfAStepMax);
    if (!events) return std::unexpected(events.error());
    taken = *events;
    const auto told = grouper_.Tell(session, now);
    if (!told) return std::unexpected(told.error());
    made = *told;
    const auto count = deliveries::CountQueued(session);
    if (!count) return std::unexpected(count.error());
    queued = *count;
    const auto due = Grouper::NextDue(session);
    if (!due) return std::unexpected(due.error());
    if (*due != 0) next = *due;
    if (now >= forgotten_at_ + kForgetNanos) {
      SIGHTLINE_TRY(deliveries::Forget(session, now - options_.keep_nanos));
      SIGHTLINE_TRY(store_.ForgetSilencesIn(session, now - options_.keep_nanos));
      forgotten_at_ = now;
    }
    return {};
  }));
  events_.Add(taken.events);
  unrouted_.Add(taken.unrouted);
  dropped_.Add(taken.dropped);
  queued_ = queued;
  if (made > 0) {
    {
      const std::lock_guard lock(mutex_);
      ++sends_changed_;
    }
    send_wake_.notify_all();
  }
  if (taken.events == kEventsOfAStepMax) return now;
  // Full: what is due waits until the senders have made room.
  return queued >= kQueuedMax ? std::max(next, now + kSecondNanos) : next;
}

void Dispatcher::SendLoop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    auto delivery = NextDelivery(lock);
    if (!delivery) continue;
    const std::string channel = delivery->channel;
    busy_.insert(channel);
    lock.unlock();
    Try(*std::move(delivery));
    lock.lock();
    busy_.erase(channel);
    ++sends_changed_;
    plan_now_ = true;  // its group may have more to tell
    send_wake_.notify_all();
    plan_wake_.notify_one();
  }
}

// Under the lock, so that no two take one of the same channel; waits where nothing is due.
std::optional<Delivery> Dispatcher::NextDelivery(std::unique_lock<std::mutex>& lock) {
  std::optional<Delivery> delivery;
  const auto read = database_.Transaction([&](Session& session) -> Result<void> {
    auto next = deliveries::NextQueued(session, busy_);
    if (!next) return std::unexpected(next.error());
    delivery = *std::move(next);
    return {};
  });
  if (!read) Log(LogLevel::kError, "the queue of notifications cannot be read", {{"error", read.error().message}});
  const int64_t now = clock_.UnixNanos();
  if (delivery && delivery->due_unix_nanos <= now) return delivery;
  const int64_t wait = !read      ? kTroubleNanos
                       : delivery ? std::min(delivery->due_unix_nanos - now, kLookNanosMax)
                                  : kLookNanosMax;
  send_wake_.wait_for(lock, std::chrono::nanoseconds(wait),
                      [this, seen = sends_changed_] { return stopping_ || sends_changed_ != seen; });
  return std::nullopt;
}

void Dispatcher::Try(Delivery delivery) {
  const auto channel = store_.FindChannel(delivery.channel);
  SendResult result;
  if (channel) {
    Enrich(delivery);
    result = Send(channel->channel, delivery.notification, options_.send, clock_, [this] { return stopping_.load(); });
    // As after a crash: it may have been taken, and is sent again.
    if (stopping_ && result.outcome != Outcome::kTaken) return;
    static_cast<void>(FaultPoint("notify.answered"));
  } else {
    const bool is_gone = channel.error().code == Code::kNotFound;
    result.outcome = is_gone ? Outcome::kRefused : Outcome::kRetry;
    result.error = is_gone ? "the channel was deleted" : channel.error().message;
  }
  Settle(delivery, result);
  // Until it is kept, the channel gets nothing else: the same again, without end, would be worse.
  while (!stopping_) {
    const auto kept = Keep(delivery);
    if (kept) break;
    Log(LogLevel::kError, "what became of a notification cannot be kept", {{"error", kept.error().message}});
    std::unique_lock lock(mutex_);
    send_wake_.wait_for(lock, std::chrono::nanoseconds(kTroubleNanos), [this] { return stopping_.load(); });
  }
}

void Dispatcher::Enrich(Delivery& delivery) {
  if (enricher_ == nullptr || delivery.enriched || delivery.notification.kind != NotificationKind::kFiring) return;
  const std::lock_guard lock(enrich_mutex_);
  size_t count = 0;
  for (ToldAlert& alert : delivery.notification.alerts) {
    if (IsResolved(alert.event) || ++count > kEnrichedMax || stopping_) break;
    if (auto enrichment = enricher_->Enrich(alert.event, kEnrichSecondsMax)) alert.enrichment = *std::move(enrichment);
  }
  delivery.enriched = true;
}

void Dispatcher::Settle(Delivery& delivery, const SendResult& result) {
  const int64_t now = clock_.UnixNanos();
  ++delivery.attempts;
  delivery.tried_unix_nanos = now;
  delivery.status = result.status;
  delivery.request = result.request;
  delivery.answer = result.answer;
  delivery.error = result.error;
  if (result.outcome == Outcome::kTaken) {
    delivery.state = DeliveryState::kSent;
    CounterOf(delivery.channel_kind, "sent").Add(1);
    return;
  }
  if (result.outcome == Outcome::kRefused || delivery.attempts >= options_.attempts_max) {
    delivery.state = DeliveryState::kGivenUp;
    CounterOf(delivery.channel_kind, "given_up").Add(1);
    Log(LogLevel::kError, "a notification was given up",
        {{"channel", delivery.channel_name}, {"attempts", delivery.attempts}, {"error", result.error}});
    return;
  }
  delivery.state = DeliveryState::kFailed;
  double chance = 0;
  {
    const std::lock_guard lock(random_mutex_);
    chance = std::uniform_real_distribution<double>(0, 1)(random_);
  }
  const int64_t wait = RetryWaitNanos(options_, delivery.attempts, chance);
  delivery.due_unix_nanos = now + std::max(wait, result.wait_nanos.value_or(0));
  CounterOf(delivery.channel_kind, "retried").Add(1);
  Log(LogLevel::kWarning, "a notification was not taken, and is tried again",
      {{"channel", delivery.channel_name}, {"attempts", delivery.attempts}, {"error", result.error}});
}

Result<void> Dispatcher::Keep(const Delivery& delivery) {
  return database_.Transaction([&](Session& session) { return deliveries::Update(session, delivery); });
}

Result<Delivery> Dispatcher::Test(const std::string& channel_id) {
  const auto channel = store_.FindChannel(channel_id);
  if (!channel) return std::unexpected(channel.error());
  const int64_t now = clock_.UnixNanos();
  Delivery delivery{.channel = channel->id,
                    .channel_name = channel->channel.name,
                    .channel_kind = std::string(ChannelKindName(channel->channel.kind)),
                    .notification = TestNotification(channel->channel, now),
                    .attempts = 1,
                    .created_unix_nanos = now};
  const SendResult result =
      Send(channel->channel, delivery.notification, options_.send, clock_, [this] { return stopping_.load(); });
  delivery.state = result.outcome == Outcome::kTaken ? DeliveryState::kSent : DeliveryState::kGivenUp;
  delivery.tried_unix_nanos = clock_.UnixNanos();
  delivery.status = result.status;
  delivery.request = result.request;
  delivery.answer = result.answer;
  delivery.error = result.error;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) { return deliveries::Insert(session, delivery); }));
  return delivery;
}

Result<void> Dispatcher::Acknowledge(const std::string& fingerprint, const std::string& comment) {
  SIGHTLINE_TRY(database_.Transaction(
      [&](Session& session) { return grouper_.Acknowledge(session, fingerprint, comment, clock_.UnixNanos()); }));
  {
    const std::lock_guard lock(mutex_);
    ++sends_changed_;
  }
  send_wake_.notify_all();
  Wake();
  return {};
}

Result<void> Dispatcher::Withdraw(const std::string& fingerprint) {
  SIGHTLINE_TRY(database_.Transaction(
      [&](Session& session) { return grouper_.Withdraw(session, fingerprint, clock_.UnixNanos()); }));
  Wake();
  return {};
}

Result<std::vector<Delivery>> Dispatcher::Deliveries(int64_t before_id, size_t max) {
  Result<std::vector<Delivery>> found;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    found = deliveries::List(session, before_id, max);
    if (!found) return std::unexpected(found.error());
    return {};
  }));
  return found;
}

}  // namespace sightline::notify
