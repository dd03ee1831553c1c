// Blocks that ClickHouse refuses for good -> files from which their items can be sent again.
// Without it such a block would keep its segments in the journal for ever. Data: manifest and the journal's frames ->
// DATA/refused/block-NUMBER-SIGNAL/, with reason.json and the items as OTLP requests in protobuf. docs/refused.md says
// what to do with them.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "base/error.h"
#include "base/metrics.h"
#include "journal/journal.h"
#include "otlp/block_builder.h"
#include "store/block_inserter.h"

namespace sightline::store {

struct RefusedOptions {
  std::string directory;                // created with mode 0700 by the first refused block
  uint64_t bytes_max = 1ULL << 30;      // of all files in it
  uint64_t file_bytes_max = 16 << 20;   // a new file starts beyond it, so that one can be sent in one request
  otlp::BlockBuilder::Options builder;  // as the writers have it: says which day an item belongs to
};

// A block is in the store, or its directory is here, or the journal still holds it: SetAside makes the directory appear
// whole in one rename, and the block's done mark is written after that. A crash between the two is seen by Contains at
// the next start. Thread: any.
class RefusedBlocks {
 public:
  // Removes what a crash left unfinished. The journal and the registry must outlive it.
  static Result<std::unique_ptr<RefusedBlocks>> Open(RefusedOptions options, journal::Journal& journal,
                                                     MetricsRegistry& metrics);

  // Whether the block was set aside: then its rows must not be inserted any more.
  bool Contains(const journal::Manifest& manifest) const;

  // The largest number of a block here when it was opened; 0 if there is none. It must not be used again.
  uint64_t block_max() const { return block_max_; }

  // Writes what `insert` left out. On the disk when it returns, whatever the durability is. Again is no error.
  // kResourceExhausted: no room under bytes_max; kUnavailable: the disk.
  Result<void> SetAside(const journal::Manifest& manifest, const PartialInsert& insert);

 private:
  RefusedBlocks(RefusedOptions options, journal::Journal& journal, MetricsRegistry& metrics);
  Result<void> Write(const journal::Manifest& manifest, const PartialInsert& insert, const std::string& directory);
  std::string PathOf(const journal::Manifest& manifest) const;

  const RefusedOptions options_;
  journal::Journal& journal_;
  MetricsRegistry& metrics_;
  uint64_t block_max_ = 0;
  std::mutex mutex_;  // one block at a time, so that bytes_max holds
};

}  // namespace sightline::store
