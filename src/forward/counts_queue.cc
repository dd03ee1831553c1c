#include "forward/counts_queue.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "base/log.h"

namespace sightline::forward {
namespace {

using journal::BlockKind;
using otlp::Signal;

constexpr std::chrono::nanoseconds kAwayPoll{100'000'000};

}  // namespace

CountsQueue::CountsQueue(const CountsOptions& options, const QueueOptions& queue, const QueueContext& context,
                         std::unique_ptr<Exporter> exporter)
    : options_(options),
      request_bytes_max_(queue.request_bytes_max),
      context_(context),
      delivery_(Signal::kMetrics, queue, context, std::move(exporter)),
      start_unix_nanos_(context.clock.UnixNanos()),
      overflowed_(context.metrics.GetCounter("sightline.span_metrics.overflowed_spans", "{span}",
                                             "Spans counted together because there were too many series.",
                                             {{"signal", "span_metrics"}})),
      total_(options_),
      waiting_(options_) {}

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

void CountsQueue::Counts::Add(const SpanCounts& counts) {
  calls.Merge(counts.calls);
  graph.Add(counts.graph);
}

void CountsQueue::Add(uint64_t frame, const SpanCounts& counts) {
  const std::lock_guard lock(mutex_);
  waiting_->counts.Add(counts);
  waiting_->frames.push_back(frame);
}

void CountsQueue::Export() {
  const std::lock_guard lock(mutex_);
  exports_wanted_ = std::max(exports_wanted_, exports_ + 1);
  wake_.notify_all();
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
    Counts counts(options_);
    for (const uint64_t frame : context_.outbox.FramesIn(resumed_.front())) counts.Add(ReadBack(frame));
    Deliver(resumed_.front(), counts);
  }
  for (const uint64_t frame : std::exchange(recovered_, {})) Add(frame, ReadBack(frame));
  for (;;) {
    std::optional<Waiting> taken;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, std::chrono::nanoseconds(options_.interval_nanos),
                     [this] { return stopping_ || exports_ < exports_wanted_; });
      if (stopping_) return;
      taken.emplace(*std::move(waiting_));
      waiting_.emplace(options_);
    }
    if (!taken->frames.empty()) {
      const uint64_t block = context_.next_block.fetch_add(1);
      Deliver(MakeManifest(block, Signal::kTraces, BlockKind::kSpanMetrics, std::move(taken->frames)), taken->counts);
    }
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    ++exports_;
    exported_.notify_all();
  }
}

SpanCounts CountsQueue::ReadBack(uint64_t number) {
  SpanCounts counts(options_.series_max, options_.dimensions);
  const Result<journal::Journal::Frame> frame = context_.outbox.ReadFrame(number);
  if (frame && counts.Merge(frame->bytes)) return counts;
  Log(LogLevel::kError, "calls are lost: a frame of counts does not read back from the outbox",
      {{"frame", number}, {"error", frame ? "it does not hold counts" : frame.error().message}});
  return counts;
}

void CountsQueue::Deliver(const journal::Manifest& manifest, const Counts& counts) {
  total_.calls.Merge(counts.calls);
  total_.graph.Merge(counts.graph);
  overflowed_.Add(static_cast<uint64_t>(std::llround(total_.calls.overflowed())) - overflowed_.value());
  const MetricTimes times{.start_unix_nanos = start_unix_nanos_, .now_unix_nanos = context_.clock.UnixNanos()};
  std::vector<OutgoingRequest> requests;
  total_.calls.Write(times, options_.instance_id, requests);
  total_.calls.ClearWrittenExemplars();
  total_.graph.Write(times, options_.instance_id, requests);
  // One request if it can be: whoever dies between two leaves the first to be counted again by the next start.
  delivery_.Run(manifest, Merged(std::move(requests), request_bytes_max_));
}

}  // namespace sightline::forward
