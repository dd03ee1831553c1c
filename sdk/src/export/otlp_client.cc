#include "export/otlp_client.h"

#include <algorithm>
#include <chrono>

#include "common/report.h"
#include "export/backoff.h"

namespace otel::internal {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

// What a server may ask for: one that says days by mistake is asked again.
constexpr std::chrono::minutes kPauseMax(5);

}  // namespace

OtlpClient::OtlpClient(const OtlpOptions& options, const Signal& signal, std::unique_ptr<Transport> transport,
                       Reporter report)
    : options_(options),
      signal_(signal),
      transport_(std::move(transport)),
      report_(std::move(report)),
      random_(std::random_device{}()) {}

ExportResult OtlpClient::Send(std::string_view request, size_t records, Deadline deadline) {
  if (options_.timeout.count() > 0) deadline = std::min(deadline, steady_clock::now() + options_.timeout);
  if (!KeepPause(deadline)) {
    Say(records, "not exported: the server has asked for a pause");
    return ExportResult::kFailure;
  }
  Backoff backoff(options_, &random_);
  for (;;) {
    const Answer answer = transport_->Send(request, deadline);
    pause_until_ =
        steady_clock::now() + std::min<milliseconds>(answer.retry_after.value_or(milliseconds(0)), kPauseMax);
    if (answer.kind == Answer::Kind::kAccepted) {
      SayPartial(answer.partial);
      return ExportResult::kSuccess;
    }
    const Deadline again = steady_clock::now() + backoff.Next(answer.retry_after);
    const bool retry = answer.kind == Answer::Kind::kRetry && again < deadline;
    if (!retry || !WaitUntil(again)) {
      Say(records, "not exported: " + answer.message);
      return ExportResult::kFailure;
    }
  }
}

void OtlpClient::Say(uint64_t records, const std::string& what) const {
  report_(std::to_string(records) + " " + std::string(signal_.records) + " " + what);
}

void OtlpClient::SayPartial(const PartialSuccess& partial) const {
  if (partial.rejected > 0) {
    Say(static_cast<uint64_t>(partial.rejected), "refused by the server: " + partial.message);
  } else if (!partial.message.empty()) {
    report_("the server warns: " + partial.message);
  }
}

bool OtlpClient::KeepPause(Deadline deadline) {
  if (pause_until_ <= steady_clock::now()) return true;
  return WaitUntil(std::min(pause_until_, deadline)) && pause_until_ < deadline;
}

bool OtlpClient::WaitUntil(Deadline time) {
  std::unique_lock lock(mutex_);
  return !shut_down_changed_.wait_until(lock, time, [this] { return shut_down_; });
}

void OtlpClient::Shutdown() {
  {
    const std::lock_guard lock(mutex_);
    shut_down_ = true;
  }
  shut_down_changed_.notify_all();
  transport_->Interrupt();
}

bool OtlpClient::IsShutDown() const {
  const std::lock_guard lock(mutex_);
  return shut_down_;
}

std::unique_ptr<OtlpClient> MakeOtlpClient(const OtlpOptions& options, const Signal& signal) {
  auto transport =
      options.protocol == OtlpProtocol::kGrpc ? MakeGrpcTransport(options, signal) : MakeHttpTransport(options, signal);
  return std::make_unique<OtlpClient>(options, signal, std::move(transport),
                                      [](std::string_view message) { Report("otlp exporter", message); });
}

}  // namespace otel::internal
