#include "journal/admission.h"

#include <memory>
#include <utility>

#include "base/log.h"
#include "base/process.h"

namespace sightline::journal {
namespace {

constexpr auto kDiskCheckEvery = std::chrono::seconds(1);

}  // namespace

Admission::Admission(Options options) : options_(std::move(options)) {
  CheckDisk();  // before the first request
  watch_ = std::thread([this] { WatchDisk(); });
}

Admission::~Admission() {
  Wait(std::nullopt);
  {
    const std::lock_guard lock(watch_mutex_);
    stopping_ = true;
  }
  watch_wake_.notify_all();
  watch_.join();
}

Result<void> Admission::Check() const {
  if (!disk_is_low_.load(std::memory_order_relaxed)) return {};
  return Fail(Code::kUnavailable, "less than {} bytes are free on the disk of {}", options_.disk_free_bytes_min,
              options_.data_directory);
}

// The frame goes on when both are known: its number (the journal's Append returns) and that it is durable (its `done`
// is called, in either order). Not before: an append whose sync fails is withdrawn, and the client sends it again. The
// client is answered last: whoever has seen all answers may end what takes the frames.
void Admission::Append(Journal& journal, const FrameHeader& header, std::string_view bytes,
                       std::function<void(uint64_t number)> take, std::function<void(Result<void>)> answer) {
  struct UnderWay {
    std::function<void(uint64_t)> take;
    std::function<void(Result<void>)> answer;
    Result<void> durable;
    uint64_t number = 0;
    std::atomic<int> steps_left = 2;
  };
  const auto append = std::make_shared<UnderWay>();
  append->take = std::move(take);
  append->answer = std::move(answer);
  const auto step = [this, append] {
    if (append->steps_left.fetch_sub(1) != 1) return;
    if (append->durable) append->take(append->number);
    const std::function<void(Result<void>)> answer_client = std::move(append->answer);
    Result<void> durable = std::move(append->durable);
    Leave();
    answer_client(std::move(durable));
  };
  {
    const std::lock_guard lock(under_way_mutex_);
    ++under_way_;
  }
  const Result<uint64_t> number = journal.Append(header, bytes, [append, step](Result<void> result) {
    append->durable = std::move(result);
    step();
  });
  if (!number) {
    Leave();
    append->answer(std::unexpected(number.error()));
    return;
  }
  append->number = *number;
  step();
}

void Admission::Leave() {
  const std::lock_guard lock(under_way_mutex_);
  if (--under_way_ == 0) none_under_way_.notify_all();
}

bool Admission::Wait(std::optional<std::chrono::nanoseconds> timeout) {
  std::unique_lock lock(under_way_mutex_);
  const auto is_none = [this] { return under_way_ == 0; };
  if (timeout) return none_under_way_.wait_for(lock, *timeout, is_none);
  none_under_way_.wait(lock, is_none);
  return true;
}

void Admission::WatchDisk() {
  std::unique_lock lock(watch_mutex_);
  while (!watch_wake_.wait_for(lock, kDiskCheckEvery, [this] { return stopping_; })) CheckDisk();
}

void Admission::CheckDisk() {
  const Result<uint64_t> free = FreeDiskBytes(options_.data_directory);
  if (!free) {
    Log(LogLevel::kWarning, "how much room the disk has is not known", {{"error", free.error().message}});
    return;
  }
  const bool is_low = *free < options_.disk_free_bytes_min;
  if (is_low == disk_is_low_.exchange(is_low, std::memory_order_relaxed)) return;
  Log(is_low ? LogLevel::kWarning : LogLevel::kInfo,
      is_low ? "the disk is nearly full: nothing is accepted" : "there is room on the disk again",
      {{"free_bytes", *free}, {"limits.disk_free_bytes_min", options_.disk_free_bytes_min}});
}

}  // namespace sightline::journal
