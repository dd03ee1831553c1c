// A bounded number of threads for work that must not run on the HTTP server's threads.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace sightline::serve {

// Thread: any.
class WorkerPool {
 public:
  WorkerPool(int threads, size_t waiting_max);
  ~WorkerPool();  // Stop
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False when `waiting_max` jobs wait already, or the pool is stopping; the job is then dropped uncalled.
  bool TryPost(std::function<void()> job);

  // Drops what waits, lets what runs finish.
  void Stop();

  size_t waiting() const;

 private:
  void Run();

  const size_t waiting_max_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;  // guarded by mutex_
  bool stopping_ = false;                   // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace sightline::serve
