// The threads of notifications: one groups what happened and decides what is told, a few bring it to its channels. A
// channel has one of them at most, so that a slow one holds no other back.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/metrics.h"
#include "notify/alert_event.h"
#include "notify/deliveries.h"
#include "notify/grouper.h"
#include "notify/sender.h"
#include "notify/store.h"
#include "state/database.h"

namespace sightline::notify {

struct DispatchOptions {
  SendOptions send;
  int senders = 4;  // threads
  int64_t attempts_max = 12;
  int64_t retry_first_nanos = 5'000'000'000;  // doubles with each try, up to
  int64_t retry_max_nanos = 600'000'000'000;
  int64_t keep_nanos = 30 * 86'400'000'000'000;  // of ended deliveries
};

// How long to wait after so many tries without success: exponential, and half of it by chance, so that what failed
// together does not return together.
int64_t RetryWaitNanos(const DispatchOptions& options, int64_t attempts, double chance);

// Thread: any; Start and Stop one after the other.
class Dispatcher final : public EventSink {
 public:
  // What is borrowed must outlive it.
  Dispatcher(DispatchOptions options, state::Database& database, NotifyStore& store, MetricsRegistry& metrics,
             const Clock& clock = Clock::System());
  ~Dispatcher() override;
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  // `enricher` must outlive the threads; null: messages say only what the alert itself says.
  void Start(Enricher* enricher = nullptr);
  // Breaks tries off: what is queued stays so.
  void Stop();

  Result<void> Add(state::Session& session, const AlertEvent& event) override;
  void Wake() override;

  // Sends a test at once, and gives what came of it. kNotFound.
  Result<Delivery> Test(const std::string& channel_id);

  Result<void> Acknowledge(const std::string& fingerprint, const std::string& comment);
  Result<void> Withdraw(const std::string& fingerprint);  // kNotFound

  Result<std::vector<Delivery>> Deliveries(int64_t before_id, size_t max);

 private:
  void PlanLoop();
  // One step; when to take the next one.
  Result<int64_t> Plan();
  void SendLoop();
  std::optional<Delivery> NextDelivery(std::unique_lock<std::mutex>& lock);
  void Try(Delivery delivery);
  void Enrich(Delivery& delivery);
  void Settle(Delivery& delivery, const SendResult& result);
  Result<void> Keep(const Delivery& delivery);
  Counter& CounterOf(const std::string& kind, const std::string& outcome);

  const DispatchOptions options_;
  state::Database& database_;
  NotifyStore& store_;
  Grouper grouper_;
  MetricsRegistry& metrics_;
  const Clock& clock_;
  Counter& events_;
  Counter& unrouted_;
  Counter& dropped_;

  std::atomic<bool> stopping_ = false;
  std::atomic<uint64_t> queued_ = 0;  // as the planner saw it last
  std::mutex mutex_;
  std::condition_variable plan_wake_, send_wake_;
  bool plan_now_ = true;        // guarded by mutex_
  uint64_t sends_changed_ = 0;  // guarded by mutex_: one more with each change of the queue
  std::set<std::string> busy_;  // guarded by mutex_: channels that a thread is at
  int64_t forgotten_at_ = 0;    // of the planner
  std::mutex enrich_mutex_;     // an Enricher is asked by one at a time
  std::mutex random_mutex_;
  std::minstd_rand random_{std::random_device{}()};  // guarded by random_mutex_
  Enricher* enricher_ = nullptr;                     // set before there are threads
  std::vector<std::thread> threads_;
};

}  // namespace sightline::notify
