#include "common/pooled_record.h"

#include <mutex>
#include <new>

#include "common/fork.h"
#include "common/prefetch.h"

namespace otel::internal {
namespace {

// Of a span with 20 attributes all that is written.
constexpr size_t kPrefetchedBytes = 1536;

}  // namespace

RecordPool::RecordPool() {
  // Another thread may have held the lock of a stock: all begin anew.
  new ForkHandler([this] {
    for (Stock& stock : stocks_) new (&stock) Stock;
  });
}

PooledRecord* RecordPool::Take() {
  Stock& stock = stocks_[ThreadSlot()];
  const std::lock_guard lock(stock.lock);
  while (!stock.records.empty()) {
    PooledRecord* const record = stock.records.back();
    stock.records.pop_back();
    if (!stock.records.empty()) Prefetch(stock.records.back(), kPrefetchedBytes);  // mostly wanted soon too
    if (record->DropReference()) return record;
    // Somebody still refers to it, and will give it back.
  }
  return nullptr;
}

void RecordPool::Give(PooledRecord* record) {
  if (!record->DropReference()) return;
  if (record->arena().bytes() > kKeptRecordBytesMax) record->Clear();
  GiveUnseen({&record, 1}, ThreadSlot());
}

void RecordPool::GiveUnseen(std::span<PooledRecord* const> records, uint32_t slot) {
  Stock& stock = stocks_[slot];
  size_t kept = 0;
  {
    const std::lock_guard lock(stock.lock);
    // Most threads need a few, and their stock stays small; it grows at most once to its full size.
    const size_t wanted = stock.records.size() + records.size();
    if (wanted > stock.records.capacity()) stock.records.reserve(wanted < 16 ? 16 : kStockRecordsMax);
    for (; kept < records.size() && stock.records.size() < kStockRecordsMax; ++kept) {
      stock.records.push_back(records[kept]);
    }
  }
  for (PooledRecord* const record : records.subspan(kept)) {
    if (record->DropReference()) delete record;
  }
}

}  // namespace otel::internal
