// Where accepted requests go. receive/ knows nothing behind this.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/error.h"
#include "base/memory_budget.h"
#include "otlp/scan.h"
#include "otlp/signal.h"

namespace sightline::receive {

// A request that was scanned and has at least one accepted item. `bytes` is protobuf, decompressed, contiguous; `scan`
// points into it by offset.
struct Export {
  otlp::Signal signal;
  int64_t received_unix_nanos = 0;
  std::string bytes;
  otlp::Scan scan;
  MemoryBudget::Reservation reservation;  // of the bytes; travels with them
};

class Sink {
 public:
  virtual ~Sink() = default;

  // Takes the request. `done` is called exactly once, from any thread, possibly before Accept returns: success means
  // that the bytes are in the journal with the promised durability, and only then may the client be told OK.
  // kUnavailable: the client should retry.
  virtual void Accept(Export request, std::function<void(Result<void>)> done) = 0;

  // Whether scans of traces should note the heads of spans.
  virtual otlp::SpanHeads span_heads() const { return otlp::SpanHeads::kSkip; }

  // The oldest time that the signal's retention keeps, unix nanoseconds; 0 for everything.
  virtual int64_t OldestKept(otlp::Signal signal, int64_t now_unix_nanos) const = 0;
};

}  // namespace sightline::receive
