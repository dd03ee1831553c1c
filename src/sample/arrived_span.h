// Spans of a journalled request as they go from the receiving thread to the shard of their trace: facts without text.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/memory_budget.h"
#include "otlp/scan.h"
#include "sample/policy_set.h"
#include "sample/service_graph.h"

namespace sightline::sample {

// A request in the journal some of whose spans are undecided. Made by the receiving thread, gone with its last span.
struct FrameHold {
  uint64_t number = 0;
  std::vector<otlp::ScopeRef> scopes;
  std::atomic<uint32_t> undecided = 0;  // spans; of all shards

  uint64_t bytes() const { return sizeof(*this) + scopes.capacity() * sizeof(otlp::ScopeRef); }
};

// Where a span lies: a message of the frame, under one of its scopes.
struct SpanPlace {
  FrameHold* frame = nullptr;
  uint32_t offset = 0, size = 0;
  uint32_t scope = 0;
};

struct ArrivedSpan {
  uint64_t trace_hash = 0;
  SpanTimes times;
  SpanMatch match;
  SpanPlace place;
  bool is_root = false;
  std::optional<GraphSpan> graph;
};

// The spans of one request that belong to one shard.
struct SpanBatch {
  std::shared_ptr<const PolicySet> policies;  // that made the matches
  uint64_t policies_version = 0;              // rises with each new set
  std::vector<ArrivedSpan> spans;
  std::shared_ptr<MemoryBudget::Reservation> reservation;  // of all batches of the request together
};

}  // namespace sightline::sample
