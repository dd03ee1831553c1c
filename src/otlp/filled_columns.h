// Which of a span's columns hold something, so that a reader of whole spans can leave out the others: to the engine an
// empty column costs as much as a full one, mostly in planning, and a span fills few of those that it could.
// Data: a row's columns -> their names, in the row's column FilledColumns.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string_view>
#include <vector>

#include "otlp/columns.h"

namespace sightline::otlp {

// In rows that do not say it: those of schema versions before 4, and of a block with very many different answers.
inline constexpr std::string_view kFilledUnknown = "?";
// Between the names.
inline constexpr char kFilledSeparator = '\n';

// Columns that a row may leave at their type's default, which are then not named. Hot attributes' are.
bool MayBeUnfilled(std::string_view span_column);

// Thread: of its owner.
class FilledColumns {
 public:
  // Of `columns` it names those that may be unfilled; they must outlive it.
  void Watch(const std::vector<NamedColumn>& columns);
  // The row is written: every column that was set for it has it as its last.
  void Write(uint64_t row, LowCardinalityColumn& names);
  void Cleared() { numbers_.clear(); }  // the columns were

 private:
  static constexpr size_t kColumnsMax = 320;  // of which 256 are hot attributes
  using Bits = std::array<uint64_t, kColumnsMax / 64>;
  struct Hash {
    using is_avalanching = void;
    size_t operator()(const Bits& bits) const;
  };
  uint32_t Number(const Bits& bits, LowCardinalityColumn& names);

  std::vector<NamedColumn> columns_;
  boost::unordered_flat_map<Bits, uint32_t, Hash> numbers_;  // of their text in the column
};

}  // namespace sightline::otlp
