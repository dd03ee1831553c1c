// Spans in which a model predicted something -> a compact record of each, taken before any sampling: what was
// predicted, by which version, from which features. Data: one Add for each span that may be one -> at Finish the rows
// of the table predictions for one block. Fed by the builders of traces (everything is kept) and of span metrics (spans
// wait for a decision), so that a record is exactly once for the same reason as a call is.
// docs/adr/015-predictions.md has the reasons.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "otlp/attribute_columns.h"
#include "otlp/block_builder.h"
#include "otlp/block_builder_tables.h"
#include "otlp/prediction_rules.h"

namespace sightline::otlp {

// Nullable(T): which rows are NULL, then the values.
template <typename T>
class NullableColumn final : public Column {
 public:
  void Append(std::optional<T> value) {
    nulls_.Append(value ? 0 : 1);
    values_.Append(value.value_or(T{}));
  }
  uint64_t rows() const override { return nulls_.rows(); }
  void PadTo(uint64_t rows) override {
    while (this->rows() < rows) Append(std::nullopt);
  }
  size_t bytes() const override { return nulls_.bytes() + values_.bytes(); }
  size_t capacity() const override { return nulls_.capacity() + values_.capacity(); }
  void WriteData(std::string& out) const override {
    nulls_.WriteData(out);
    values_.WriteData(out);
  }
  void Clear() override {
    nulls_.Clear();
    values_.Clear();
  }

 private:
  Numbers8 nulls_;
  NumberColumn<T> values_;
};

struct PredictionsTable final : Table {
  static constexpr std::string_view kName = "predictions";
  PredictionsTable();

  Times timestamp;
  FixedStringColumn<16> trace_id;
  FixedStringColumn<8> span_id;
  LowCardinalityColumn service_name, span_name, status_code;
  Numbers64 duration;
  LowCardinalityColumn model, version;
  StringColumn prediction_id;
  NullableColumn<double> score, confidence;
  NullableColumn<int64_t> rank;
  MapColumn features;
  LowCardinalityColumn feature_types;
  Doubles adjusted_count;
};

// Thread: of its owner.
class Predictions {
 public:
  // Both must outlive it.
  Predictions(const std::vector<PredictionRule>& rules, TextMender& mender) : rules_(rules), mender_(mender) {}

  struct Span {
    std::string_view trace_id, span_id;  // bytes
    std::string_view name;               // as it was sent
    std::string_view service_name;       // clean
    std::string_view status;             // "Unset", "Ok", "Error"
    int64_t start_unix_nanos = 0;
    uint64_t duration_nanos = 0;
    double weight = 1;                             // SpanWeight
    std::span<const std::string_view> attributes;  // KeyValue messages
  };

  // Adds a row if the span meets a rule. The first that it meets counts.
  void Add(const Span& span, AttributeWriter& attributes);

  size_t bytes() const { return tables_.bytes(); }
  size_t days() const { return tables_.days(); }
  void Finish(uint64_t block, std::vector<TableBlock>& out) { tables_.Finish(block, out); }
  void ReleaseMemory() { tables_.ReleaseMemory(); }

 private:
  const PredictionRule* RuleOf(const Span& span) const;
  void ReadAttributes(std::span<const std::string_view> key_values);
  const AttributeValue* Find(const std::vector<std::string>& keys) const;
  std::string_view TextOf(const std::vector<std::string>& keys, Marks& marks);

  const std::vector<PredictionRule>& rules_;
  TextMender& mender_;
  DailyTables<PredictionsTable> tables_;
  std::vector<Attribute> read_;             // of the span that is added
  std::vector<std::string_view> features_;  // its KeyValue messages that are features
};

}  // namespace sightline::otlp
