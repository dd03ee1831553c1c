#include "otlp/decode.h"

#include <utility>

namespace sightline::otlp {
namespace {

constexpr uint64_t kRowsBetweenSums = 1024;

// What a table holds before its first row, a hundred columns with their dictionaries. Counted, so that rows of a
// thousand different days end a block early instead of filling the memory.
constexpr size_t kTableBytes = 64 << 10;

}  // namespace

ItemTimes::ItemTimes(int64_t received_unix_nanos, int64_t future_nanos_max) : received(received_unix_nanos) {
  latest = future_nanos_max > INT64_MAX - received ? INT64_MAX : received + future_nanos_max;
}

int64_t ItemTimes::Clamp(uint64_t unix_nanos, bool& clamped) const {
  if (latest >= 0 && unix_nanos <= static_cast<uint64_t>(latest)) [[likely]]
    return static_cast<int64_t>(unix_nanos);
  clamped = true;
  return latest;
}

int64_t ItemTimes::Mend(uint64_t unix_nanos, int64_t missing, Marks& marks) const {
  if (unix_nanos == 0) {
    marks.Set(Marks::kTimeMissing);
    return missing;
  }
  bool clamped = false;
  const int64_t time = Clamp(unix_nanos, clamped);
  if (clamped) marks.Set(Marks::kTimeClamped);
  return time;
}

std::string_view IdOrNone(std::string_view id, size_t length, Marks& marks) {
  if (id.size() == length) [[likely]]
    return id;
  if (!id.empty()) marks.Set(Marks::kIdDropped);
  return {};
}

BuilderBase::BuilderBase(Options options)
    : options_(std::move(options)),
      mender_(options_.limits),
      attributes_(options_.limits, &mender_),
      sets_(options_.limits, options_.remembered_sets_max) {}

uint64_t BuilderBase::bytes() const {
  if (rows_ - rows_summed_ >= kRowsBetweenSums) {
    bytes_summed_ = ColumnBytesNow();
    rows_summed_ = rows_;
    bytes_since_ = 0;
  }
  const size_t tables = DayTables();
  return bytes_summed_ + bytes_since_ + (tables > 1 ? (tables - 1) * kTableBytes : 0);
}

void BuilderBase::WriteMarks(const Marks& marks, std::string_view extra, LowCardinalityColumn& column, uint64_t row) {
  repairs_.invalid_utf8 += marks.Has(Marks::kUtf8);
  repairs_.attributes_cut += marks.Has(Marks::kAttributesCut);
  repairs_.values_cut += marks.Has(Marks::kValueCut);
  repairs_.events_cut += marks.Has(Marks::kEventsCut);
  repairs_.links_cut += marks.Has(Marks::kLinksCut);
  repairs_.time_missing += marks.Has(Marks::kTimeMissing);
  repairs_.time_clamped += marks.Has(Marks::kTimeClamped);
  repairs_.end_before_start += marks.Has(Marks::kEndBeforeStart);
  repairs_.ids_dropped += marks.Has(Marks::kIdDropped);
  std::string names = marks.Names();
  if (!extra.empty()) names.append(",").append(extra);
  column.Set(row, names);
}

void BuilderBase::FinishSets(std::vector<TableBlock>& out) {
  FinishTable(sets_.table(), 0, out);
}

void BuilderBase::Reset() {
  rows_ = rows_summed_ = bytes_summed_ = 0;
  bytes_since_ = 0;
}

}  // namespace sightline::otlp
