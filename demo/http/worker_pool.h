// Threads that run what is handed to them, with a bounded queue.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace demo::http {

// Thread: any.
class WorkerPool {
 public:
  using Task = std::move_only_function<void(size_t worker)>;

  WorkerPool(size_t workers, size_t waiting_max);
  ~WorkerPool() { Stop(); }

  // False where too much waits, or after Stop; `task` is then dropped.
  bool Post(Task task);
  // Finishes the tasks that run, drops those that wait.
  void Stop();

 private:
  void Run(size_t worker);

  const size_t waiting_max_;
  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<Task> waiting_;  // guarded by mutex_
  bool stopped_ = false;      // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace demo::http
