#include "forward/forward_queue.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"

namespace sightline::forward {
namespace {

constexpr uint32_t kUnknownFrameBytes = 64 << 10;
constexpr std::chrono::nanoseconds kAwayPoll{100'000'000};
constexpr int64_t kDiscardAgeNanos = 500'000'000;  // of what is only marked as done

MetricLabels Labels(otlp::Signal signal) {
  return {{"signal", std::string(otlp::SignalName(signal))}};
}

}  // namespace

ForwardQueue::ForwardQueue(otlp::Signal signal, const QueueOptions& options, const QueueContext& context,
                           std::unique_ptr<Exporter> exporter)
    : signal_(signal),
      options_(options),
      context_(context),
      delivery_(signal, options, context, std::move(exporter)),
      unreadable_(context.metrics.GetCounter("sightline.forward.unreadable_frames", "{frame}",
                                             "Frames of the outbox that do not read back: lost.", Labels(signal))) {
  context_.metrics.SetGauge("sightline.forward.lag", "s", "Age of the oldest kept request that is not yet delivered.",
                            Labels(signal_), [this] { return LagSeconds(); });
  context_.metrics.SetGauge("sightline.forward.queue", "{frame}", "Frames of the outbox that wait to be sent.",
                            Labels(signal_), [this] {
                              const std::lock_guard lock(mutex_);
                              return static_cast<double>(queue_.size());
                            });
}

ForwardQueue::~ForwardQueue() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  delivery_.Stop();
  if (thread_.joinable()) thread_.join();
  context_.metrics.Unregister("sightline.forward.lag", Labels(signal_));
  context_.metrics.Unregister("sightline.forward.queue", Labels(signal_));
}

void ForwardQueue::Start() {
  if (!resumed_.empty()) working_since_nanos_ = context_.clock.MonotonicNanos();
  thread_ = std::thread([this] { Run(); });
}

void ForwardQueue::Push(Frame frame) {
  if (frame.bytes == 0) frame.bytes = kUnknownFrameBytes;
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back({frame, context_.clock.MonotonicNanos()});
    queued_bytes_ += frame.bytes;
    wake = queue_.size() == 1 || (delivery_.sends() && queued_bytes_ >= options_.request_bytes_max);
  }
  if (wake) wake_.notify_one();
}

bool ForwardQueue::Drain(int64_t deadline_monotonic_nanos) {
  std::unique_lock lock(mutex_);
  draining_ = true;
  wake_.notify_all();
  const auto is_empty = [this] { return queue_.empty() && working_since_nanos_ == 0; };
  while (!is_empty() && !delivery_.is_away()) {
    const int64_t left = deadline_monotonic_nanos - context_.clock.MonotonicNanos();
    if (left <= 0) break;
    drained_.wait_for(lock, std::min(std::chrono::nanoseconds(left), kAwayPoll));
  }
  draining_ = false;
  return is_empty();
}

std::vector<ForwardQueue::Frame> ForwardQueue::TakeFrames() {
  std::unique_lock lock(mutex_);
  const int64_t age_max = delivery_.sends() ? options_.age_nanos_max : kDiscardAgeNanos;
  const uint64_t bytes_max = delivery_.sends() ? options_.request_bytes_max : UINT64_MAX;
  while (!stopping_) {
    if (queue_.empty()) {
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      continue;
    }
    const int64_t left = queue_.front().queued_monotonic_nanos + age_max - context_.clock.MonotonicNanos();
    if (draining_ || queued_bytes_ >= bytes_max || left <= 0) break;
    wake_.wait_for(lock, std::chrono::nanoseconds(left));
  }
  std::vector<Frame> frames;
  if (stopping_) return frames;
  working_since_nanos_ = queue_.front().queued_monotonic_nanos;
  for (uint64_t bytes = 0; !queue_.empty(); queue_.pop_front()) {
    const Frame& frame = queue_.front().frame;
    if (!frames.empty() && bytes + frame.bytes > bytes_max) break;
    bytes += frame.bytes;
    queued_bytes_ -= frame.bytes;
    frames.push_back(frame);
  }
  return frames;
}

void ForwardQueue::Run() {
  Resume();
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      working_since_nanos_ = 0;
      if (queue_.empty()) drained_.notify_all();
    }
    const std::vector<Frame> frames = TakeFrames();
    if (frames.empty()) return;
    Process(frames);
  }
}

void ForwardQueue::Resume() {
  for (; !resumed_.empty() && !delivery_.stopping(); resumed_.pop_front()) {
    const journal::Manifest& manifest = resumed_.front();
    Batch batch;
    for (const uint64_t number : context_.outbox.FramesIn(manifest)) {
      Append(number, delivery_.sends() ? Read({.number = number}) : OutgoingFrame(), batch);
    }
    Deliver(manifest, std::move(batch));
  }
}

// A batch is one request, so that whoever dies knows whether it was answered; only frames that are too large for one
// make several.
void ForwardQueue::Process(const std::vector<Frame>& frames) {
  Batch batch;
  const auto deliver = [&] {
    const uint64_t block = context_.next_block.fetch_add(1);
    const journal::Manifest manifest = MakeManifest(block, signal_, journal::BlockKind::kItems, batch.frames);
    Deliver(manifest, std::exchange(batch, {}));
  };
  for (const Frame& frame : frames) {
    OutgoingFrame read = delivery_.sends() ? Read(frame) : OutgoingFrame();
    if (batch.bytes != 0 && read.bytes() != 0 && batch.bytes + read.bytes() > options_.request_bytes_max) deliver();
    if (delivery_.stopping()) return;
    Append(frame.number, std::move(read), batch);
  }
  deliver();
}

void ForwardQueue::Append(uint64_t number, OutgoingFrame frame, Batch& batch) {
  batch.frames.push_back(number);
  batch.bytes += frame.bytes();
  for (OutgoingRequest& request : frame.requests) batch.requests.push_back(std::move(request));
}

void ForwardQueue::Deliver(const journal::Manifest& manifest, Batch batch) {
  delivery_.Run(manifest, Merged(std::move(batch.requests), options_.request_bytes_max));
}

OutgoingFrame ForwardQueue::Read(const Frame& frame) {
  const Result<journal::Journal::Frame> read = context_.outbox.ReadFrame(frame.number);
  Result<OutgoingFrame> outgoing =
      read ? ReadOutgoing(*read, frame.items, options_.request_bytes_max) : std::unexpected(read.error());
  if (outgoing) return *std::move(outgoing);
  unreadable_.Add(1);
  Log(LogLevel::kError, "a frame does not read back from the outbox: what it held is lost",
      {{"frame", frame.number}, {"error", outgoing.error().message}});
  return {};
}

double ForwardQueue::LagSeconds() {
  const std::lock_guard lock(mutex_);
  int64_t since = working_since_nanos_;
  if (since == 0 && !queue_.empty()) since = queue_.front().queued_monotonic_nanos;
  return since == 0 ? 0.0 : static_cast<double>(context_.clock.MonotonicNanos() - since) * 1e-9;
}

}  // namespace sightline::forward
