#include "demo/http/worker_pool.h"

#include <utility>

namespace demo::http {

WorkerPool::WorkerPool(size_t workers, size_t waiting_max) : waiting_max_(waiting_max) {
  for (size_t worker = 0; worker < workers; ++worker) {
    threads_.emplace_back([this, worker] { Run(worker); });
  }
}

bool WorkerPool::Post(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || waiting_.size() >= waiting_max_) return false;
    waiting_.push_back(std::move(task));
  }
  work_.notify_one();
  return true;
}

void WorkerPool::Stop() {
  std::deque<Task> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    dropped.swap(waiting_);
  }
  work_.notify_all();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

void WorkerPool::Run(size_t worker) {
  for (;;) {
    Task task;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [this] { return stopped_ || !waiting_.empty(); });
      if (stopped_) return;
      task = std::move(waiting_.front());
      waiting_.pop_front();
    }
    task(worker);
  }
}

}  // namespace demo::http
