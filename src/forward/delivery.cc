#include "forward/delivery.h"

#include <algorithm>
#include <utility>

#include "base/fault.h"
#include "base/log.h"

namespace sightline::forward {
namespace {

constexpr int64_t kAwayNanos = 1'000'000'000;

MetricLabels Labels(otlp::Signal signal) {
  return {{"signal", std::string(otlp::SignalName(signal))}};
}

// By otlp::Signal. The second is as if the answer had been lost on its way.
struct FaultPoints {
  std::string_view begin, end;
};
constexpr FaultPoints kFaultPoints[] = {{"forward.traces.begin", "forward.traces.end"},
                                        {"forward.metrics.begin", "forward.metrics.end"},
                                        {"forward.logs.begin", "forward.logs.end"}};

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

Delivery::Delivery(otlp::Signal signal, const QueueOptions& options, const QueueContext& context,
                   std::unique_ptr<Exporter> exporter)
    : signal_(signal),
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
                                                "Items that the backend refused for good: dropped.", Labels(signal))},
      backoff_(options.retry_nanos_min, options.retry_nanos_max) {}

bool Delivery::is_away() const {
  const int64_t since = away_since_nanos_;
  return since != 0 && context_.clock.MonotonicNanos() - since > kAwayNanos;
}

bool Delivery::Run(const journal::Manifest& manifest, const std::vector<OutgoingRequest>& requests) {
  if (!WriteUntilDone("write the manifest", [&] { return context_.outbox.AppendManifest(manifest); })) return false;
  if (exporter_ != nullptr) {
    for (const OutgoingRequest& request : requests) {
      if (!SendUntilAnswered(request)) return false;
    }
  }
  return WriteUntilDone("mark done", [&] { return context_.outbox.AppendDone(manifest.block); });
}

// False: the program stops before there is an answer.
bool Delivery::SendUntilAnswered(const OutgoingRequest& request) {
  const auto is_stopping = [this] { return stopping(); };
  for (backoff_.Reset();;) {
    const FaultPoints& points = kFaultPoints[static_cast<size_t>(signal_)];
    Answer answer{.message = "injected fault", .reason = "fault"};
    if (!FaultPoint(points.begin)) answer = exporter_->Send(signal_, request.bytes, is_stopping);
    if (FaultPoint(points.end)) answer = {.message = "injected fault", .reason = "fault"};
    if (answer.outcome != Answer::Outcome::kRetry) {
      Settle(request, answer);
      return true;
    }
    if (stopping()) return false;
    MetricLabels labels = Labels(signal_);
    labels.emplace_back("reason", answer.reason);
    context_.metrics
        .GetCounter("sightline.forward.retries", "{request}", "Tries that the backend did not take; repeated.",
                    std::move(labels))
        .Add(1);
    const int64_t pause = backoff_.Next(answer.wait_nanos);
    Log(LogLevel::kWarning, "the backend does not take data; will retry",
        {{"signal", otlp::SignalName(signal_)},
         {"reason", answer.reason},
         {"error", answer.message},
         {"wait_s", static_cast<double>(pause) * 1e-9}});
    if (away_since_nanos_ == 0) away_since_nanos_ = context_.clock.MonotonicNanos();
    if (!backoff_.Sleep(pause)) return false;
  }
}

void Delivery::Settle(const OutgoingRequest& request, const Answer& answer) {
  const bool was_away = away_since_nanos_.exchange(0) != 0;
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
bool Delivery::WriteUntilDone(const char* step, const std::function<Result<void>()>& write) {
  for (backoff_.Reset();;) {
    const Result<void> written = write();
    if (written) return true;
    Log(LogLevel::kWarning, "the journal could not be written; will retry",
        {{"step", step}, {"signal", otlp::SignalName(signal_)}, {"error", written.error().message}});
    if (!backoff_.Sleep(backoff_.Next())) return false;
  }
}

}  // namespace sightline::forward
