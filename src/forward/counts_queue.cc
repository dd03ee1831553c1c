#include "forward/counts_queue.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <optional>
#include <utility>

#include "base/log.h"
#include "otlp/wire.h"
#include "otlp/wire_writer.h"

namespace sightline::forward {
namespace {

using journal::BlockKind;
using otlp::Signal;

constexpr size_t kSlots = 4;
constexpr int64_t kDiscardNanos = 500'000'000;
constexpr std::chrono::nanoseconds kAwayPoll{100'000'000};

// The graph of decided frames that are delivered must not go with them before it is delivered too, and a frame can be
// in one block only. So it becomes a frame of its own, of the kind that is counted: a request without spans, with the
// graph as a field that OTLP does not have.
constexpr uint32_t kGraphField = otlp::Tag(7001, otlp::WireType::kBytes);

std::string Carrier(std::string_view encoded) {
  otlp::WireWriter out;
  out.Bytes(kGraphField, encoded);
  return out.Take();
}

std::string_view CarriedGraph(std::string_view request) {
  for (otlp::FieldReader fields(request); fields.Next();) {
    if (fields.tag() == kGraphField) return fields.bytes();
  }
  return {};
}

}  // namespace

CountsQueue::CountsQueue(const CountsOptions& options, const QueueOptions& queue, const QueueContext& context,
                         std::unique_ptr<Exporter> exporter)
    : options_(options),
      request_bytes_max_(queue.request_bytes_max),
      context_(context),
      delivery_(Signal::kMetrics, queue, context, std::move(exporter)),
      start_unix_nanos_(context.clock.UnixNanos()),
      total_calls_(options_.series_max, options_.dimensions),
      total_graph_(options.series_max) {
  for (size_t i = 0; i < kSlots; ++i) slots_.push_back(std::make_unique<Slot>(options_));
}

CountsQueue::~CountsQueue() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  delivery_.Stop();
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void CountsQueue::Start() {
  thread_ = std::thread([this] { Run(); });
}

template <typename Change>
void CountsQueue::ChangeOne(uint64_t bytes, const Change& change) {
  std::unique_lock<std::mutex> lock;
  Slot* slot = nullptr;
  for (const auto& candidate : slots_) {
    lock = std::unique_lock(candidate->mutex, std::try_to_lock);
    slot = candidate.get();
    if (lock.owns_lock()) break;
  }
  if (!lock.owns_lock()) lock = std::unique_lock(slot->mutex);
  change(slot->counted);
  lock.unlock();
  const uint64_t before = counted_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  if (before < options_.bytes_max && before + bytes >= options_.bytes_max) wake_.notify_one();
}

void CountsQueue::Add(uint64_t frame, std::string_view request, const otlp::Scan& scan) {
  ChangeOne(request.size(), [&](Counted& counted) {
    if (options_.enabled) counted.calls.Add(request, scan);
    counted.frames.push_back(frame);
  });
}

void CountsQueue::AddGraph(std::string_view encoded) {
  if (!options_.enabled) return;
  const Result<uint64_t> frame = AppendCarrier(encoded);
  if (!frame) {
    Log(LogLevel::kWarning, "calls between services are only in memory until they are delivered",
        {{"error", frame.error().message}});
  }
  ChangeOne(encoded.size(), [&](Counted& counted) {
    counted.graph.Merge(encoded);
    if (frame) counted.frames.push_back(*frame);
  });
}

Result<uint64_t> CountsQueue::AppendCarrier(std::string_view encoded) {
  std::promise<Result<void>> durable;
  const journal::FrameHeader header{
      .signal = Signal::kTraces, .undecided_spans = true, .received_unix_nanos = context_.clock.UnixNanos()};
  Result<uint64_t> number = context_.journal.Append(header, Carrier(encoded),
                                                    [&](Result<void> result) { durable.set_value(std::move(result)); });
  if (!number) return number;
  const Result<void> result = durable.get_future().get();
  if (!result) return std::unexpected(result.error());
  context_.journal.Release(std::span(&*number, 1));  // nothing in it waits for a decision
  return number;
}

bool CountsQueue::Drain(int64_t deadline_monotonic_nanos) {
  std::unique_lock lock(mutex_);
  const uint64_t wanted = exports_wanted_ = exports_ + 2;  // one may be under way, with less in it
  wake_.notify_all();
  while (exports_ < wanted && !delivery_.is_away()) {
    const int64_t left = deadline_monotonic_nanos - context_.clock.MonotonicNanos();
    if (left <= 0) break;
    exported_.wait_for(lock, std::min(std::chrono::nanoseconds(left), kAwayPoll));
  }
  return exports_ >= wanted;
}

void CountsQueue::Run() {
  for (; !resumed_.empty() && !delivery_.stopping(); resumed_.pop_front()) {
    Counted counted(options_);
    for (const uint64_t frame : context_.journal.FramesIn(resumed_.front())) ReadBack(frame, counted);
    Deliver(resumed_.front(), counted);
  }
  for (const uint64_t frame : std::exchange(recovered_, {})) {
    if (delivery_.stopping()) return;
    Counted& counted = slots_.front()->counted;
    const std::lock_guard lock(slots_.front()->mutex);
    ReadBack(frame, counted);
    counted.frames.push_back(frame);
  }
  const std::chrono::nanoseconds interval(options_.enabled ? options_.interval_nanos : kDiscardNanos);
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, interval, [this] {
        return stopping_ || exports_ < exports_wanted_ || counted_bytes_ >= options_.bytes_max;
      });
      if (stopping_) return;
    }
    Export();
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    ++exports_;
    exported_.notify_all();
  }
}

// Into slot memory, or what is made of a block.
void CountsQueue::ReadBack(uint64_t number, Counted& counted) {
  if (!options_.enabled) return;
  const Result<journal::Journal::Frame> frame = context_.journal.ReadFrame(number);
  Result<otlp::Scan> scan = Fail(Code::kDataLoss, "it was not read");
  if (frame) scan = otlp::Rescan(Signal::kTraces, frame->bytes, frame->header.refused, otlp::SpanHeads::kNote);
  if (!scan) {
    Log(LogLevel::kError, "calls of a frame are not counted: it does not read back from the journal",
        {{"frame", number}, {"error", frame ? scan.error().message : frame.error().message}});
    return;
  }
  counted.calls.Add(frame->bytes, *scan);
  counted.graph.Merge(CarriedGraph(frame->bytes));
}

void CountsQueue::Export() {
  Counted counted(options_);
  counted_bytes_.store(0, std::memory_order_relaxed);
  for (const auto& slot : slots_) {
    const std::lock_guard lock(slot->mutex);
    Counted& part = slot->counted;
    counted.calls.Merge(part.calls);
    counted.graph.Merge(part.graph.Encode());
    counted.frames.insert(counted.frames.end(), part.frames.begin(), part.frames.end());
    part.calls.Clear();
    part.graph.Clear();
    part.frames.clear();
  }
  if (counted.frames.empty()) {
    total_graph_.Add(counted.graph);  // goes with the next ones; nothing of it is in the journal
    return;
  }
  const uint64_t block = context_.next_block.fetch_add(1);
  Deliver(MakeManifest(block, Signal::kTraces, BlockKind::kSpanMetrics, std::move(counted.frames)), counted);
}

bool CountsQueue::Deliver(const journal::Manifest& manifest, const Counted& counted) {
  total_calls_.Merge(counted.calls);
  total_graph_.Add(counted.graph);
  std::vector<OutgoingRequest> requests;
  if (options_.enabled) {
    const MetricTimes times{.start_unix_nanos = start_unix_nanos_, .now_unix_nanos = context_.clock.UnixNanos()};
    total_calls_.Write(times, options_.instance_id, requests);
    total_graph_.Write(times, options_.instance_id, requests);
  }
  // One request if it can be: whoever dies between two leaves the first to be counted again by the next start.
  return delivery_.Run(manifest, Merged(std::move(requests), request_bytes_max_));
}

}  // namespace sightline::forward
