// Frames of the journal -> requests as they wait for the store: read back after a crash, or for a block that is
// refused.
#pragma once

#include <cstdint>

#include "journal/journal.h"
#include "otlp/signal.h"
#include "store/block_plan.h"

namespace sightline::store {

struct ReadBackFrame {
  Stream stream;
  PendingFrame frame;  // without reservation
};

// What was accepted of the request then is what its scan holds now. kDataLoss, kNotFound: see Journal::ReadFrame.
Result<ReadBackFrame> ReadBack(journal::Journal& journal, uint64_t number);

}  // namespace sightline::store
