// Group commit: one fdatasync for all appends that wait for it.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/metrics.h"
#include "journal/segment.h"

namespace sightline::journal {

// While one sync runs, the appends that come meanwhile gather for the next: the slower the disk, the larger the group.
// The queue is bounded by its callers, who hold the memory of the requests that wait.
// Thread: any; callbacks run on its own thread. The destructor syncs and answers what still waits.
class Syncer {
 public:
  using Done = std::function<void(Result<void>)>;

  explicit Syncer(Counter& syncs);
  ~Syncer();
  Syncer(const Syncer&) = delete;
  Syncer& operator=(const Syncer&) = delete;

  // `done` is called once what was appended to `segment` before this call is on disk, or the sync has failed.
  void Enqueue(std::shared_ptr<Segment> segment, Done done);
  Result<void> Wait(std::shared_ptr<Segment> segment);  // the same, blocking; not from a callback

 private:
  struct Waiting {
    std::shared_ptr<Segment> segment;
    Done done;
  };
  void Run();
  void Commit(std::vector<Waiting> group);

  Counter& syncs_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Waiting> waiting_;  // guarded by mutex_, in order of the segments
  bool stopping_ = false;         // guarded by mutex_
  std::thread thread_;
};

}  // namespace sightline::journal
