#include "forward/forward_queue.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/fault.h"
#include "base/log.h"

namespace sightline::forward {
namespace {

constexpr uint32_t kUnknownFrameBytes = 64 << 10;
constexpr int64_t kDiscardAgeNanos = 500'000'000;  // of what is only marked as done

MetricLabels Labels(otlp::Signal signal) {
  return {{"signal", std::string(otlp::SignalName(signal))}};
}

std::vector<OutgoingRequest> Merged(std::vector<OutgoingRequest> requests, uint64_t bytes_max) {
  std::vector<OutgoingRequest> merged;
  for (OutgoingRequest& request : requests) {
    if (merged.empty() || merged.back().bytes.size() + request.bytes.size() > bytes_max) {
      merged.push_back(std::move(request));
      continue;
    }
    merged.back().bytes.append(request.bytes);
    merged.back().items += request.items;
  }
  return merged;
}

}  // namespace

journal::Manifest MakeManifest(uint64_t block, otlp::Signal signal, journal::BlockKind kind,
                               std::vector<uint64_t> frames) {
  std::ranges::sort(frames);
  journal::Manifest manifest{.block = block, .signal = signal, .kind = kind, .frames = {}};
  for (const uint64_t number : frames) {
    if (!manifest.frames.empty() && manifest.frames.back().last + 1 == number) {
      manifest.frames.back().last = number;
    } else {
      manifest.frames.push_back({number, number});
    }
  }
  return manifest;
}

ForwardQueue::ForwardQueue(otlp::Signal signal, journal::BlockKind kind, const QueueOptions& options,
                           const QueueContext& context, std::unique_ptr<Exporter> exporter)
    : signal_(signal),
      kind_(kind),
      options_(options),
      context_(context),
      exporter_(std::move(exporter)),
      counters_{
          .requests = context.metrics.GetCounter("sightline.forward.requests", "{request}",
                                                 "Requests that the backend took.", Labels(signal)),
          .items = context.metrics.GetCounter("sightline.forward.items", "{item}",
                                              "Spans, log records and points that the backend took.", Labels(signal)),
          .rejected = context.metrics.GetCounter("sightline.forward.rejected_items", "{item}",
                                                 "Items of requests that the backend took in part: it has not these, "
                                                 "and must not get them again.",
                                                 Labels(signal)),
          .refused = context.metrics.GetCounter("sightline.forward.refused_items", "{item}",
                                                "Items that the backend refused for good: dropped.", Labels(signal)),
          .unreadable =
              context.metrics.GetCounter("sightline.forward.unreadable_frames", "{frame}",
                                         "Frames of the journal that do not read back: lost.", Labels(signal))} {
  if (kind_ != journal::BlockKind::kItems) return;
  context_.metrics.SetGauge("sightline.forward.lag", "s", "Age of the oldest kept request that is not yet delivered.",
                            Labels(signal_), [this] { return LagSeconds(); });
  context_.metrics.SetGauge("sightline.forward.queue", "{frame}", "Frames of the journal that wait to be sent.",
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
  if (thread_.joinable()) thread_.join();
  if (kind_ != journal::BlockKind::kItems) return;
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
    wake = queue_.size() == 1 || (exporter_ != nullptr && queued_bytes_ >= options_.request_bytes_max);
  }
  if (wake) wake_.notify_one();
}

bool ForwardQueue::Drain(int64_t deadline_monotonic_nanos) {
  std::unique_lock lock(mutex_);
  draining_ = true;
  wake_.notify_all();
  const auto is_empty = [this] { return queue_.empty() && working_since_nanos_ == 0; };
  while (!is_empty() && !is_away_) {
    const int64_t left = deadline_monotonic_nanos - context_.clock.MonotonicNanos();
    if (left <= 0) break;
    drained_.wait_for(lock, std::chrono::nanoseconds(left));
  }
  draining_ = false;
  return is_empty();
}

std::vector<ForwardQueue::Frame> ForwardQueue::TakeFrames() {
  std::unique_lock lock(mutex_);
  const int64_t age_max = exporter_ ? options_.age_nanos_max : kDiscardAgeNanos;
  const uint64_t bytes_max = exporter_ ? options_.request_bytes_max : UINT64_MAX;
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
  for (; !resumed_.empty() && !stopping_; resumed_.pop_front()) {
    const journal::Manifest& manifest = resumed_.front();
    std::vector<OutgoingRequest> requests;
    if (exporter_ != nullptr) {
      for (const uint64_t number : context_.journal.FramesIn(manifest)) {
        for (OutgoingRequest& request : Read({.number = number})) requests.push_back(std::move(request));
      }
    }
    Deliver(manifest, std::move(requests));
  }
}

// A batch is one request, so that whoever dies knows whether it was answered; only frames that are too large for one
// make several.
void ForwardQueue::Process(const std::vector<Frame>& frames) {
  Batch batch;
  for (const Frame& frame : frames) {
    std::vector<OutgoingRequest> requests;
    if (exporter_ != nullptr) requests = Read(frame);
    uint64_t bytes = 0;
    for (const OutgoingRequest& request : requests) bytes += request.bytes.size();
    if (bytes != 0 && batch.bytes != 0 && batch.bytes + bytes > options_.request_bytes_max) {
      Deliver(std::exchange(batch, {}));
    }
    batch.bytes += bytes;
    batch.frames.push_back(frame.number);
    for (OutgoingRequest& request : requests) batch.requests.push_back(std::move(request));
    if (stopping_) return;
  }
  Deliver(std::move(batch));
}

void ForwardQueue::Deliver(Batch batch) {
  if (batch.frames.empty()) return;
  Deliver(MakeManifest(context_.next_block.fetch_add(1), signal_, kind_, std::move(batch.frames)),
          std::move(batch.requests));
}

// Returns early when the program stops: the next start finds the manifest without done mark, and sends again.
void ForwardQueue::Deliver(const journal::Manifest& manifest, std::vector<OutgoingRequest> requests) {
  if (!WriteUntilDone("write the manifest", [&] { return context_.journal.AppendManifest(manifest); })) return;
  for (const OutgoingRequest& request : Merged(std::move(requests), options_.request_bytes_max)) {
    if (!SendUntilAnswered(request)) return;
  }
  WriteUntilDone("mark done", [&] { return context_.journal.AppendDone(manifest.block); });
}

std::vector<OutgoingRequest> ForwardQueue::Read(const Frame& frame) {
  const Result<journal::Journal::Frame> read = context_.journal.ReadFrame(frame.number);
  Result<std::vector<OutgoingRequest>> requests =
      read ? RequestsOf(*read, frame.items, options_.request_bytes_max) : std::unexpected(read.error());
  if (requests) return *std::move(requests);
  counters_.unreadable.Add(1);
  Log(LogLevel::kError, "a frame does not read back from the journal: what it held is lost",
      {{"frame", frame.number}, {"error", requests.error().message}});
  return {};
}

// False: the program stops before there is an answer.
bool ForwardQueue::SendUntilAnswered(const OutgoingRequest& request) {
  const auto is_stopping = [this] { return stopping_.load(); };
  for (int64_t wait = options_.retry_nanos_min;;) {
    Answer answer;
    if (FaultPoint("forward.send.begin")) {
      answer = {.message = "injected fault", .reason = "fault"};
    } else {
      answer = exporter_->Send(signal_, request.bytes, is_stopping);
    }
    // As if the answer had been lost on its way.
    if (FaultPoint("forward.send.end")) answer = {.message = "injected fault", .reason = "fault"};
    if (answer.outcome != Answer::Outcome::kRetry) {
      Settle(request, answer);
      return true;
    }
    if (stopping_) return false;
    MetricLabels labels = Labels(signal_);
    labels.emplace_back("reason", answer.reason);
    context_.metrics
        .GetCounter("sightline.forward.retries", "{request}", "Tries that the backend did not take; repeated.",
                    std::move(labels))
        .Add(1);
    const int64_t pause = NextWait(wait, answer.wait_nanos);
    Log(LogLevel::kWarning, "the backend does not take data; will retry",
        {{"signal", otlp::SignalName(signal_)},
         {"reason", answer.reason},
         {"error", answer.message},
         {"wait_s", static_cast<double>(pause) * 1e-9}});
    {
      const std::lock_guard lock(mutex_);
      is_away_ = true;
    }
    drained_.notify_all();
    if (!Sleep(pause)) return false;
  }
}

void ForwardQueue::Settle(const OutgoingRequest& request, const Answer& answer) {
  bool was_away = false;
  {
    const std::lock_guard lock(mutex_);
    was_away = std::exchange(is_away_, false);
  }
  const std::string_view signal = otlp::SignalName(signal_);
  if (answer.outcome == Answer::Outcome::kRefused) {
    counters_.refused.Add(request.items);
    Log(LogLevel::kError, "the backend refuses a request for good: dropped",
        {{"signal", signal}, {"items", request.items}, {"reason", answer.reason}, {"error", answer.message}});
    return;
  }
  if (was_away) Log(LogLevel::kInfo, "the backend takes data again", {{"signal", signal}});
  const uint64_t rejected = std::min(answer.rejected, request.items);
  counters_.requests.Add(1);
  counters_.items.Add(request.items - rejected);
  counters_.rejected.Add(rejected);
  if (rejected != 0 || !answer.message.empty()) {
    Log(LogLevel::kWarning, rejected != 0 ? "the backend rejects items" : "the backend warns",
        {{"signal", signal}, {"items", rejected}, {"of", request.items}, {"message", answer.message}});
  }
}

// False: the program stops. A journal that cannot be written (a full disk) is no reason to forget.
bool ForwardQueue::WriteUntilDone(const char* step, const std::function<Result<void>()>& write) {
  for (int64_t wait = options_.retry_nanos_min;;) {
    const Result<void> written = write();
    if (written) return true;
    Log(LogLevel::kWarning, "the journal could not be written; will retry",
        {{"step", step}, {"signal", otlp::SignalName(signal_)}, {"error", written.error().message}});
    if (!Sleep(NextWait(wait, std::nullopt))) return false;
  }
}

// Exponential with jitter: gateways that lost one backend at the same time should not all return at the same time. What
// the backend asks for is the least.
int64_t ForwardQueue::NextWait(int64_t& wait, std::optional<int64_t> asked) {
  const int64_t base = asked ? *asked : wait / 2;
  const int64_t jitter = std::uniform_int_distribution<int64_t>(0, asked ? options_.retry_nanos_min : wait)(random_);
  wait = std::min(2 * wait, options_.retry_nanos_max);
  return base + jitter;
}

// False: the program stops.
bool ForwardQueue::Sleep(int64_t nanos) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, std::chrono::nanoseconds(nanos), [this] { return stopping_.load(); });
  return !stopping_;
}

double ForwardQueue::LagSeconds() {
  const std::lock_guard lock(mutex_);
  int64_t since = working_since_nanos_;
  if (since == 0 && !queue_.empty()) since = queue_.front().queued_monotonic_nanos;
  return since == 0 ? 0.0 : static_cast<double>(context_.clock.MonotonicNanos() - since) * 1e-9;
}

}  // namespace sightline::forward
