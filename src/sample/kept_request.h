// Kept spans, which lie in many requests of the journal -> one request that holds them as they were sent, each under
// its resource and scope.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "journal/journal.h"
#include "sample/shard.h"

namespace sightline::sample {

struct KeptRequest {
  std::string bytes;        // an ExportTraceServiceRequest
  uint64_t unreadable = 0;  // spans that the journal no longer gives; they are not in `bytes`
  Error error;              // why, if there are any
};

// Resources and scopes of the same bytes are written once. Costs about one read for each frame that spans lie in.
KeptRequest ReadKept(journal::Journal& journal, std::span<const PendingDecisions::KeptSpan> spans);

}  // namespace sightline::sample
