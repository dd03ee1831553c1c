// Frames -> one block: which items, in which order. Spans are grouped by trace in order of first appearance, because
// neighbouring rows of one trace make ids compress (docs/adr/002-table-layout.md); logs and metrics stay in order of
// arrival. Data: frames -> manifest and table blocks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/memory_budget.h"
#include "journal/journal.h"
#include "otlp/block_builder.h"
#include "otlp/scan.h"
#include "sample/decided_frame.h"

namespace sightline::store {

// Which blocks a frame goes into: a writer makes those of one stream.
struct Stream {
  otlp::Signal signal = otlp::Signal::kTraces;
  journal::BlockKind kind = journal::BlockKind::kItems;

  std::string_view name() const {  // as metrics and logs call it
    return kind == journal::BlockKind::kSpanMetrics ? "span_metrics" : otlp::SignalName(signal);
  }
  std::unique_ptr<otlp::BlockBuilder> CreateBuilder(otlp::BlockBuilder::Options options) const;
};

// A journalled request, or the kept spans of a decided frame, on its way to the store.
struct PendingFrame {
  uint64_t number = 0;  // the journal's
  int64_t received_unix_nanos = 0;
  int64_t queued_monotonic_nanos = 0;
  std::string bytes;                                 // of a request that is only counted: otlp/counted_request.h
  otlp::Scan scan;                                   // with heads if it goes into span metrics
  std::shared_ptr<const sample::Verdicts> verdicts;  // of a decided frame; its calls are counted already
  std::string graph;                                 // what its traces add to the service graph, kept or not
  MemoryBudget::Reservation reservation;
};

journal::Manifest MakeManifest(uint64_t block, const Stream& stream, const std::vector<PendingFrame>& frames);

// Appends all accepted items of the frames to the builder, in the order above, and what they add to the service graph.
// False: it stopped early, as the builder's columns have more bytes than `column_bytes_max`.
bool AppendFrames(const Stream& stream, const std::vector<PendingFrame>& frames, otlp::BlockBuilder& builder,
                  uint64_t column_bytes_max = UINT64_MAX);

}  // namespace sightline::store
