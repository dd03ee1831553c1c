// What the program asks of, and tells about, its own process: memory, CPU time, disk room, file descriptors, the wish
// to end.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/error.h"

namespace sightline {

struct MemoryUse {
  uint64_t rss_bytes = 0;
  uint64_t anonymous_bytes = 0;  // of these, not backed by a file: what the kernel cannot take back
};
MemoryUse ReadMemoryUse();  // zeros where /proc is not there

// glibc keeps one heap for each thread that met contention and never gives back what lies below its top: under load
// that costs several hundred MB. Few heaps while it runs (call once, before threads start) ...
void LimitMallocHeaps();
// ... and what is free goes back to the kernel when the program has nothing to do. Takes some 10 ms.
void ReleaseFreeMemory();
// Drops code and constants of large libraries (segments of segment_bytes_min or more) from this process's memory:
// starting and a burst touch much of an engine that idling does not need. They stay in the page cache, and come back as
// they are used. Returns the bytes mapped, not those that were resident.
uint64_t ReleaseCode(uint64_t segment_bytes_min);

double CpuSeconds();  // user and system time of all threads since the start

// What this user may still write to the file system that holds `path`.
Result<uint64_t> FreeDiskBytes(const std::string& path);

// Lifts the soft limit of open files to the hard one; returns the limit that holds now.
Result<uint64_t> RaiseFdLimit();

// SIGTERM, SIGINT and SIGHUP as something to wait for, and SIGPIPE ignored (a closed socket is an error, not an end).
// Construct one before the first thread starts, as threads inherit the blocked signals. Uses signalfd, not a handler,
// so that libraries that install handlers of their own cannot take the signals away.
// Thread: constructed and destroyed on main; Wait on one thread; Request from any.
class ShutdownSignal {
 public:
  ShutdownSignal();
  ~ShutdownSignal();  // the signals do again what they did before
  ShutdownSignal(const ShutdownSignal&) = delete;
  ShutdownSignal& operator=(const ShutdownSignal&) = delete;

  // True once a signal to end came or Request was called, and from then on at once. `timeout_millis` < 0: no limit.
  // `on_hangup` is called for each SIGHUP that comes meanwhile.
  bool Wait(int timeout_millis, const std::function<void()>& on_hangup = {});

  // Ends the wait from inside, e.g. when the store is lost for good.
  void Request();

  // From now on the next SIGTERM or SIGINT ends the process at once: for a user who does not want to wait for the
  // flush. Call on the thread that waits.
  void LetNextSignalKill();

  // The signal that came ("SIGTERM"), "" if none.
  const std::string& reason() const { return reason_; }

 private:
  int signals_ = -1;   // signalfd
  int requests_ = -1;  // eventfd
  bool requested_ = false;
  std::string reason_;
};

}  // namespace sightline
