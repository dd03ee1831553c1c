// Stored spans, added up by what sampling said of them: traces, spans, bytes, and what they stand for, by service,
// policy, minute and hour. Data: one Add for each stored span -> at Finish the rows of the table kept_span_rollups for
// one block. Without sampling every span is kept, by no policy. docs/adr/014-kept-spans.md has the reasons.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "otlp/block_builder.h"
#include "otlp/block_builder_tables.h"
#include "otlp/rollup_table.h"

namespace sightline::otlp {

inline constexpr uint32_t kKeptResolutions[] = {60, 3600};  // as kResolutions

// AggregateFunction(uniqCombined(14), UInt64): how many different numbers, within 0.8 % (standard error), in 10 kB at
// most once the engine has merged it. Bytes of a state that holds elements: its kind (1: up to 16, 2: any number), a
// varint of how many, and 32 bits for each.
class DistinctColumn final : public Column {
 public:
  // What such a state holds of `number`: the lower half of MurmurHash3's 64-bit finalizer, as the engine computes it.
  static uint32_t ElementOf(uint64_t number);
  void Append(std::span<const uint32_t> different_elements);

  uint64_t rows() const override { return rows_; }
  void PadTo(uint64_t rows) override {
    while (rows_ < rows) Append({});
  }
  size_t bytes() const override { return buffer_.size(); }
  size_t capacity() const override { return buffer_.capacity(); }
  void WriteData(std::string& out) const override { out.append(buffer_.view()); }
  void Clear() override {
    buffer_.clear();
    rows_ = 0;
  }

 private:
  Buffer buffer_;
  uint64_t rows_ = 0;
};

struct KeptSpansTable final : RollupTable {
  static constexpr std::string_view kName = "kept_span_rollups";
  KeptSpansTable();

  LowCardinalityColumn service_name, sampling_policy;
  Numbers64 spans, bytes;
  Doubles stand_for;
  DistinctColumn traces;
};

// Thread: of its owner.
class KeptSpans {
 public:
  struct Span {
    std::string_view service_name, policy;  // needed only during Add
    int64_t start_unix_nanos = 0;
    uint64_t message_bytes = 0;
    uint64_t trace_hash = 0;  // ItemRef's
    double adjusted_count = 1;
  };

  // Cheapest where spans of a trace come one after the other.
  void Add(const Span& span);
  size_t bytes() const { return rows_.size() * sizeof(Row) + traces_ * sizeof(uint32_t) + names_.keys().size(); }

  // The rows so far, a TableBlock for each day, and forgets them. The same spans in the same order give the same bytes.
  void Finish(uint64_t block, std::vector<TableBlock>& out);

 private:
  struct Key {
    uint64_t names = 0;  // number of the service, number of the policy
    uint32_t time = 0;   // in units of the resolution
    bool operator==(const Key&) const = default;
  };
  struct Hasher {
    using is_avalanching = void;
    size_t operator()(const Key& key) const;
  };
  struct Row {
    Key key;
    uint64_t spans = 0, bytes = 0;
    double stand_for = 0;
    std::vector<uint32_t> traces;  // DistinctColumn::ElementOf; may repeat until Finish
  };

  uint32_t NumberOf(std::string_view name, uint32_t& last);
  Row& RowOf(const Key& key);
  void MakeCoarser(uint32_t factor);
  void WriteRow(KeptSpansTable& table, const Row& row, uint32_t seconds) const;

  Interner names_;
  uint32_t last_service_ = 0, last_policy_ = 0;               // spans come in runs
  boost::unordered_flat_map<Key, uint32_t, Hasher> numbers_;  // into rows_
  std::vector<Row> rows_;                                     // in order of first appearance
  size_t traces_ = 0;                                         // in all rows
};

}  // namespace sightline::otlp
