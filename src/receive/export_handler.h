// What happens to an export, whatever brought it.
// Data: bytes as sent -> inflated under a limit -> protobuf -> scanned -> the sink -> the client's answer.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/memory_budget.h"
#include "base/metrics.h"
#include "otlp/limits.h"
#include "otlp/scan.h"
#include "otlp/signal.h"
#include "receive/response.h"
#include "receive/sink.h"

namespace sightline::receive {

enum class Transport : uint8_t { kGrpc, kHttp };

struct ExportRequest {
  otlp::Signal signal = otlp::Signal::kTraces;
  Transport transport = Transport::kGrpc;
  Format format = Format::kProtobuf;
  std::string encoding;  // how `body` is compressed: "", "identity", "gzip", "deflate", "zstd"
  std::string body;
};

// Memory for a request is reserved in the budget before it is allocated: its bytes as sent, then inflated, then as
// protobuf; each is given back when the next stands. What travels with the export also covers the rows it will become.
// Thread: any; the work is done on the caller's, which is one of the transport's few.
class ExportHandler : public std::enable_shared_from_this<ExportHandler> {
 public:
  struct Options {
    uint64_t decompressed_bytes_max = 64 << 20;
    otlp::Limits limits;
    int64_t future_nanos_max = otlp::TimeRules{}.future_nanos_max;
  };
  // All references must outlive it.
  ExportHandler(const Options& options, Sink& sink, MemoryBudget& budget, MetricsRegistry& metrics, const Clock& clock);

  // `reply` is called exactly once, from this thread or one of the sink's.
  void Handle(ExportRequest request, std::function<void(const Answer&)> reply);

 private:
  // Bytes and what is reserved for them.
  struct Body {
    std::string bytes;
    MemoryBudget::Reservation reservation;
  };
  Result<Body> Inflate(std::string_view encoding, std::string bytes) const;
  Result<Body> Transcode(otlp::Signal signal, Body json) const;
  Result<Export> Read(ExportRequest request);
  void Count(otlp::Signal signal, Transport transport, const Answer& answer);
  void CountItems(otlp::Signal signal, uint64_t accepted, const std::array<uint32_t, otlp::kRefusals>& refused);

  const Options options_;
  Sink& sink_;
  MemoryBudget& budget_;
  const Clock& clock_;

  struct SignalCounters {
    std::array<std::array<Counter*, kOutcomes>, 2> requests{};  // by Transport
    Counter* items = nullptr;
    std::array<Counter*, otlp::kRefusals> refused{};
    Counter* wire_bytes = nullptr;
    Counter* decompressed_bytes = nullptr;
  };
  std::array<SignalCounters, otlp::kSignals.size()> counters_;
};

}  // namespace sightline::receive
