// Frames of the journal -> requests for a backend: what was accepted of them, kept spans with their marks, none larger
// than the backend likes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "journal/journal.h"

namespace sightline::forward {

struct OutgoingRequest {
  std::string bytes;
  uint64_t items = 0;
};

// As few as there can be without one of more than `bytes_max` that was none before.
std::vector<OutgoingRequest> Merged(std::vector<OutgoingRequest> requests, uint64_t bytes_max);

struct OutgoingFrame {
  std::vector<OutgoingRequest> requests;
  std::string graph;  // what the traces of a decided frame add to the service graph

  uint64_t bytes() const {  // of requests
    uint64_t sum = 0;
    for (const OutgoingRequest& request : requests) sum += request.bytes.size();
    return sum;
  }
};

// What was accepted of one frame; none of the requests has more than `bytes_max` bytes, but for single items that have.
// Requests of one signal may be put one after the other. `items`: how many the frame has, if it is a request of which
// nothing was refused; 0: not known. kDataLoss: the bytes do not read as what the journal says they are.
Result<OutgoingFrame> ReadOutgoing(const journal::Journal::Frame& frame, uint64_t items, uint64_t bytes_max);

}  // namespace sightline::forward
