// Sends encoded requests, again where that may help: what the exporters of all signals share.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>

#include "otel/otlp_exporter.h"
#include "otlp/signal.h"
#include "transport/transport.h"

namespace otel::internal {

// Thread: Send of one at a time, Shutdown of any.
class OtlpClient {
 public:
  // Gets what an operator should know.
  using Reporter = std::function<void(std::string_view message)>;

  OtlpClient(const OtlpOptions& options, const Signal& signal, std::unique_ptr<Transport> transport, Reporter report);

  // `records` are what the request holds, to say how many were lost.
  ExportResult Send(std::string_view request, size_t records, Deadline deadline);
  void Shutdown();
  bool IsShutDown() const;

 private:
  void Say(uint64_t records, const std::string& what) const;
  void SayPartial(const PartialSuccess& partial) const;
  // A server that asks for more time than a batch has gets it: the next batch waits, as long as its own time lets it,
  // and what comes after it stays in the queue. False where it can't be sent.
  bool KeepPause(Deadline deadline);
  // False where Shutdown came first.
  bool WaitUntil(Deadline time);

  const OtlpOptions options_;
  const Signal& signal_;
  const std::unique_ptr<Transport> transport_;
  const Reporter report_;
  std::minstd_rand random_;
  Deadline pause_until_{};  // of the thread that sends
  mutable std::mutex mutex_;
  std::condition_variable shut_down_changed_;
  bool shut_down_ = false;
};

// Reports to internal::Report.
std::unique_ptr<OtlpClient> MakeOtlpClient(const OtlpOptions& options, const Signal& signal);

}  // namespace otel::internal
