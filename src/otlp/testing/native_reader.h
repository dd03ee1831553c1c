// Reads ClickHouse's Native format back, so that tests compare values and not bytes. Knows the types that our tables
// have. Data: Native blocks -> named columns of cells.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sightline::otlp::testing {

// One value. A number is in `number` (two's complement, or the bits of a double); a text in `text`; the elements of an
// array, or of a map key, value, key, value, in `elements`.
struct Cell {
  uint64_t number = 0;
  std::string text;
  std::vector<Cell> elements;

  int64_t Int() const { return static_cast<int64_t>(number); }
  double Double() const;
  std::string Hex() const;  // of the text
  // Of a map: the first entry of `key`, "(none)" if there is none.
  std::string Entry(std::string_view key) const;
  std::vector<std::string> Texts() const;  // of an array of texts
};

struct NativeColumn {
  std::string name, type;
  std::vector<Cell> cells;
};

class NativeBlock {
 public:
  uint64_t rows = 0;
  std::vector<NativeColumn> columns;

  bool Has(std::string_view column) const;
  // Aborts the test with a message if there is no such column or row.
  const Cell& At(std::string_view column, uint64_t row) const;
  const std::vector<Cell>& Column(std::string_view column) const;
};

// Throws std::runtime_error on what is not Native or has bytes left over.
std::vector<NativeBlock> ReadNative(std::string_view bytes);

// The rows of all blocks in one.
NativeBlock ReadNativeRows(std::string_view bytes);

}  // namespace sightline::otlp::testing
