// What exporters have in common. They get finished records to read for one call, and send them somewhere.
#pragma once

#include <chrono>
#include <cstdint>

namespace otel {

using Deadline = std::chrono::steady_clock::time_point;

// Nanoseconds since 1970-01-01 UTC.
using UnixNanos = int64_t;

enum class ExportResult : uint8_t { kSuccess, kFailure };  // a failure is final: the records are dropped and counted

// Export is called by one thread at a time; the others may be called beside it.
template <typename Batch>
class Exporter {
 public:
  virtual ~Exporter() = default;

  // Returns by the deadline, or soon after. Never throws. The batch is borrowed for the call.
  virtual ExportResult Export(const Batch& batch, Deadline deadline) = 0;
  // False where not all was sent by the deadline.
  virtual bool ForceFlush(Deadline deadline) = 0;
  // Ends a call of Export that waits; later ones fail at once.
  virtual bool Shutdown(Deadline deadline) = 0;
};

}  // namespace otel
