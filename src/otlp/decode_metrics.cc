// Metric messages -> metric_series and the tables of the four kinds of points.
#include <algorithm>
#include <array>
#include <bit>

#include "otlp/decode.h"
#include "otlp/series.h"
#include "otlp/wire_fields.h"

namespace sightline::otlp {
namespace {

struct NumberValue {
  double value = 0;
  int64_t residual = 0;
  bool is_int = false;
};

// The nearest double below 2^63, where rounding would go beyond what toInt64 takes back.
constexpr double kInt64TopDouble = 9223372036854774784.0;

NumberValue FromInt(int64_t number) {
  double value = static_cast<double>(number);
  if (value >= 0x1p63) value = kInt64TopDouble;
  return {value, number - static_cast<int64_t>(value), true};
}

// What the messages of all kinds of points have in common, under different field numbers.
struct PointFields {
  uint32_t attributes = 0, exemplars = 0, flags = 0;
};
constexpr PointFields kNumberFields = {field::number_data_point::kAttributes, field::number_data_point::kExemplars,
                                       field::number_data_point::kFlags};
constexpr PointFields kHistogramFields = {field::histogram_data_point::kAttributes,
                                          field::histogram_data_point::kExemplars, field::histogram_data_point::kFlags};
constexpr PointFields kExponentialFields = {field::exponential_histogram_data_point::kAttributes,
                                            field::exponential_histogram_data_point::kExemplars,
                                            field::exponential_histogram_data_point::kFlags};
constexpr PointFields kSummaryFields = {field::summary_data_point::kAttributes, 0, field::summary_data_point::kFlags};

struct Point {
  uint64_t start = 0, time = 0;
  uint32_t flags = 0;
  std::vector<std::string_view> attributes, exemplars;

  void Read(std::string_view message, const PointFields& numbers);
};

void Point::Read(std::string_view message, const PointFields& numbers) {
  start = time = 0;
  flags = 0;
  attributes.clear();
  exemplars.clear();
  for (FieldReader fields(message); fields.Next();) {
    const uint32_t tag = fields.tag();
    if (tag == numbers.attributes) {
      attributes.push_back(fields.bytes());
    } else if (tag == field::data_point::kTimeUnixNano) {
      time = fields.Uint();
    } else if (tag == field::data_point::kStartTimeUnixNano) {
      start = fields.Uint();
    } else if (tag == numbers.exemplars && numbers.exemplars != 0) {
      exemplars.push_back(fields.bytes());
    } else if (tag == numbers.flags) {
      flags = fields.Uint32();
    }
  }
}

// Thread: writer of the signal.
class MetricsBuilder final : public BuilderBase {
 public:
  explicit MetricsBuilder(Options options)
      : BuilderBase(std::move(options)), series_(options_.limits, options_.remembered_sets_max, options_.series_limit) {}

  void Append(std::string_view request, const Scan& scan, const ItemRef& item, int64_t received_unix_nanos,
              const SpanStanding& standing) override;
  std::vector<TableBlock> Finish(uint64_t block) override;

  void ReleaseMemory() override {
    numbers_.ReleaseMemory();
    histograms_.ReleaseMemory();
    exponential_histograms_.ReleaseMemory();
    summaries_.ReleaseMemory();
  }

  void ForgetWrittenSets() override {
    sets_.ForgetWritten();
    series_.ForgetWritten();
  }

 private:
  size_t ColumnBytesNow() const override {
    return numbers_.bytes() + histograms_.bytes() + exponential_histograms_.bytes() + summaries_.bytes() +
           series_.table().bytes();
  }
  size_t DayTables() const override {
    return numbers_.days() + histograms_.days() + exponential_histograms_.days() + summaries_.days();
  }
  void AppendPoint(std::string_view message, const ItemTimes& times, const ScopeContext& context);
  // The table of the point's day, with the columns filled that all kinds have.
  template <typename T>
  T& StartRow(DailyTables<T>& tables, const ItemTimes& times, Marks& marks);
  template <typename T>
  void EndRow(T& table, const ItemTimes& times, Marks& marks, int64_t time);
  void WriteExemplars(ExemplarColumns& columns, uint64_t row, const ItemTimes& times, int64_t point_time, Marks& marks);
  void WriteExemplar(std::string_view message, ExemplarColumns& columns, const ItemTimes& times, int64_t point_time,
                     Marks& marks);

  void WriteNumber(NumberPointsTable& table, std::string_view message);
  void WriteHistogram(HistogramsTable& table, std::string_view message);
  void WriteExponentialHistogram(ExponentialHistogramsTable& table, std::string_view message);
  void WriteSummary(SummariesTable& table, std::string_view message);

  DailyTables<NumberPointsTable> numbers_;
  DailyTables<HistogramsTable> histograms_;
  DailyTables<ExponentialHistogramsTable> exponential_histograms_;
  DailyTables<SummariesTable> summaries_;
  mutable SeriesIndex series_;
  MetricHeader metric_;
  Point point_;
  SeriesRef point_series_;
  std::vector<std::string_view> key_values_;
};

void MetricsBuilder::Append(std::string_view request, const Scan& scan, const ItemRef& item,
                            int64_t received_unix_nanos, const SpanStanding& standing) {
  const ItemTimes times(received_unix_nanos, options_.future_nanos_max);
  const ScopeContext& context = sets_.For(request, scan.scopes[item.scope], received_unix_nanos);
  metric_.Read(item.message.In(request));
  series_.StartMetric(metric_, context, scan.scopes[item.scope].resource.In(request));
  auto refused = std::lower_bound(scan.refused.begin(), scan.refused.end(), item.first_ordinal);
  uint32_t ordinal = item.first_ordinal;
  for (FieldReader fields(metric_.data); fields.Next();) {
    if (fields.tag() != field::metric_data::kDataPoints) continue;
    if (refused != scan.refused.end() && *refused == ordinal) {
      ++refused;
    } else {
      AppendPoint(fields.bytes(), times, context);
      Added(1, fields.bytes().size());
    }
    ++ordinal;
  }
}

template <typename T>
T& MetricsBuilder::StartRow(DailyTables<T>& tables, const ItemTimes& times, Marks& marks) {
  const int64_t time = times.Mend(point_.time, times.received, marks);
  T& table = tables.For(DayOf(time));
  table.series_id.Append(point_series_.id);
  table.timestamp.Append(time);
  bool clamped = false;
  const int64_t start = times.Clamp(point_.start, clamped);  // 0 stays: unknown
  if (clamped) marks.Set(Marks::kTimeClamped);
  table.start_timestamp.Append(start);
  if (point_.flags != 0) table.flags.Set(table.rows(), point_.flags);
  return table;
}

template <typename T>
void MetricsBuilder::EndRow(T& table, const ItemTimes& times, Marks& marks, int64_t time) {
  WriteExemplars(table.exemplars, table.rows(), times, time, marks);
  if (marks.any()) [[unlikely]] {
    // A point has no attributes of its own (they make its series), so what was sent stands among the marks.
    std::string extra;
    if (point_.time != 0 && point_.time != static_cast<uint64_t>(time)) {
      extra.append(kOriginalTime).append("=").append(std::to_string(point_.time));
    }
    WriteMarks(marks, extra, table.repairs, table.rows());
  }
  table.EndRow();
}

void MetricsBuilder::AppendPoint(std::string_view message, const ItemTimes& times, const ScopeContext& context) {
  static constexpr const PointFields* kFields[] = {&kNumberFields,    &kNumberFields,      &kNumberFields,
                                                   &kHistogramFields, &kExponentialFields, &kSummaryFields};
  point_.Read(message, *kFields[static_cast<size_t>(metric_.type)]);
  point_series_ = series_.Find(point_.attributes, times.received);
  Marks marks = context.marks;
  marks.Merge(point_series_.marks);
  switch (metric_.type) {
    case MetricType::kNone:
      break;
    case MetricType::kGauge:
    case MetricType::kSum: {
      NumberPointsTable& table = StartRow(numbers_, times, marks);
      WriteNumber(table, message);
      EndRow(table, times, marks, table.timestamp.at(table.rows()));
      break;
    }
    case MetricType::kHistogram: {
      HistogramsTable& table = StartRow(histograms_, times, marks);
      WriteHistogram(table, message);
      EndRow(table, times, marks, table.timestamp.at(table.rows()));
      break;
    }
    case MetricType::kExponentialHistogram: {
      ExponentialHistogramsTable& table = StartRow(exponential_histograms_, times, marks);
      WriteExponentialHistogram(table, message);
      EndRow(table, times, marks, table.timestamp.at(table.rows()));
      break;
    }
    case MetricType::kSummary: {
      SummariesTable& table = StartRow(summaries_, times, marks);
      WriteSummary(table, message);
      EndRow(table, times, marks, table.timestamp.at(table.rows()));
      break;
    }
  }
}

void MetricsBuilder::WriteNumber(NumberPointsTable& table, std::string_view message) {
  NumberValue number;
  for (FieldReader fields(message); fields.Next();) {
    if (fields.tag() == field::number_data_point::kAsDouble) number = {fields.Double(), 0, false};
    if (fields.tag() == field::number_data_point::kAsInt) number = FromInt(fields.Int());
  }
  table.value.Append(number.value);
  table.is_int.Append(number.is_int ? 1 : 0);
  if (number.residual != 0) table.int_residual.Set(table.rows(), number.residual);
}

void MetricsBuilder::WriteHistogram(HistogramsTable& table, std::string_view message) {
  const uint64_t row = table.rows();
  Numbers64& counts = table.bucket_counts.elements();
  Doubles& bounds = table.explicit_bounds.elements();
  uint64_t count = 0;
  double sum = 0, min = 0, max = 0;
  uint8_t has = 0;
  auto bound = [&](uint64_t bits) { bounds.Append(std::bit_cast<double>(bits)); };
  for (FieldReader fields(message); fields.Next();) {
    switch (fields.tag()) {
      case field::histogram_data_point::kCount:
        count = fields.Uint();
        break;
      case field::histogram_data_point::kSum:
        sum = fields.Double(), has |= kHasSum;
        break;
      case field::histogram_data_point::kMin:
        min = fields.Double(), has |= kHasMin;
        break;
      case field::histogram_data_point::kMax:
        max = fields.Double(), has |= kHasMax;
        break;
      case field::histogram_data_point::kBucketCounts:
        ForEachPackedFixed64(fields.bytes(), [&](uint64_t value) { counts.Append(value); });
        break;
      case field::histogram_data_point::kBucketCountsUnpacked:
        counts.Append(fields.Uint());
        break;
      case field::histogram_data_point::kExplicitBounds:
        ForEachPackedFixed64(fields.bytes(), bound);
        break;
      case field::histogram_data_point::kExplicitBoundsUnpacked:
        bound(fields.Uint());
        break;
      default:
        break;
    }
  }
  table.count.Append(count);
  table.sum.Append(sum);
  table.min.Append(min);
  table.max.Append(max);
  table.has.Append(has);
  table.bucket_counts.Close(row);
  table.explicit_bounds.Close(row);
}

// Appends the bucket counts, returns the offset.
int32_t ReadBuckets(std::string_view message, Numbers64& counts) {
  int32_t offset = 0;
  for (FieldReader fields(message); fields.Next();) {
    switch (fields.tag()) {
      case field::buckets::kOffset:
        offset = fields.Sint32();
        break;
      case field::buckets::kBucketCounts:
        ForEachPackedVarint(fields.bytes(), [&](uint64_t value) { counts.Append(value); });
        break;
      case field::buckets::kBucketCountsUnpacked:
        counts.Append(fields.Uint());
        break;
      default:
        break;
    }
  }
  return offset;
}

void MetricsBuilder::WriteExponentialHistogram(ExponentialHistogramsTable& table, std::string_view message) {
  using namespace field::exponential_histogram_data_point;
  const uint64_t row = table.rows();
  uint64_t count = 0, zero_count = 0;
  double sum = 0, min = 0, max = 0, zero_threshold = 0;
  int32_t scale = 0;
  uint8_t has = 0;
  std::string_view positive, negative;
  for (FieldReader fields(message); fields.Next();) {
    switch (fields.tag()) {
      case kCount:
        count = fields.Uint();
        break;
      case kSum:
        sum = fields.Double(), has |= kHasSum;
        break;
      case kScale:
        scale = fields.Sint32();
        break;
      case kZeroCount:
        zero_count = fields.Uint();
        break;
      case kPositive:
        positive = fields.bytes();
        break;
      case kNegative:
        negative = fields.bytes();
        break;
      case kMin:
        min = fields.Double(), has |= kHasMin;
        break;
      case kMax:
        max = fields.Double(), has |= kHasMax;
        break;
      case kZeroThreshold:
        zero_threshold = fields.Double();
        break;
      default:
        break;
    }
  }
  table.count.Append(count);
  table.sum.Append(sum);
  table.min.Append(min);
  table.max.Append(max);
  table.has.Append(has);
  table.scale.Append(scale);
  table.zero_count.Append(zero_count);
  table.zero_threshold.Append(zero_threshold);
  table.positive_offset.Append(ReadBuckets(positive, table.positive_bucket_counts.elements()));
  table.positive_bucket_counts.Close(row);
  table.negative_offset.Append(ReadBuckets(negative, table.negative_bucket_counts.elements()));
  table.negative_bucket_counts.Close(row);
}

void MetricsBuilder::WriteSummary(SummariesTable& table, std::string_view message) {
  uint64_t count = 0;
  double sum = 0;
  for (FieldReader fields(message); fields.Next();) {
    switch (fields.tag()) {
      case field::summary_data_point::kCount:
        count = fields.Uint();
        break;
      case field::summary_data_point::kSum:
        sum = fields.Double();
        break;
      case field::summary_data_point::kQuantileValues: {
        double quantile = 0, value = 0;
        for (FieldReader parts(fields.bytes()); parts.Next();) {
          if (parts.tag() == field::value_at_quantile::kQuantile) quantile = parts.Double();
          if (parts.tag() == field::value_at_quantile::kValue) value = parts.Double();
        }
        table.quantile.elements().Append(quantile);
        table.quantile_value.elements().Append(value);
        break;
      }
      default:
        break;
    }
  }
  table.count.Append(count);
  table.sum.Append(sum);
  table.quantile.Close(table.rows());
}

void MetricsBuilder::WriteExemplars(ExemplarColumns& columns, uint64_t row, const ItemTimes& times, int64_t point_time,
                                    Marks& marks) {
  if (point_.exemplars.empty()) return;
  for (const std::string_view exemplar : point_.exemplars) WriteExemplar(exemplar, columns, times, point_time, marks);
  columns.timestamp.Close(row);
}

void MetricsBuilder::WriteExemplar(std::string_view message, ExemplarColumns& columns, const ItemTimes& times,
                                   int64_t point_time, Marks& marks) {
  const uint64_t element = columns.timestamp.elements().rows();
  uint64_t time = 0;
  double value = 0;
  bool is_int = false;
  std::string_view span_id, trace_id;
  key_values_.clear();
  for (FieldReader fields(message); fields.Next();) {
    switch (fields.tag()) {
      case field::exemplar::kTimeUnixNano:
        time = fields.Uint();
        break;
      case field::exemplar::kAsDouble:
        value = fields.Double(), is_int = false;
        break;
      case field::exemplar::kAsInt:
        value = static_cast<double>(fields.Int()), is_int = true;
        break;
      case field::exemplar::kSpanId:
        span_id = fields.bytes();
        break;
      case field::exemplar::kTraceId:
        trace_id = fields.bytes();
        break;
      case field::exemplar::kFilteredAttributes:
        key_values_.push_back(fields.bytes());
        break;
      default:
        break;
    }
  }
  columns.timestamp.elements().Append(times.Mend(time, point_time, marks));
  columns.value.elements().Append(value);
  columns.is_int.elements().Append(is_int ? 1 : 0);
  columns.span_id.elements().Set(element, IdOrNone(span_id, 8, marks));
  columns.trace_id.elements().Set(element, IdOrNone(trace_id, 16, marks));
  attributes_.Write(key_values_, element, {columns.filtered_attributes.elements(), columns.attribute_types.elements()},
                    marks);
}

std::vector<TableBlock> MetricsBuilder::Finish(uint64_t block) {
  std::vector<TableBlock> out;
  FinishSets(out);
  FinishTable(series_.table(), block, out);
  const uint64_t overflowed = series_.TakeOverflowedPoints();
  if (options_.series_limit != nullptr && block != kNoBlock) options_.series_limit->AddOverflowedPoints(overflowed);
  numbers_.Finish(block, out);
  histograms_.Finish(block, out);
  exponential_histograms_.Finish(block, out);
  summaries_.Finish(block, out);
  Reset();
  return out;
}

}  // namespace

std::unique_ptr<BlockBuilder> CreateMetricsBuilder(BlockBuilder::Options options) {
  return std::make_unique<MetricsBuilder>(std::move(options));
}

}  // namespace sightline::otlp
