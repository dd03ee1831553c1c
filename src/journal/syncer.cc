#include "journal/syncer.h"

#include <future>
#include <utility>

namespace sightline::journal {

Syncer::Syncer(Counter& syncs) : syncs_(syncs), thread_([this] { Run(); }) {}

Syncer::~Syncer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Syncer::Enqueue(std::shared_ptr<Segment> segment, Done done) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({std::move(segment), std::move(done)});
  }
  changed_.notify_one();
}

Result<void> Syncer::Wait(std::shared_ptr<Segment> segment) {
  std::promise<Result<void>> promise;
  auto synced = promise.get_future();
  Enqueue(std::move(segment), [&promise](Result<void> result) { promise.set_value(std::move(result)); });
  return synced.get();
}

void Syncer::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::vector<Waiting> group = std::exchange(waiting_, {});
    lock.unlock();
    Commit(std::move(group));
    lock.lock();
  }
}

void Syncer::Commit(std::vector<Waiting> group) {
  for (size_t i = 0; i < group.size();) {
    const std::shared_ptr<Segment> segment = group[i].segment;
    const Result<void> synced = segment->Sync();
    syncs_.Add(1);
    for (; i < group.size() && group[i].segment == segment; ++i) group[i].done(synced);
  }
}

}  // namespace sightline::journal
