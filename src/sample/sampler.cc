#include "sample/sampler.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_set.hpp>
#include <chrono>
#include <cstring>
#include <future>
#include <unordered_set>

#include "base/fault.h"
#include "base/log.h"
#include "sample/kept_request.h"
#include "sample/match_spans.h"

namespace sightline::sample {
namespace {

constexpr int64_t kBatchNanos = 100'000'000;      // decisions wait so long for others, to share a frame
constexpr std::chrono::milliseconds kTick{10};    // between looks at what is due
constexpr std::chrono::milliseconds kIdle{1000};  // the same when nothing waits
constexpr size_t kQueuedSpansWake = 4096;         // so many are not left waiting for the tick
constexpr uint64_t kRestoreQueuedSpansMax = 200'000;
// How far the order of frames in a shard is looked through for a full journal: at each tick, and where that has not
// been enough for so many ticks, all of it.
constexpr uint64_t kOutOfOrderTraces = 1024;
constexpr uint32_t kOutOfOrderTicks = 20;

struct SourceHash {
  size_t operator()(const SpanSource& source) const {
    return (source.frame * 0x9e3779b97f4a7c15ULL) ^ (source.offset * 0xff51afd7ed558ccdULL);
  }
};

}  // namespace

// Thread: its own, but for `mutex` and what it guards, and the gauges.
struct Sampler::Worker {
  explicit Worker(Shard new_shard) : shard(std::move(new_shard)) {}

  std::mutex mutex;
  std::condition_variable wake;
  std::vector<SpanBatch> queue;  // guarded by mutex
  std::atomic<uint64_t> queued_spans = 0;
  bool asleep = false;  // guarded by mutex

  Shard shard;
  // Taken from the shard and not yet in the journal, with the bytes of its frame once these are made.
  std::optional<PendingDecisions> unwritten;
  std::string unwritten_head;
  KeptRequest unwritten_request;
  MemoryBudget::Reservation unwritten_reservation;

  uint32_t journal_ticks = 0;  // at which the journal's oldest segment waited and nothing of it was found here

  std::atomic<uint64_t> traces = 0, spans = 0, bytes = 0;
  std::atomic<bool> drained = false, has_pending = false;
  std::thread thread;
};

// What decided frames say about spans of earlier runs. Exact, unlike the cache: a span that was dropped must not be
// decided again, as its trace is counted in the service graph already.
class Sampler::Restored {
 public:
  void Add(const DecidedFrame& frame) {
    for (const DecidedFrame::Dropped& trace : frame.dropped) dropped_.insert(trace.trace_hash);
    for (const SpanSource& source : frame.sources) kept_.insert(source);
  }
  bool IsDecided(uint64_t frame, const otlp::ItemRef& item) const {
    return dropped_.contains(item.trace_hash) || kept_.contains({frame, item.message.offset});
  }

 private:
  boost::unordered_flat_set<uint64_t> dropped_;
  boost::unordered_flat_set<SpanSource, SourceHash> kept_;
};

Sampler::Sampler(const SamplerOptions& options, std::shared_ptr<const PolicySet> policies, journal::Journal& journal,
                 DecidedSink& sink, MemoryBudget& budget, MetricsRegistry& metrics, const Clock& clock)
    : options_(options),
      journal_(journal),
      sink_(sink),
      budget_(budget),
      metrics_(metrics),
      clock_(clock),
      counters_(metrics),
      unreadable_spans_(metrics.GetCounter("sightline.sampling.unreadable_spans", "{span}",
                                           "Kept spans that could not be read back from the journal.")),
      append_errors_(metrics.GetCounter("sightline.sampling.errors", "{error}",
                                        "Decisions that could not be written to the journal; tried again.")),
      policies_(std::move(policies)) {
  const Shard::Options shard{.shards = options_.shards,
                             .memory_bytes_max = options_.memory_bytes_max / options_.shards,
                             .pending_bytes_max = std::min(options_.decided_bytes_max, budget.bytes_max() / 16)};
  for (uint32_t i = 0; i < options_.shards; ++i) {
    workers_.push_back(std::make_unique<Worker>(Shard(
        shard, policies_, policies_version_, counters_, graph_names_,
        [this](const FrameHold& frame, const PolicySet& set, const auto& visit) { MatchAgain(frame, set, visit); })));
  }
  metrics.SetGauge("sightline.sampling.undecided_spans", "{span}", "Spans that wait for a decision.", {},
                   [this] { return static_cast<double>(status().undecided_spans); });
  metrics.SetGauge("sightline.sampling.undecided_traces", "{trace}", "Traces that wait for a decision.", {},
                   [this] { return static_cast<double>(status().undecided_traces); });
  metrics.SetGauge("sightline.sampling.memory.used", "By", "Of undecided spans and remembered decisions.", {},
                   [this] { return static_cast<double>(status().memory_bytes); });
  metrics.SetGauge("sightline.sampling.memory.limit", "By", "sampling.memory_bytes_max.", {},
                   [max = options_.memory_bytes_max] { return static_cast<double>(max); });
}

Result<std::unique_ptr<Sampler>> Sampler::Start(const SamplerOptions& options,
                                                std::shared_ptr<const PolicySet> policies, journal::Journal& journal,
                                                DecidedSink& sink, MemoryBudget& budget, MetricsRegistry& metrics,
                                                const Clock& clock) {
  std::unique_ptr<Sampler> sampler(new Sampler(options, std::move(policies), journal, sink, budget, metrics, clock));
  SIGHTLINE_TRY(sampler->Restore());
  return sampler;
}

Sampler::~Sampler() {
  stopping_ = true;
  for (auto& worker : workers_) {
    {
      const std::lock_guard lock(worker->mutex);
      worker->wake.notify_all();
    }
    if (worker->thread.joinable()) worker->thread.join();
  }
  std::unordered_set<FrameHold*> holds;
  for (auto& worker : workers_) {
    for (const SpanBatch& batch : worker->queue) {
      for (const ArrivedSpan& span : batch.spans) holds.insert(span.place.frame);
    }
    worker->shard.ForEachFrame([&](FrameHold* hold) { holds.insert(hold); });
    if (!worker->unwritten) continue;
    for (const PendingDecisions::Decided& decided : worker->unwritten->decided) holds.insert(decided.frame);
  }
  for (FrameHold* hold : holds) delete hold;
  for (const char* gauge : {"sightline.sampling.undecided_spans", "sightline.sampling.undecided_traces",
                            "sightline.sampling.memory.used", "sightline.sampling.memory.limit"}) {
    metrics_.Unregister(gauge);
  }
}

Result<void> Sampler::Restore() {
  const journal::Unfinished& unfinished = journal_.unfinished();
  Restored restored;
  const int64_t recorded_until = options_.dropped_traces == nullptr ? 0 : options_.dropped_traces->newest_unix_nanos();
  for (const uint64_t number : unfinished.decided) {
    const auto frame = journal_.ReadFrame(number);
    // Done and deleted meanwhile, and with it all the requests that it speaks of, which lie before it.
    if (!frame && frame.error().code == Code::kNotFound) continue;
    if (!frame) return Wrap("read what was decided", frame.error());
    const auto decoded = DecodeDecidedFrame(frame->bytes);
    if (!decoded) return Fail(Code::kDataLoss, "journal frame {} does not hold decisions", number);
    const DecidedFrame& decisions = decoded->decisions;
    restored.Add(decisions);
    // Those that a kill left without a record.
    const int64_t decided = frame->header.received_unix_nanos;
    if (options_.dropped_traces != nullptr && decided > recorded_until) {
      options_.dropped_traces->Add(decided, decisions.policies, decisions.dropped);
    }
    const auto remember = [&](const auto& trace, bool keep, double adjusted_count) {
      workers_[ShardOf(trace.trace_hash)]->shard.Remember(trace.trace_hash, keep, decisions.policies[trace.policy],
                                                          adjusted_count);
    };
    for (const DecidedFrame::Dropped& trace : decisions.dropped) remember(trace, false, 0);
    for (const DecidedFrame::Kept& trace : decisions.kept) remember(trace, true, trace.adjusted_count);
  }
  for (auto& worker : workers_) worker->thread = std::thread([this, w = worker.get()] { Run(*w); });
  for (const uint64_t number : unfinished.undecided) {
    const auto frame = journal_.ReadFrame(number);
    if (!frame) return Wrap("read what is undecided", frame.error());
    const auto scan = otlp::Rescan(otlp::Signal::kTraces, frame->bytes, frame->header.refused, otlp::SpanHeads::kNote);
    if (!scan) return Wrap(fmt::format("read journal frame {}", number), scan.error());
    WaitFor(INT64_MAX, [this] { return queued_spans() < kRestoreQueuedSpansMax && HasRoom(); });
    AddSpans(number, frame->bytes, *scan, {}, &restored);
  }
  journal_.ForgetDecided();
  return {};
}

void Sampler::Add(uint64_t frame, std::string_view bytes, const otlp::Scan& scan,
                  MemoryBudget::Reservation reservation) {
  AddSpans(frame, bytes, scan, std::move(reservation), nullptr);
}

// Not the high bits, which the shards' maps use, nor the lowest byte, which they compare first.
uint32_t Sampler::ShardOf(uint64_t trace_hash) const {
  return static_cast<uint32_t>((trace_hash >> 16 & 0xffff) * options_.shards >> 16);
}

void Sampler::AddSpans(uint64_t frame, std::string_view bytes, const otlp::Scan& scan,
                       MemoryBudget::Reservation reservation, const Restored* restored) {
  std::shared_ptr<const PolicySet> policy_set;
  uint64_t policies_version = 0;
  {
    const std::lock_guard lock(policies_mutex_);
    policy_set = policies_;
    policies_version = policies_version_;
  }
  auto hold = std::make_unique<FrameHold>();
  hold->number = frame;
  hold->scopes = scan.scopes;
  std::vector<std::vector<ArrivedSpan>> by_shard(workers_.size());
  for (auto& spans : by_shard) spans.reserve(scan.items.size() / workers_.size() + scan.items.size() / 8 + 8);
  uint32_t undecided = 0;
  const int64_t now = clock_.UnixNanos();
  GraphNoter noter(graph_names_, now, now + otlp::TimeRules{}.future_nanos_max);
  MatchSpans(
      *policy_set, bytes, scan,
      [&](const otlp::ItemRef& item) { return restored == nullptr || !restored->IsDecided(frame, item); },
      [&](ArrivedSpan&& span, const otlp::ItemRef& item) {
        span.place.frame = hold.get();
        span.graph = noter.Note(bytes, scan, item, scan.heads[static_cast<size_t>(&item - scan.items.data())]);
        by_shard[ShardOf(item.trace_hash)].push_back(std::move(span));
        ++undecided;
      });
  if (undecided == 0) return journal_.Release(std::span(&frame, 1));
  hold->undecided = undecided;
  hold_bytes_.fetch_add(hold->bytes(), std::memory_order_relaxed);
  (void)hold.release();  // its last span frees it
  const auto shared_reservation = std::make_shared<MemoryBudget::Reservation>(std::move(reservation));
  for (size_t i = 0; i < by_shard.size(); ++i) {
    if (by_shard[i].empty()) continue;
    Worker& worker = *workers_[i];
    SpanBatch batch{policy_set, policies_version, std::move(by_shard[i]), shared_reservation};
    const std::lock_guard lock(worker.mutex);
    const uint64_t queued = worker.queued_spans.fetch_add(batch.spans.size()) + batch.spans.size();
    worker.queue.push_back(std::move(batch));
    if (worker.asleep || queued >= kQueuedSpansWake) worker.wake.notify_one();
  }
}

void Sampler::MatchAgain(const FrameHold& hold, const PolicySet& policies,
                         const std::function<void(ArrivedSpan&&)>& visit) {
  const auto frame = journal_.ReadFrame(hold.number);
  Result<otlp::Scan> scan = Fail(Code::kDataLoss, "it was not read");
  if (frame) {
    scan = otlp::Rescan(otlp::Signal::kTraces, frame->bytes, frame->header.refused, otlp::SpanHeads::kNote);
  }
  if (!frame || !scan) {
    Log(LogLevel::kError, "spans that wait are not judged by the new policies: they cannot be read",
        {{"frame", hold.number}, {"error", frame ? scan.error().message : frame.error().message}});
    return;
  }
  MatchSpans(
      policies, frame->bytes, *scan, [](const otlp::ItemRef&) { return true; },
      [&](ArrivedSpan&& span, const otlp::ItemRef&) { visit(std::move(span)); });
}

bool Sampler::HasRoom() const {
  return status().memory_bytes <= options_.memory_bytes_max + options_.memory_bytes_max / 4;
}

void Sampler::SetPolicies(std::shared_ptr<const PolicySet> policies) {
  const std::lock_guard lock(policies_mutex_);
  policies_ = std::move(policies);
  ++policies_version_;
}

std::shared_ptr<const PolicySet> Sampler::policies() const {
  const std::lock_guard lock(policies_mutex_);
  return policies_;
}

Sampler::Status Sampler::status() const {
  Status status{.memory_bytes = hold_bytes_};
  for (const auto& worker : workers_) {
    status.undecided_spans += worker->spans + worker->queued_spans;
    status.undecided_traces += worker->traces;
    status.memory_bytes += worker->bytes;
  }
  return status;
}

uint64_t Sampler::queued_spans() const {
  uint64_t queued = 0;
  for (const auto& worker : workers_) queued += worker->queued_spans;
  return queued;
}

bool Sampler::WaitFor(int64_t deadline_monotonic_nanos, const std::function<bool()>& is_done) {
  std::unique_lock lock(progress_mutex_);
  while (!is_done()) {
    if (clock_.MonotonicNanos() >= deadline_monotonic_nanos) return false;
    progress_.wait_for(lock, kTick);
  }
  return true;
}

bool Sampler::Drain(int64_t deadline_monotonic_nanos) {
  draining_ = true;
  for (auto& worker : workers_) {
    const std::lock_guard lock(worker->mutex);
    worker->wake.notify_all();
  }
  return WaitFor(deadline_monotonic_nanos,
                 [this] { return std::ranges::all_of(workers_, [](const auto& w) { return w->drained.load(); }); });
}

bool Sampler::WaitUntilAllDecided(int64_t deadline_monotonic_nanos) {
  return WaitFor(deadline_monotonic_nanos, [this] {
    return std::ranges::all_of(workers_,
                               [](const auto& w) { return w->queued_spans == 0 && w->spans == 0 && !w->has_pending; });
  });
}

void Sampler::Run(Worker& worker) {
  while (!stopping_) {
    std::vector<SpanBatch> batches;
    bool draining = false;
    {
      std::unique_lock lock(worker.mutex);
      const bool nothing_waits = worker.shard.traces() == 0 && worker.shard.pending().empty() && !worker.unwritten;
      worker.asleep = nothing_waits;
      if (worker.queue.size() == 0 || !nothing_waits) {
        worker.wake.wait_for(lock, nothing_waits ? std::chrono::duration_cast<std::chrono::milliseconds>(kIdle) : kTick,
                             [&] {
                               return stopping_ || worker.queued_spans >= kQueuedSpansWake ||
                                      (draining_ && !worker.drained) || (nothing_waits && !worker.queue.empty());
                             });
      }
      worker.asleep = false;
      draining = draining_;
      batches.swap(worker.queue);
    }
    Work(worker, std::move(batches), draining);
    progress_.notify_all();
  }
}

void Sampler::Work(Worker& worker, std::vector<SpanBatch> batches, bool draining) {
  Shard& shard = worker.shard;
  const Shard::Now now = Now();
  if (shard.policies_version() != policies_version_.load(std::memory_order_relaxed)) {
    const std::lock_guard lock(policies_mutex_);
    shard.SetPolicies(policies_, policies_version_);
  }
  uint64_t taken = 0;
  for (SpanBatch& batch : batches) {
    taken += batch.spans.size();
    shard.Add(std::move(batch), now);
  }
  shard.set_foreign_bytes(hold_bytes_ / options_.shards);
  bool journal_is_full = !draining && Decide(worker, now);
  if (draining && shard.policies().config().drop_pending_traces_on_shutdown) shard.DropAll(now);
  worker.has_pending = worker.unwritten || !shard.pending().empty();
  worker.traces = shard.traces();
  worker.spans = shard.spans();
  worker.bytes = shard.index_bytes();
  worker.queued_spans.fetch_sub(taken);
  while (
      (worker.unwritten || shard.PendingIsDue(now.monotonic_nanos - (draining || journal_is_full ? 0 : kBatchNanos))) &&
      !stopping_) {
    if (!Flush(worker, draining)) return;
    if (!draining) journal_is_full = Decide(worker, now);
  }
  worker.has_pending = worker.unwritten || !shard.pending().empty();
  if (draining && taken == 0 && !worker.has_pending) worker.drained = true;
}

// What is due; and of a full journal what its oldest segment holds, all of it at once, as only then the segment goes.
// True: of that something was decided, and should be written without waiting for more.
bool Sampler::Decide(Worker& worker, const Shard::Now& now) {
  worker.shard.Decide(now);
  if (journal_.bytes_on_disk() <= journal_.bytes_max() / 4 * 3) return false;
  const std::optional<uint64_t> held_until = journal_.OldestHeldUntil();
  if (!held_until) return false;
  const bool look_at_all = ++worker.journal_ticks % kOutOfOrderTicks == 0;
  if (worker.shard.DecideFramesUntil(*held_until, look_at_all ? UINT64_MAX : kOutOfOrderTraces, now) == 0) return false;
  worker.journal_ticks = 0;
  return true;
}

// Writes what the shard has decided and lets it take effect. False: not now (no memory, or the journal takes nothing);
// the same decisions are tried again.
bool Sampler::Flush(Worker& worker, bool draining) {
  if (!worker.unwritten) {
    const uint64_t kept_bytes = worker.shard.pending().kept_bytes;
    constexpr uint64_t kRowBytes = 256;
    const uint64_t wanted = 2 * kept_bytes + worker.shard.pending().kept_spans.size() * kRowBytes;
    MemoryBudget::Reservation reservation = budget_.TryReserve(std::min(wanted, budget_.bytes_max() / 4));
    if (!reservation) return false;
    worker.unwritten_reservation = std::move(reservation);
    worker.unwritten = worker.shard.TakePending();
    PendingDecisions& decisions = *worker.unwritten;
    for (const auto& span : decisions.kept_spans) {
      decisions.frame.sources.push_back({span.place.frame->number, span.place.offset});
    }
    worker.unwritten_request = ReadKept(journal_, decisions.kept_spans);
    worker.unwritten_head = EncodeDecisions(decisions.frame);
    if (worker.unwritten_request.unreadable != 0) {
      unreadable_spans_.Add(worker.unwritten_request.unreadable);
      Log(LogLevel::kError, "kept spans cannot be read back from the journal: they are lost",
          {{"spans", worker.unwritten_request.unreadable}, {"error", worker.unwritten_request.error.message}});
    }
  }
  const int64_t received = clock_.UnixNanos();
  const Result<uint64_t> number = Append(worker.unwritten_head + worker.unwritten_request.bytes, received);
  if (!number) {
    append_errors_.Add(1);
    Log(LogLevel::kWarning, "decisions could not be written; will retry", {{"error", number.error().message}});
    return false;
  }
  PendingDecisions decisions = *std::move(worker.unwritten);
  worker.unwritten.reset();
  DecidedSpans spans{.frame = *number,
                     .received_unix_nanos = received,
                     .request = std::move(worker.unwritten_request.bytes),
                     .verdicts = {},
                     .graph = std::move(decisions.frame.graph),
                     .reservation = std::move(worker.unwritten_reservation)};
  worker.unwritten_request = {};
  if (options_.dropped_traces != nullptr) {
    options_.dropped_traces->Add(received, decisions.frame.policies, decisions.frame.dropped);
  }
  decisions.frame.dropped = {};
  spans.verdicts = std::make_shared<const Verdicts>(std::move(decisions.frame));
  sink_.Take(std::move(spans));
  Release(decisions);
  return true;
}

Result<uint64_t> Sampler::Append(std::string_view bytes, int64_t received_unix_nanos) {
  if (FaultPoint("sample.decide.begin")) return Fail(Code::kUnavailable, "write decisions: injected failure");
  std::promise<Result<void>> durable;
  const journal::FrameHeader header{.signal = otlp::Signal::kTraces,
                                    .kind = journal::FrameKind::kDecided,
                                    .received_unix_nanos = received_unix_nanos};
  Result<uint64_t> number =
      journal_.Append(header, bytes, [&](Result<void> result) { durable.set_value(std::move(result)); });
  if (!number) return number;
  const Result<void> result = durable.get_future().get();
  if (!result) return std::unexpected(result.error());
  return number;
}

void Sampler::Release(const PendingDecisions& decisions) {
  FaultPoint("sample.release.begin");
  std::vector<uint64_t> released;
  for (const PendingDecisions::Decided& decided : decisions.decided) {
    FrameHold* hold = decided.frame;
    if (hold->undecided.fetch_sub(decided.spans) != decided.spans) continue;
    released.push_back(hold->number);
    hold_bytes_.fetch_sub(hold->bytes(), std::memory_order_relaxed);
    delete hold;
  }
  if (!released.empty()) journal_.Release(released);
  FaultPoint("sample.release.end");
}

}  // namespace sightline::sample
