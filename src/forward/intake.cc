#include "forward/intake.h"

#include <algorithm>
#include <chrono>
#include <unordered_set>
#include <utility>

#include "base/log.h"
#include "base/process.h"

namespace sightline::forward {
namespace {

constexpr auto kDiskCheckEvery = std::chrono::seconds(1);
constexpr int64_t kReplayWaitNanosMax = 60'000'000'000;

using journal::BlockKind;
using otlp::Signal;

}  // namespace

Intake::Intake(IntakeOptions options, journal::Journal& journal, MemoryBudget& budget, MetricsRegistry& metrics,
               const Clock& clock)
    : options_(std::move(options)), journal_(journal), budget_(budget), metrics_(metrics), clock_(clock) {}

Result<std::unique_ptr<Intake>> Intake::Start(IntakeOptions options, journal::Journal& journal, MemoryBudget& budget,
                                              MetricsRegistry& metrics, const Clock& clock) {
  std::unique_ptr<Intake> intake(new Intake(std::move(options), journal, budget, metrics, clock));
  intake->next_block_ = journal.unfinished().block_max + 1;
  SIGHTLINE_TRY(intake->OpenQueues());
  intake->Recover();
  intake->counts_->Start();
  for (auto& queue : intake->queues_) queue->Start();
  SIGHTLINE_TRY(intake->StartSampler());
  intake->CheckDisk();  // before the first request
  intake->disk_watch_ = std::thread([self = intake.get()] { self->WatchDisk(); });
  return intake;
}

Intake::~Intake() {
  // The journal may still owe an answer to a client that is no longer waited for (a sync on a slow disk).
  under_way_.Wait(std::nullopt);
  {
    const std::lock_guard lock(watch_mutex_);
    stopping_ = true;
  }
  watch_wake_.notify_all();
  if (disk_watch_.joinable()) disk_watch_.join();
}

// Null if nothing is sent.
Result<std::unique_ptr<Exporter>> Intake::CreateExporter() const {
  if (options_.exporter.endpoint.none) return nullptr;
  return Exporter::Create(options_.exporter, clock_);
}

Result<void> Intake::OpenQueues() {
  const QueueContext context{journal_, metrics_, clock_, next_block_};
  auto counts_exporter = CreateExporter();
  if (!counts_exporter) return std::unexpected(counts_exporter.error());
  counts_ = std::make_unique<CountsQueue>(options_.counts, options_.queue, context, *std::move(counts_exporter));
  for (const Signal signal : otlp::kSignals) {
    auto exporter = CreateExporter();
    if (!exporter) return std::unexpected(exporter.error());
    queues_[static_cast<size_t>(signal)] =
        std::make_unique<ForwardQueue>(signal, options_.queue, context, *std::move(exporter),
                                       [this](std::string_view graph) { counts_->AddGraph(graph); });
  }
  return {};
}

// Blocks that had a manifest first: the backend may have all or some of them, and nobody can know. Then what no block
// had taken. Nothing is read here.
void Intake::Recover() {
  const journal::Unfinished& unfinished = journal_.unfinished();
  if (unfinished.blocks.empty() && unfinished.frames.empty()) return;
  Log(LogLevel::kInfo, "sending what the last run left in the journal",
      {{"batches", unfinished.blocks.size()},
       {"frames", unfinished.frames.size()},
       {"torn_bytes", unfinished.torn_bytes}});
  for (const journal::Manifest& block : unfinished.blocks) {
    if (block.kind == BlockKind::kSpanMetrics) {
      counts_->Resume(block);
    } else {
      QueueOf(block.signal).Resume(block);
    }
  }
  const std::unordered_set<uint64_t> waiting(unfinished.frames.begin(), unfinished.frames.end());
  const auto for_each = [&](Signal signal, BlockKind kind, const auto& visit) {
    const journal::Manifest all{.block = 0, .signal = signal, .kind = kind, .frames = {{1, UINT64_MAX}}};
    for (const uint64_t number : journal_.FramesIn(all)) {
      if (waiting.contains(number)) visit(number);
    }
  };
  for (const Signal signal : otlp::kSignals) {
    for_each(signal, BlockKind::kItems, [&](uint64_t number) { QueueOf(signal).Push({.number = number}); });
  }
  for_each(Signal::kTraces, BlockKind::kSpanMetrics, [&](uint64_t number) { counts_->Recover(number); });
}

// Spans that earlier runs left undecided wait anew.
Result<void> Intake::StartSampler() {
  if (!options_.policies) return KeepWhatIsUndecided();
  auto sampler =
      sample::Sampler::Start(options_.sampler, options_.policies, journal_, *this, budget_, metrics_, clock_);
  if (!sampler) return Wrap("start sampling", sampler.error());
  sampler_ = *std::move(sampler);
  return {};
}

// Sampling was turned off while spans waited: all of them are kept, each for itself.
Result<void> Intake::KeepWhatIsUndecided() {
  if (journal_.unfinished().undecided.empty()) return {};
  Result<sample::PolicyConfig> config =
      sample::ParseTailSampling("{decision_wait: 0s, policies: [{name: sampling turned off, type: always_sample}]}");
  if (!config) return std::unexpected(config.error());
  auto policies = sample::PolicySet::Compile(*config);
  if (!policies) return std::unexpected(policies.error());
  auto sampler = sample::Sampler::Start(options_.sampler, *policies, journal_, *this, budget_, metrics_, clock_);
  if (!sampler) return Wrap("keep spans that waited for a decision", sampler.error());
  if ((*sampler)->WaitUntilAllDecided(clock_.MonotonicNanos() + kReplayWaitNanosMax)) return {};
  return Fail(Code::kUnavailable, "the journal does not take decisions about spans that waited");
}

void Intake::Accept(receive::Export request, std::function<void(Result<void>)> done) {
  if (disk_is_low_.load(std::memory_order_relaxed)) {
    done(Fail(Code::kUnavailable, "less than {} bytes are free on the disk of {}", options_.disk_free_bytes_min,
              options_.data_directory));
    return;
  }
  const bool is_sampled = request.signal == Signal::kTraces && sampler_ != nullptr;
  if (is_sampled && !sampler_->HasRoom()) {
    done(Fail(Code::kUnavailable, "more spans wait for decisions than sampling.memory_bytes_max allows"));
    return;
  }
  // The frame goes on when both are known: its number (Append returns) and that it is durable (`done` is called, in
  // either order). Not before: an append whose sync fails is withdrawn, and the client sends it again. The client is
  // answered last: whoever has seen all answers may end this object.
  struct Handover {
    receive::Export request;
    std::function<void(Result<void>)> answer;
    Result<void> durable;
    uint64_t number = 0;
    std::atomic<int> steps_left = 2;
  };
  const auto handover = std::make_shared<Handover>();
  const journal::FrameHeader header{.signal = request.signal,
                                    .undecided_spans = is_sampled,
                                    .received_unix_nanos = request.received_unix_nanos,
                                    .refused = request.scan.refused};
  handover->answer = std::move(done);
  handover->request = std::move(request);
  const auto step = [this, handover] {
    if (handover->steps_left.fetch_sub(1) != 1) return;
    if (handover->durable) PushAccepted(handover->number, std::move(handover->request));
    const std::function<void(Result<void>)> answer = std::move(handover->answer);
    Result<void> durable = std::move(handover->durable);
    under_way_.Leave();
    answer(std::move(durable));
  };
  under_way_.Enter();
  const Result<uint64_t> number =
      journal_.Append(header, handover->request.bytes, [handover, step](Result<void> result) {
        handover->durable = std::move(result);
        step();
      });
  if (!number) {
    under_way_.Leave();
    handover->answer(std::unexpected(number.error()));
    return;
  }
  handover->number = *number;
  step();
}

void Intake::PushAccepted(uint64_t number, receive::Export request) {
  accepted_bytes_.fetch_add(request.bytes.size(), std::memory_order_relaxed);
  if (request.signal == Signal::kTraces && sampler_ != nullptr) {
    sampler_->Add(number, request.bytes, request.scan,
                  request.reservation.Split(request.scan.items.size() * sizeof(sample::ArrivedSpan)));
    counts_->Add(number, request.bytes, request.scan);
    return;
  }
  QueueOf(request.signal)
      .Push({.number = number,
             .bytes = static_cast<uint32_t>(request.bytes.size()),
             .items = request.scan.refused.empty() ? request.scan.items_accepted : 0});
}

// A decided frame, from a thread of the sampler: its bytes are read back when it is their turn.
void Intake::Take(sample::DecidedSpans spans) {
  QueueOf(Signal::kTraces).Push({.number = spans.frame, .bytes = static_cast<uint32_t>(spans.request.size() + 1)});
}

bool Intake::Drain(int64_t timeout_nanos) {
  const int64_t deadline = clock_.MonotonicNanos() + timeout_nanos;
  bool all_sent = under_way_.Wait(std::chrono::nanoseconds(timeout_nanos));
  if (sampler_) all_sent &= sampler_->Drain(deadline);
  for (const auto& queue : queues_) all_sent &= queue->Drain(deadline);
  return counts_->Drain(deadline) && all_sent;  // last: the queues give it what they deliver
}

void Intake::UnderWay::Enter() {
  const std::lock_guard lock(mutex_);
  ++count_;
}

void Intake::UnderWay::Leave() {
  const std::lock_guard lock(mutex_);
  if (--count_ == 0) none_.notify_all();
}

bool Intake::UnderWay::Wait(std::optional<std::chrono::nanoseconds> timeout) {
  std::unique_lock lock(mutex_);
  const auto is_none = [this] { return count_ == 0; };
  if (timeout) return none_.wait_for(lock, *timeout, is_none);
  none_.wait(lock, is_none);
  return true;
}

void Intake::WatchDisk() {
  std::unique_lock lock(watch_mutex_);
  while (!watch_wake_.wait_for(lock, kDiskCheckEvery, [this] { return stopping_; })) CheckDisk();
}

void Intake::CheckDisk() {
  const Result<uint64_t> free = FreeDiskBytes(options_.data_directory);
  if (!free) {
    Log(LogLevel::kWarning, "how much room the disk has is not known", {{"error", free.error().message}});
    return;
  }
  const bool is_low = *free < options_.disk_free_bytes_min;
  if (is_low == disk_is_low_.exchange(is_low, std::memory_order_relaxed)) return;
  Log(is_low ? LogLevel::kWarning : LogLevel::kInfo,
      is_low ? "the disk is nearly full: nothing is accepted" : "there is room on the disk again",
      {{"free_bytes", *free}, {"limits.disk_free_bytes_min", options_.disk_free_bytes_min}});
}

}  // namespace sightline::forward
