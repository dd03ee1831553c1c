// Column builders whose buffers already have the layout of ClickHouse's Native format, so that writing a block is
// concatenation. Data: values -> column buffers -> one Native block (WriteBlock).
//
// Layout of a column in a Native block: name, type, then the state prefixes of all its substreams, then the data. Only
// LowCardinality has a prefix (key version 1, 8 bytes); it stands before the offsets of the arrays and maps around it.
//
// Columns are filled sparsely: a column that got no value for some rows is padded with its type's default (0, '', [])
// when it next gets one and at the end. So an absent attribute costs nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "otlp/columns_buffer.h"

namespace sightline::otlp {

// 64-bit hash of a text; attribute keys are hashed once for the hot columns and for interning alike.
uint64_t HashText(std::string_view text);

// Thread: of its owner, as all classes below.
class Column {
 public:
  virtual ~Column() = default;
  virtual uint64_t rows() const = 0;
  virtual void PadTo(uint64_t rows) = 0;  // with defaults; no effect when there are as many already
  virtual size_t bytes() const = 0;       // about what Write will add
  virtual size_t capacity() const = 0;    // held in memory
  virtual void WritePrefix(std::string& out) const {}
  virtual void WriteData(std::string& out) const = 0;  // nothing when there are no rows
  virtual void Clear() = 0;                            // keeps the memory
};

template <typename T>
class NumberColumn final : public Column {
 public:
  void Append(T value) { buffer_.AppendNumber(value); }
  T at(uint64_t row) const {
    T value;
    std::memcpy(&value, buffer_.data() + row * sizeof(T), sizeof(T));
    return value;
  }
  // For row number `row`: pads the rows before it.
  void Set(uint64_t row, T value) {
    PadTo(row);
    Append(value);
  }
  uint64_t rows() const override { return buffer_.size() / sizeof(T); }
  void PadTo(uint64_t rows) override {
    if (rows > this->rows()) buffer_.AppendZeros((rows - this->rows()) * sizeof(T));
  }
  size_t bytes() const override { return buffer_.size(); }
  size_t capacity() const override { return buffer_.capacity(); }
  void WriteData(std::string& out) const override { out.append(buffer_.view()); }
  void Clear() override { buffer_.clear(); }

 private:
  Buffer buffer_;
};

// The same value in every row, known only at the end (Block).
template <typename T>
class ConstantColumn final : public Column {
 public:
  explicit ConstantColumn(T value = T{}) : value_(value) {}
  void set_value(T value) { value_ = value; }
  uint64_t rows() const override { return rows_; }
  void PadTo(uint64_t rows) override { rows_ = rows; }
  size_t bytes() const override { return rows_ * sizeof(T); }
  size_t capacity() const override { return 0; }
  void WriteData(std::string& out) const override {
    const size_t begin = out.size();
    out.resize(begin + rows_ * sizeof(T));
    char* place = out.data() + begin;
    for (uint64_t row = 0; row < rows_; ++row) std::memcpy(place + row * sizeof(T), &value_, sizeof(T));
  }
  void Clear() override { rows_ = 0; }

 private:
  T value_;
  uint64_t rows_ = 0;
};

template <size_t N>
class FixedStringColumn final : public Column {
 public:
  // A value of another length is stored as zeros, which mean "none" for ids.
  void Set(uint64_t row, std::string_view value) {
    if (value.size() != N) return;
    PadTo(row);
    std::memcpy(buffer_.Extend(N), value.data(), N);
  }
  uint64_t rows() const override { return buffer_.size() / N; }
  void PadTo(uint64_t rows) override {
    if (rows > this->rows()) buffer_.AppendZeros((rows - this->rows()) * N);
  }
  size_t bytes() const override { return buffer_.size(); }
  size_t capacity() const override { return buffer_.capacity(); }
  void WriteData(std::string& out) const override { out.append(buffer_.view()); }
  void Clear() override { buffer_.clear(); }

 private:
  Buffer buffer_;
};

class StringColumn final : public Column {
 public:
  void Append(std::string_view text) {
    buffer_.AppendString(text);
    ++rows_;
  }
  void Set(uint64_t row, std::string_view text) {
    PadTo(row);
    Append(text);
  }
  uint64_t rows() const override { return rows_; }
  void PadTo(uint64_t rows) override {
    if (rows <= rows_) return;
    buffer_.AppendZeros(rows - rows_);  // an empty string is the byte 0
    rows_ = rows;
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

// Texts numbered in order of first appearance; number 0 is always the empty text. Open addressing over 64-bit hashes.
class Interner {
 public:
  static constexpr uint32_t kAbsent = UINT32_MAX;

  Interner() { Clear(); }
  uint32_t Find(std::string_view text, uint64_t hash) const;  // kAbsent
  uint32_t Insert(std::string_view text, uint64_t hash);      // what Find did not find
  uint32_t Intern(std::string_view text, uint64_t hash);
  uint32_t Intern(std::string_view text) { return text.empty() ? 0 : Intern(text, HashText(text)); }
  uint32_t size() const { return static_cast<uint32_t>(entries_.size()); }
  std::string_view at(uint32_t number) const { return {keys_.data() + entries_[number].offset, entries_[number].size}; }
  const Buffer& keys() const { return keys_; }  // as String values, one after the other
  size_t capacity() const { return keys_.capacity() + entries_.capacity() * sizeof(Entry) + slots_.capacity() * 8; }
  void Clear();

 private:
  struct Entry {
    uint64_t hash;
    uint64_t offset;
    uint32_t size;
  };
  struct Slot {
    uint32_t tag;         // upper half of the hash
    uint32_t number_one;  // number + 1, 0: free
  };
  void Grow();

  Buffer keys_;
  std::vector<Entry> entries_;
  std::vector<Slot> slots_;  // a power of two, at most half full
  uint32_t mask_ = 0;
};

// LowCardinality(String).
class LowCardinalityColumn final : public Column {
 public:
  void AppendNumber(uint32_t number) { numbers_.AppendNumber(number); }
  void Append(std::string_view text) { AppendNumber(interner_.Intern(text)); }
  void Set(uint64_t row, std::string_view text) {
    PadTo(row);
    Append(text);
  }
  void SetNumber(uint64_t row, uint32_t number) {
    PadTo(row);
    AppendNumber(number);
  }
  Interner& interner() { return interner_; }
  const Interner& interner() const { return interner_; }
  uint64_t rows() const override { return numbers_.size() / sizeof(uint32_t); }
  void PadTo(uint64_t rows) override {
    if (rows > this->rows()) numbers_.AppendZeros((rows - this->rows()) * sizeof(uint32_t));
  }
  size_t bytes() const override { return interner_.keys().size() + numbers_.size() / 2; }
  size_t capacity() const override { return interner_.capacity() + numbers_.capacity(); }
  void WritePrefix(std::string& out) const override;
  void WriteData(std::string& out) const override;
  void Clear() override;

 private:
  Interner interner_;
  Buffer numbers_;  // 32-bit; written in the smallest width that holds them
};

// Offsets of an array: after each row the number of elements so far. All columns of a Nested share one.
class Offsets {
 public:
  uint64_t rows() const { return ends_.rows(); }
  // Row `row` ends where `elements` elements are there; rows between got none.
  void Close(uint64_t row, uint64_t elements) {
    PadTo(row);
    ends_.Append(elements);
    last_ = elements;
  }
  void PadTo(uint64_t rows) {
    while (ends_.rows() < rows) ends_.Append(last_);
  }
  uint64_t last() const { return last_; }
  const NumberColumn<uint64_t>& ends() const { return ends_; }
  void Clear() {
    ends_.Clear();
    last_ = 0;
  }

 private:
  NumberColumn<uint64_t> ends_;
  uint64_t last_ = 0;
};

// Array(T) over a column of elements. The offsets are its own, or those of its Nested.
template <typename Elements>
class ArrayColumn final : public Column {
 public:
  ArrayColumn() : offsets_(&own_) {}
  explicit ArrayColumn(Offsets* shared) : offsets_(shared) {}
  ArrayColumn(const ArrayColumn&) = delete;
  ArrayColumn& operator=(const ArrayColumn&) = delete;

  Elements& elements() { return elements_; }
  // The elements appended since the last row are row `row`.
  void Close(uint64_t row) { offsets_->Close(row, elements_.rows()); }
  uint64_t rows() const override { return offsets_->rows(); }
  void PadTo(uint64_t rows) override {
    offsets_->PadTo(rows);
    elements_.PadTo(offsets_->last());
  }
  size_t bytes() const override { return offsets_->ends().bytes() + elements_.bytes(); }
  size_t capacity() const override { return own_.ends().capacity() + elements_.capacity(); }
  void WritePrefix(std::string& out) const override { elements_.WritePrefix(out); }
  void WriteData(std::string& out) const override {
    offsets_->ends().WriteData(out);
    elements_.WriteData(out);
  }
  void Clear() override {
    offsets_->Clear();
    elements_.Clear();
  }

 private:
  Offsets own_;
  Offsets* offsets_;
  Elements elements_;
};

// Map(LowCardinality(String), String): an array of pairs.
class MapColumn final : public Column {
 public:
  LowCardinalityColumn& keys() { return keys_; }
  StringColumn& values() { return values_; }
  void Close(uint64_t row) { offsets_.Close(row, values_.rows()); }
  uint64_t rows() const override { return offsets_.rows(); }
  void PadTo(uint64_t rows) override { offsets_.PadTo(rows); }
  size_t bytes() const override { return offsets_.ends().bytes() + keys_.bytes() + values_.bytes(); }
  size_t capacity() const override { return offsets_.ends().capacity() + keys_.capacity() + values_.capacity(); }
  void WritePrefix(std::string& out) const override { keys_.WritePrefix(out); }
  void WriteData(std::string& out) const override;
  void Clear() override;

 private:
  Offsets offsets_;
  LowCardinalityColumn keys_;
  StringColumn values_;
};

// A column with its name and type, in a table's order. The columns are members of the table's struct.
struct NamedColumn {
  std::string name;
  std::string type;
  Column* column;
};

// Pads all columns to `rows` and appends one Native block.
void WriteBlock(const std::vector<NamedColumn>& columns, uint64_t rows, std::string& out);
void ClearColumns(const std::vector<NamedColumn>& columns);
size_t ColumnBytes(const std::vector<NamedColumn>& columns);

}  // namespace sightline::otlp
