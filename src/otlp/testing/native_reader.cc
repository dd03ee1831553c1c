#include "otlp/testing/native_reader.h"

#include <cstring>
#include <memory>
#include <stdexcept>

namespace sightline::otlp::testing {
namespace {

[[noreturn]] void Bad(const std::string& what) {
  throw std::runtime_error("not Native: " + what);
}

class Input {
 public:
  explicit Input(std::string_view bytes) : bytes_(bytes) {}
  bool AtEnd() const { return bytes_.empty(); }
  std::string_view Take(size_t size) {
    if (size > bytes_.size()) Bad("ends early");
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  template <typename T>
  T Number() {
    T value;
    std::memcpy(&value, Take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<uint8_t>(Take(1)[0]);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    Bad("varint");
  }
  std::string String() { return std::string(Take(Varint())); }

 private:
  std::string_view bytes_;
};

// A parsed type: "Array", {inner}; a name without arguments that are types is a leaf.
struct Type {
  std::string name;
  size_t width = 0;  // of numbers and fixed strings
  bool is_signed = false;
  std::vector<Type> arguments;
};

Type ParseType(std::string_view text) {
  const size_t open = text.find('(');
  if (text.starts_with("SimpleAggregateFunction(")) {  // (function, type): as the type
    const size_t comma = text.find(", ");
    return ParseType(text.substr(comma + 2, text.size() - comma - 3));
  }
  Type type;
  type.name = text.substr(0, open);
  if (type.name == "Array" || type.name == "LowCardinality" || type.name == "Nullable") {
    type.arguments.push_back(ParseType(text.substr(open + 1, text.size() - open - 2)));
  } else if (type.name == "Map") {
    const std::string_view inner = text.substr(open + 1, text.size() - open - 2);
    int depth = 0;
    for (size_t i = 0; i < inner.size(); ++i) {
      depth += inner[i] == '(' ? 1 : inner[i] == ')' ? -1 : 0;
      if (inner[i] != ',' || depth != 0) continue;
      type.arguments = {ParseType(inner.substr(0, i)), ParseType(inner.substr(i + 2))};
    }
  } else if (type.name == "FixedString") {
    type.width = std::stoul(std::string(text.substr(open + 1)));
  } else if (text.starts_with("AggregateFunction(uniqCombined(")) {
    type.name = "Distinct";
  } else if (type.name != "String") {
    static const std::map<std::string, std::pair<size_t, bool>> kWidths = {
        {"UInt8", {1, false}},    {"UInt16", {2, false}}, {"Bool", {1, false}}, {"UInt32", {4, false}},
        {"DateTime", {4, false}}, {"Int32", {4, true}},   {"Int64", {8, true}}, {"DateTime64", {8, true}},
        {"UInt64", {8, false}},   {"Float64", {8, false}}};
    const auto found = kWidths.find(type.name);
    if (found == kWidths.end()) Bad("type " + std::string(text));
    type.width = found->second.first;
    type.is_signed = found->second.second;
  }
  return type;
}

void ReadPrefix(const Type& type, Input& in) {
  if (type.name == "LowCardinality" && in.Number<uint64_t>() != 1) Bad("LowCardinality version");
  for (const Type& argument : type.arguments) {
    if (type.name != "LowCardinality") ReadPrefix(argument, in);
  }
}

std::vector<Cell> ReadData(const Type& type, uint64_t rows, Input& in);

std::vector<Cell> ReadLowCardinality(const Type& type, uint64_t rows, Input& in) {
  if (rows == 0) return {};
  const uint64_t flags = in.Number<uint64_t>();
  if ((flags & 1 << 9) == 0 || (flags & 1 << 8) != 0) Bad("LowCardinality flags");
  const uint64_t keys = in.Number<uint64_t>();
  const std::vector<Cell> dictionary = ReadData(type.arguments[0], keys, in);
  if (in.Number<uint64_t>() != rows) Bad("LowCardinality rows");
  std::vector<Cell> cells(rows);
  for (Cell& cell : cells) {
    uint64_t number = 0;
    switch (flags & 0xff) {
      case 0:
        number = in.Number<uint8_t>();
        break;
      case 1:
        number = in.Number<uint16_t>();
        break;
      case 2:
        number = in.Number<uint32_t>();
        break;
      default:
        Bad("LowCardinality width");
    }
    cell = dictionary.at(number);
  }
  return cells;
}

std::vector<Cell> ReadArray(const Type& type, uint64_t rows, Input& in) {
  std::vector<uint64_t> ends(rows);
  for (uint64_t& end : ends) end = in.Number<uint64_t>();
  const uint64_t elements = rows == 0 ? 0 : ends.back();
  std::vector<std::vector<Cell>> parts;  // one for arrays, two for maps
  for (const Type& argument : type.arguments) parts.push_back(ReadData(argument, elements, in));
  std::vector<Cell> cells(rows);
  uint64_t at = 0;
  for (uint64_t row = 0; row < rows; ++row) {
    if (ends[row] < at || ends[row] > elements) Bad("offsets");
    for (; at < ends[row]; ++at) {
      for (std::vector<Cell>& part : parts) cells[row].elements.push_back(std::move(part[at]));
    }
  }
  return cells;
}

// States with elements: kind, how many, 32 bits for each.
std::vector<Cell> ReadDistinct(uint64_t rows, Input& in) {
  std::vector<Cell> cells(rows);
  for (Cell& cell : cells) {
    const auto kind = in.Number<uint8_t>();
    const uint64_t count = in.Varint();
    if (kind != (count <= 16 ? 1 : 2)) Bad("kind of state");
    for (uint64_t i = 0; i < count; ++i)
      cell.elements.push_back({.number = in.Number<uint32_t>(), .text = {}, .elements = {}});
  }
  return cells;
}

// The value is the cell's element; NULL has none.
std::vector<Cell> ReadNullable(const Type& type, uint64_t rows, Input& in) {
  const std::string_view nulls = in.Take(rows);
  std::vector<Cell> values = ReadData(type.arguments[0], rows, in);
  std::vector<Cell> cells(rows);
  for (uint64_t row = 0; row < rows; ++row) {
    if (nulls[row] == 0) cells[row].elements.push_back(std::move(values[row]));
  }
  return cells;
}

std::vector<Cell> ReadData(const Type& type, uint64_t rows, Input& in) {
  if (type.name == "Nullable") return ReadNullable(type, rows, in);
  if (type.name == "Distinct") return ReadDistinct(rows, in);
  if (type.name == "LowCardinality") return ReadLowCardinality(type, rows, in);
  if (type.name == "Array" || type.name == "Map") return ReadArray(type, rows, in);
  std::vector<Cell> cells(rows);
  for (Cell& cell : cells) {
    if (type.name == "String") {
      cell.text = in.String();
    } else if (type.name == "FixedString") {
      cell.text = in.Take(type.width);
    } else {
      std::memcpy(&cell.number, in.Take(type.width).data(), type.width);
      if (type.is_signed && type.width == 4) {
        cell.number = static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(cell.number)));
      }
    }
  }
  return cells;
}

}  // namespace

double Cell::Double() const {
  double value;
  std::memcpy(&value, &number, sizeof value);
  return value;
}

std::string Cell::Hex() const {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : text) {
    hex += kDigits[static_cast<uint8_t>(c) >> 4];
    hex += kDigits[c & 15];
  }
  return hex;
}

std::string Cell::Entry(std::string_view key) const {
  for (size_t i = 0; i + 1 < elements.size(); i += 2) {
    if (elements[i].text == key) return elements[i + 1].text;
  }
  return "(none)";
}

std::vector<std::string> Cell::Texts() const {
  std::vector<std::string> texts;
  for (const Cell& cell : elements) texts.push_back(cell.text);
  return texts;
}

bool NativeBlock::Has(std::string_view column) const {
  for (const NativeColumn& candidate : columns) {
    if (candidate.name == column) return true;
  }
  return false;
}

const std::vector<Cell>& NativeBlock::Column(std::string_view column) const {
  for (const NativeColumn& candidate : columns) {
    if (candidate.name == column) return candidate.cells;
  }
  Bad("no column " + std::string(column));
}

const Cell& NativeBlock::At(std::string_view column, uint64_t row) const {
  return Column(column).at(row);
}

std::vector<NativeBlock> ReadNative(std::string_view bytes) {
  std::vector<NativeBlock> blocks;
  for (Input in(bytes); !in.AtEnd();) {
    NativeBlock& block = blocks.emplace_back();
    const uint64_t columns = in.Varint();
    block.rows = in.Varint();
    for (uint64_t i = 0; i < columns; ++i) {
      NativeColumn& column = block.columns.emplace_back();
      column.name = in.String();
      column.type = in.String();
      const Type type = ParseType(column.type);
      ReadPrefix(type, in);
      column.cells = ReadData(type, block.rows, in);
    }
  }
  return blocks;
}

NativeBlock ReadNativeRows(std::string_view bytes) {
  std::vector<NativeBlock> blocks = ReadNative(bytes);
  if (blocks.empty()) return {};
  for (size_t i = 1; i < blocks.size(); ++i) {
    blocks[0].rows += blocks[i].rows;
    for (size_t c = 0; c < blocks[0].columns.size(); ++c) {
      for (Cell& cell : blocks[i].columns.at(c).cells) blocks[0].columns[c].cells.push_back(std::move(cell));
    }
  }
  return std::move(blocks[0]);
}

}  // namespace sightline::otlp::testing
