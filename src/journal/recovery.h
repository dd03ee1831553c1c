// Reads what an earlier run left in the directory.
// Data: segment files -> a filled ledger and open segments. Decides what is a torn tail, what is damage, and what power
// loss explains; README.md gives the reasoning.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "journal/ledger.h"
#include "journal/segment.h"

namespace sightline::journal {

struct Recovered {
  std::vector<std::shared_ptr<Segment>> segments;  // oldest first
  uint64_t torn_bytes = 0;
  uint64_t lost_bytes = 0;
};

// All segments of `directory`. Changes files (cuts the tail, covers damage) only when everything was read.
// `boot` is this run of the machine: what another run wrote may have suffered a power loss.
Result<Recovered> Recover(const std::string& directory, uint64_t boot, Ledger& ledger);

// What one segment's bytes hold.
struct SegmentScan {
  SegmentHeader header;
  uint32_t valid_end = 0;  // what lies behind is to be cut off
  struct Hole {
    uint32_t begin = 0, end = 0;
  };
  std::vector<Hole> holes;  // damage in the middle that is skipped
};

// Scans one segment and enters its records into the ledger. kDataLoss names the offset.
Result<SegmentScan> ScanSegment(std::string_view bytes, bool newest, uint64_t boot, Ledger& ledger);

// A number of this run of the machine's kernel; 0 if it cannot be told.
uint64_t BootNumber();

}  // namespace sightline::journal
