#include "forward/intake.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"

namespace sightline::forward {
namespace {

constexpr int64_t kReplayWaitNanosMax = 60'000'000'000;

using journal::BlockKind;
using otlp::Signal;

}  // namespace

Intake::Intake(IntakeOptions options, const Journals& journals, MemoryBudget& budget, MetricsRegistry& metrics,
               const Clock& clock)
    : options_(std::move(options)),
      journal_(journals.journal),
      outbox_(journals.outbox),
      budget_(budget),
      metrics_(metrics),
      clock_(clock) {}

Result<std::unique_ptr<Intake>> Intake::Start(IntakeOptions options, const Journals& journals, MemoryBudget& budget,
                                              MetricsRegistry& metrics, const Clock& clock) {
  std::unique_ptr<Intake> intake(new Intake(std::move(options), journals, budget, metrics, clock));
  intake->next_block_ = journals.outbox.unfinished().block_max + 1;
  SIGHTLINE_TRY(intake->OpenQueues());
  intake->TakeUpOutbox(intake->handover_->Recover());
  intake->handover_->Start();
  intake->counts_->Start();
  for (auto& queue : intake->queues_) queue->Start();
  SIGHTLINE_TRY(intake->StartSampler());
  intake->admission_ = std::make_unique<journal::Admission>(journal::Admission::Options{
      .data_directory = intake->options_.data_directory, .disk_free_bytes_min = intake->options_.disk_free_bytes_min});
  return intake;
}

Intake::~Intake() = default;

// Null if nothing is sent.
Result<std::unique_ptr<Exporter>> Intake::CreateExporter() const {
  if (options_.exporter.endpoint.none) return nullptr;
  return Exporter::Create(options_.exporter, clock_);
}

Result<void> Intake::OpenQueues() {
  const QueueContext context{outbox_, metrics_, clock_, next_block_};
  auto counts_exporter = CreateExporter();
  if (!counts_exporter) return std::unexpected(counts_exporter.error());
  counts_ = std::make_unique<CountsQueue>(options_.counts, options_.queue, context, *std::move(counts_exporter));
  for (const Signal signal : otlp::kSignals) {
    auto exporter = CreateExporter();
    if (!exporter) return std::unexpected(exporter.error());
    queues_[static_cast<size_t>(signal)] =
        std::make_unique<ForwardQueue>(signal, options_.queue, context, *std::move(exporter));
  }
  handover_ = std::make_unique<Handover>(
      options_.counts, options_.queue, Handover::Context{journal_, outbox_, metrics_, clock_},
      Handover::Outputs{
          .items = [this](Signal signal, const ForwardQueue::Frame& frame) { QueueOf(signal).Push(frame); },
          .counts = [this](uint64_t frame, const SpanCounts& counts) { counts_->Add(frame, counts); },
          .counts_are_complete = [this] { counts_->Export(); }});
  return {};
}

// Blocks that had a manifest first: the backend may have all or some of them, and nobody can know. Then what no block
// had taken, without what the handover has to finish. Nothing is read here.
void Intake::TakeUpOutbox(const std::unordered_set<uint64_t>& held_back) {
  const journal::Unfinished& unfinished = outbox_.unfinished();
  if (unfinished.blocks.empty() && unfinished.frames.empty()) return;
  Log(LogLevel::kInfo, "sending what the last run left in the outbox",
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
  std::unordered_set<uint64_t> waiting(unfinished.frames.begin(), unfinished.frames.end());
  for (const uint64_t number : held_back) waiting.erase(number);
  const auto for_each = [&](Signal signal, BlockKind kind, const auto& visit) {
    const journal::Manifest all{.block = 0, .signal = signal, .kind = kind, .frames = {{1, UINT64_MAX}}};
    for (const uint64_t number : outbox_.FramesIn(all)) {
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
  const bool is_sampled = request.signal == Signal::kTraces && sampler_ != nullptr;
  if (Result<void> open = admission_->Check(); !open) return done(std::move(open));
  if (is_sampled && !sampler_->HasRoom()) {
    return done(Fail(Code::kUnavailable, "more spans wait for decisions than sampling.memory_bytes_max allows"));
  }
  const journal::FrameHeader header{.signal = request.signal,
                                    .undecided_spans = is_sampled,
                                    .received_unix_nanos = request.received_unix_nanos,
                                    .refused = request.scan.refused};
  const auto accepted = std::make_shared<receive::Export>(std::move(request));
  admission_->Append(
      is_sampled ? journal_ : outbox_, header, accepted->bytes,
      [this, accepted](uint64_t number) { PushAccepted(number, std::move(*accepted)); }, std::move(done));
}

void Intake::PushAccepted(uint64_t number, receive::Export request) {
  accepted_bytes_.fetch_add(request.bytes.size(), std::memory_order_relaxed);
  if (request.signal == Signal::kTraces && sampler_ != nullptr) {
    sampler_->Add(number, request.bytes, request.scan,
                  request.reservation.Split(request.scan.items.size() * sizeof(sample::ArrivedSpan)));
    handover_->AddRequest(number, request.bytes, request.scan);
    return;
  }
  QueueOf(request.signal)
      .Push({.number = number,
             .bytes = static_cast<uint32_t>(request.bytes.size()),
             .items = request.scan.refused.empty() ? request.scan.items_accepted : 0});
}

// A decided frame, from a thread of the sampler: its bytes are read back when it is their turn.
void Intake::Take(sample::DecidedSpans spans) {
  handover_->AddDecided({.number = spans.frame, .bytes = static_cast<uint32_t>(spans.request.size())});
}

bool Intake::Drain(int64_t timeout_nanos) {
  const int64_t deadline = clock_.MonotonicNanos() + timeout_nanos;
  bool all_sent = admission_->Wait(std::chrono::nanoseconds(timeout_nanos));
  if (sampler_) all_sent &= sampler_->Drain(deadline);
  all_sent &= handover_->Drain(deadline);
  for (const auto& queue : queues_) all_sent &= queue->Drain(deadline);
  return counts_->Drain(deadline) && all_sent;
}

}  // namespace sightline::forward
