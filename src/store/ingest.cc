#include "store/ingest.h"

#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "otlp/counted_request.h"
#include "store/admitted_series.h"

namespace sightline::store {
namespace {

size_t Index(otlp::Signal signal) {
  return static_cast<size_t>(signal);
}

constexpr int64_t kReplayWaitNanosMax = 60'000'000'000;
// Their rows are few, so that blocks of them are full by age or bytes.
constexpr uint64_t kSpansPerMetricsBlockMax = 1'000'000;

}  // namespace

Ingest::Ingest(IngestOptions options, journal::Journal& journal, ClickHouse& clickhouse, MemoryBudget& budget,
               MetricsRegistry& metrics, const Clock& clock)
    : options_(std::move(options)),
      journal_(journal),
      budget_(budget),
      metrics_(metrics),
      clock_(clock),
      inserter_(clickhouse, options_.database, options_.writer.builder.hot_attributes, metrics),
      prediction_names_(options_.writer.builder.predictions) {}

Result<std::unique_ptr<Ingest>> Ingest::Start(IngestOptions options, journal::Journal& journal, ClickHouse& clickhouse,
                                              MemoryBudget& budget, MetricsRegistry& metrics, const Clock& clock) {
  std::unique_ptr<Ingest> ingest(new Ingest(std::move(options), journal, clickhouse, budget, metrics, clock));
  otlp::BlockBuilder::Options of_refused = ingest->options_.writer.builder;
  of_refused.series_limit = nullptr;  // it was asked when they were built
  auto refused = RefusedBlocks::Open({.directory = ingest->options_.data_directory + "/refused",
                                      .bytes_max = ingest->options_.refused_bytes_max,
                                      .builder = std::move(of_refused)},
                                     journal, metrics);
  if (!refused) return std::unexpected(refused.error());
  ingest->refused_ = *std::move(refused);
  // Both are asked: the journal's tail may be lost with the machine, and a block may have a manifest but no row yet.
  const Result<uint64_t> block_max =
      ingest->inserter_.BlockMax(std::max(journal.unfinished().block_max, ingest->refused_->block_max()));
  if (!block_max) return std::unexpected(block_max.error());
  ingest->next_block_ = *block_max + 1;
  GraphOptions graph = ingest->options_.graph;
  graph.database = ingest->options_.database;
  graph.future_nanos_max = ingest->options_.writer.builder.future_nanos_max;
  ingest->graph_ = std::make_unique<GraphWriter>(std::move(graph), clickhouse, ingest->next_block_, metrics, clock);
  for (otlp::Signal signal : otlp::kSignals) {
    ingest->writers_[Index(signal)] = std::make_unique<BlockWriter>(
        Stream{signal}, ingest->options_.writer,
        WriterContext{journal, ingest->inserter_, *ingest->refused_, metrics, clock, ingest->next_block_,
                      signal == otlp::Signal::kTraces ? ingest->graph_.get() : nullptr});
  }
  WriterOptions span_metrics = ingest->options_.writer;
  span_metrics.block_rows_max = kSpansPerMetricsBlockMax;
  ingest->span_metrics_writer_ = std::make_unique<BlockWriter>(
      Stream{otlp::Signal::kTraces, journal::BlockKind::kSpanMetrics}, span_metrics,
      WriterContext{journal, ingest->inserter_, *ingest->refused_, metrics, clock, ingest->next_block_});
  if (const auto& limit = ingest->options_.writer.builder.series_limit) {
    SIGHTLINE_TRY(RestoreAdmittedSeries(clickhouse, ingest->options_.database, *limit));
  }
  SIGHTLINE_TRY(ingest->Recover());
  SIGHTLINE_TRY(ingest->StartSampler());
  ingest->graph_->Begin(/*more_to_come=*/ingest->sampler_ == nullptr);
  ingest->admission_ = std::make_unique<journal::Admission>(journal::Admission::Options{
      .data_directory = ingest->options_.data_directory, .disk_free_bytes_min = ingest->options_.disk_free_bytes_min});
  return ingest;
}

Ingest::~Ingest() = default;

void Ingest::Accept(receive::Export request, std::function<void(Result<void>)> done) {
  const otlp::Signal signal = request.signal;
  const bool is_sampled = signal == otlp::Signal::kTraces && sampler_ != nullptr;
  if (Result<void> open = admission_->Check(); !open) return done(std::move(open));
  if (is_sampled && !sampler_->HasRoom()) {
    return done(Fail(Code::kUnavailable, "more spans wait for decisions than sampling.memory_bytes_max allows"));
  }
  const journal::FrameHeader header{.signal = signal,
                                    .undecided_spans = is_sampled,
                                    .received_unix_nanos = request.received_unix_nanos,
                                    .refused = request.scan.refused};
  const auto frame = std::make_shared<PendingFrame>(PendingFrame{.received_unix_nanos = request.received_unix_nanos,
                                                                 .bytes = std::move(request.bytes),
                                                                 .scan = std::move(request.scan),
                                                                 .reservation = std::move(request.reservation)});
  admission_->Append(
      journal_, header, frame->bytes,
      [this, signal, frame](uint64_t number) {
        frame->number = number;
        PushAccepted(signal, std::move(*frame));
      },
      std::move(done));
}

void Ingest::PushAccepted(otlp::Signal signal, PendingFrame frame) {
  Arrival& arrival = arrivals_[Index(signal)];
  arrival.items.fetch_add(frame.scan.items_accepted, std::memory_order_relaxed);
  accepted_bytes_.fetch_add(frame.bytes.size(), std::memory_order_relaxed);
  arrival.last_unix_nanos.store(frame.received_unix_nanos, std::memory_order_relaxed);
  if (signal != otlp::Signal::kTraces || sampler_ == nullptr) return writers_[Index(signal)]->Push(std::move(frame));
  sampler_->Add(frame.number, frame.bytes, frame.scan,
                frame.reservation.Split(frame.scan.items.size() * sizeof(sample::ArrivedSpan)));
  frame.bytes = otlp::TakeWhatIsCounted(frame.bytes, frame.scan, prediction_names_,
                                        options_.writer.builder.span_metrics.dimensions);
  frame.reservation.Shrink(frame.bytes.size() + otlp::MemoryBytes(frame.scan));
  span_metrics_writer_->Push(std::move(frame));
}

BlockWriter& Ingest::WriterOf(const Stream& stream) {
  return stream.kind == journal::BlockKind::kSpanMetrics ? *span_metrics_writer_ : *writers_[Index(stream.signal)];
}

// The kept spans of a decided frame, from a thread of the sampler.
void Ingest::Take(sample::DecidedSpans spans) {
  Result<otlp::Scan> scan = otlp::Rescan(otlp::Signal::kTraces, spans.request, {});
  if (!scan) {
    Log(LogLevel::kError, "kept spans do not read back from the journal as they were written: they are lost",
        {{"frame", spans.frame}, {"spans", spans.verdicts->spans()}, {"error", scan.error().message}});
    metrics_
        .GetCounter("sightline.sampling.unreadable_spans", "{span}",
                    "Kept spans that could not be read back from the journal.")
        .Add(spans.verdicts->spans());
    scan.emplace();
  }
  writers_[Index(otlp::Signal::kTraces)]->Push({.number = spans.frame,
                                                .received_unix_nanos = spans.received_unix_nanos,
                                                .bytes = std::move(spans.request),
                                                .scan = *std::move(scan),
                                                .verdicts = std::move(spans.verdicts),
                                                .graph = std::move(spans.graph),
                                                .reservation = std::move(spans.reservation)});
}

int64_t Ingest::OldestKept(otlp::Signal signal, int64_t now_unix_nanos) const {
  const int64_t retention = options_.retention_nanos[Index(signal)];
  return retention == 0 ? 0 : now_unix_nanos - retention;
}

bool Ingest::Drain(int64_t timeout_nanos) {
  const int64_t deadline = clock_.MonotonicNanos() + timeout_nanos;
  bool all_stored = admission_->Wait(std::chrono::nanoseconds(timeout_nanos));
  if (sampler_) all_stored &= sampler_->Drain(deadline);
  return DrainWriters(deadline) && all_stored;
}

bool Ingest::DrainWriters(int64_t deadline_monotonic_nanos) {
  bool all_stored = span_metrics_writer_->Drain(deadline_monotonic_nanos);
  for (const auto& writer : writers_) all_stored &= writer->Drain(deadline_monotonic_nanos);
  return all_stored;
}

Ingest::SignalStatus Ingest::status(otlp::Signal signal) const {
  const Arrival& arrival = arrivals_[Index(signal)];
  return {arrival.items.load(std::memory_order_relaxed), arrival.last_unix_nanos.load(std::memory_order_relaxed)};
}

// First the blocks that had a manifest: they may be in the store, wholly or for some of their days. Then the frames
// that no block had taken yet go the usual way.
Result<void> Ingest::Recover() {
  const journal::Unfinished& unfinished = journal_.unfinished();
  if (unfinished.blocks.empty() && unfinished.frames.empty()) return {};
  Log(LogLevel::kInfo, "finishing what the last run left in the journal",
      {{"blocks", unfinished.blocks.size()},
       {"frames", unfinished.frames.size()},
       {"torn_bytes", unfinished.torn_bytes}});
  for (const journal::Manifest& manifest : unfinished.blocks) {
    const Result<void> recovered = RecoverBlock(manifest);
    if (recovered) continue;
    // A block that ClickHouse refuses, and that has no room among the others of its kind, must not keep the program
    // from starting; the journal keeps it.
    const Code code = recovered.error().code;
    if (code != Code::kInvalidArgument && code != Code::kResourceExhausted) return recovered;
    Log(LogLevel::kError, "a block is still refused; the journal keeps it",
        {{"block", manifest.block}, {"error", recovered.error().message}});
  }
  return RequeueFrames();
}

// As PushAccepted hands it to a writer.
Result<ReadBackFrame> Ingest::ReadBackToStore(uint64_t number) {
  Result<ReadBackFrame> read = ReadBack(journal_, number);
  if (!read || read->stream.kind != journal::BlockKind::kSpanMetrics) return read;
  PendingFrame& frame = read->frame;
  frame.bytes = otlp::TakeWhatIsCounted(frame.bytes, frame.scan, prediction_names_,
                                        options_.writer.builder.span_metrics.dimensions);
  return read;
}

Result<void> Ingest::RecoverBlock(const journal::Manifest& manifest) {
  if (refused_->Contains(manifest)) return journal_.AppendDone(manifest.block);
  std::vector<PendingFrame> frames;
  for (uint64_t number : journal_.FramesIn(manifest)) {
    Result<ReadBackFrame> read = ReadBackToStore(number);
    if (!read) return Wrap(fmt::format("replay block {}", manifest.block), read.error());
    frames.push_back(std::move(read->frame));
  }
  // A builder of its own: it must write every attribute set and series again, as nobody knows which reached the store.
  const Stream stream{manifest.signal, manifest.kind};
  const auto builder = stream.CreateBuilder(options_.writer.builder);
  AppendFrames(stream, frames, *builder);
  const Result<PartialInsert> insert = inserter_.InsertWhatIsTaken(manifest.block, builder->Finish(manifest.block));
  if (const auto& limit = options_.writer.builder.series_limit) ReportSeriesLimit(*limit, metrics_);
  if (!insert) return std::unexpected(insert.error());
  if (!insert->refused.empty()) SIGHTLINE_TRY(refused_->SetAside(manifest, *insert));
  return journal_.AppendDone(manifest.block);
}

Result<void> Ingest::RequeueFrames() {
  for (uint64_t number : journal_.unfinished().frames) {
    Result<ReadBackFrame> read = ReadBackToStore(number);
    if (!read) return std::unexpected(read.error());
    PendingFrame& frame = read->frame;
    const uint64_t held = frame.bytes.size() + otlp::MemoryBytes(frame.scan);
    MemoryBudget::Reservation reservation = budget_.TryReserve(held);
    if (!reservation) {
      // The journal may hold more than memory: let the writers store what they have before reading on.
      if (!DrainWriters(clock_.MonotonicNanos() + kReplayWaitNanosMax))
        return Fail(Code::kUnavailable, "the store does not take the journal's blocks");
      reservation = budget_.TryReserve(held);
    }
    frame.reservation = std::move(reservation);
    WriterOf(read->stream).Push(std::move(frame));
  }
  if (!DrainWriters(clock_.MonotonicNanos() + kReplayWaitNanosMax))
    return Fail(Code::kUnavailable, "the store does not take the journal's blocks");
  return {};
}

// Spans that earlier runs left undecided wait anew.
Result<void> Ingest::StartSampler() {
  if (!options_.policies) return KeepWhatIsUndecided();
  auto sampler =
      sample::Sampler::Start(options_.sampler, options_.policies, journal_, *this, budget_, metrics_, clock_);
  if (!sampler) return Wrap("start sampling", sampler.error());
  sampler_ = *std::move(sampler);
  return {};
}

// Sampling was turned off while spans waited: all of them are kept, each for itself.
Result<void> Ingest::KeepWhatIsUndecided() {
  if (journal_.unfinished().undecided.empty()) return {};
  Result<sample::PolicyConfig> config =
      sample::ParseTailSampling("{decision_wait: 0s, policies: [{name: sampling turned off, type: always_sample}]}");
  if (!config) return std::unexpected(config.error());
  auto policies = sample::PolicySet::Compile(*config);
  if (!policies) return std::unexpected(policies.error());
  auto sampler = sample::Sampler::Start(options_.sampler, *policies, journal_, *this, budget_, metrics_, clock_);
  if (!sampler) return Wrap("keep spans that waited for a decision", sampler.error());
  const int64_t deadline = clock_.MonotonicNanos() + kReplayWaitNanosMax;
  if ((*sampler)->WaitUntilAllDecided(deadline) && DrainWriters(deadline)) return {};
  return Fail(Code::kUnavailable, "the store does not take the journal's spans");
}

}  // namespace sightline::store
