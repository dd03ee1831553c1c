// Which traces were sampled out, when and by which policy: so that whoever asks for one hears that, and not that it
// never was. Data: the dropped traces of decided frames -> batches in a ring of files <- trace hashes that are asked
// for.
//
// A trace takes 8 bytes, a batch (a tenth of a second of one shard) some 50 more. A file is dropped whole when the ring
// is full. A kill loses nothing that was added; a power cut may lose the last seconds, which is what the checksums are
// for. Not exactly once, and not meant to be: a trace that is there twice was sampled out no less.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/metrics.h"
#include "sample/decided_frame.h"

namespace sightline::sample {

// Thread: any.
class DroppedTraces {
 public:
  struct Options {
    std::string directory;  // made with the first batch; nobody else may write there
    uint64_t bytes_max = 256 << 20;
  };
  // Goes on where the last run stopped. `metrics` must outlive it.
  static Result<std::unique_ptr<DroppedTraces>> Open(Options options, MetricsRegistry& metrics);
  ~DroppedTraces();

  // Traces have indices into `policies`. What cannot be written is counted, and forgotten.
  void Add(int64_t decided_unix_nanos, const std::vector<std::string>& policies,
           const std::vector<DecidedFrame::Dropped>& traces);

  struct Record {
    int64_t decided_unix_nanos = 0;
    std::string policy;  // "": none wanted it
  };
  // The earliest of that trace. Reads all files: some 0.1 s with 256 MiB.
  std::optional<Record> Find(uint64_t trace_hash) const;
  // By 32 hex digits; what else is given is not there.
  std::optional<Record> Find(std::string_view trace_id) const;

  struct Status {
    uint64_t bytes = 0, bytes_max = 0;
    int64_t oldest_unix_nanos = 0;  // 0: there is none
  };
  Status status() const;
  int64_t newest_unix_nanos() const;  // 0: there is none

 private:
  struct File {
    uint64_t number = 0, bytes = 0;
    int64_t oldest_unix_nanos = 0;
  };

  DroppedTraces(Options options, MetricsRegistry& metrics);
  Result<void> FindFiles();
  std::string PathOf(uint64_t number) const;
  bool Write(std::string_view batch, int64_t decided_unix_nanos);
  bool StartFile();
  void CloseLast();

  const Options options_;
  const uint64_t file_bytes_max_;
  MetricsRegistry& metrics_;
  Counter& lost_;

  mutable std::mutex mutex_;
  std::deque<File> files_;  // all guarded by mutex_; oldest first
  int last_fd_ = -1;        // of the last file, once something was written to it
  int64_t newest_unix_nanos_ = 0;
};

}  // namespace sightline::sample
