#include "samples.h"

#include <array>
#include <limits>
#include <utility>

namespace otel::testing {
namespace {

constexpr UnixNanos kStart = 1'764'000'000'000'000'001;
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::string_view kNoText = "not \xff\xfe UTF-8";  // a text that is none

const Resource& SampleResource() {
  static const Resource resource{{{"service.name", "samples"}, {"process.pid", 4711}, {"host.arch", "amd64"}},
                                 "https://opentelemetry.io/schemas/1.30.0"};
  return resource;
}

const InstrumentationScope library{"library", "1.2", "https://opentelemetry.io/schemas/1.20.0", {{"of", "the scope"}}};
const InstrumentationScope application{"application", "", "", {}};

constexpr TraceId kTrace{
    {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10}};
constexpr TraceId kOtherTrace{{0xff, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x42}};
constexpr SpanId kParent{{0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7}};
constexpr SpanId kChild{{0xb0, 0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7}};

constexpr std::byte kBytes[] = {std::byte{0}, std::byte{0x7f}, std::byte{0x80}, std::byte{0xff}};
constexpr bool kBools[] = {true, false, true};
constexpr int64_t kInts[] = {0, -1, kMin, std::numeric_limits<int64_t>::max()};
constexpr double kDoubles[] = {0.0, 0.1, -1e300, kInfinity, -kInfinity};
constexpr std::string_view kStrings[] = {"", "plain", "\"quoted\"\n\t\\ \x01", "gr\u00fc\u00df \U0001F44B"};
constexpr Attribute kInner[] = {{"deep", AnyValue(std::span(kInts))}, {"empty", AnyValue()}};
constexpr Attribute kMap[] = {{"a", 1}, {"b", AnyValue(std::span(kInner))}, {"c", kNoText}};
constexpr AnyValue kArray[] = {AnyValue(),
                               AnyValue(true),
                               AnyValue("text"),
                               AnyValue(std::span(kMap)),
                               AnyValue(std::span(kStrings)),
                               AnyValue(std::span<const AnyValue>())};

constexpr Attribute kAllValues[] = {
    {"bool", true},
    {"false", false},
    {"int", -42},
    {"zero", 0},
    {"smallest", kMin},
    {"double", 0.1},
    {"whole", 3.0},
    {"infinite", kInfinity},
    {"string", "gr\u00fc\u00df \U0001F44B \"quoted\"\n"},
    {"empty string", ""},
    {"no text", kNoText},
    {"bytes", AnyValue(std::span(kBytes))},
    {"bools", AnyValue(std::span(kBools))},
    {"ints", AnyValue(std::span(kInts))},
    {"doubles", AnyValue(std::span(kDoubles))},
    {"strings", AnyValue(std::span(kStrings))},
    {"no strings", std::span<const std::string_view>()},
    {"array", AnyValue(std::span(kArray))},
    {"map", AnyValue(std::span(kMap))},
    {"no map", std::span<const Attribute>()},
    {"nothing", AnyValue()},
};
constexpr Attribute kFewValues[] = {{"key", "value"}, {"n", 1}};
constexpr AttributesView kAll{std::span<const Attribute>(kAllValues)}, kFew{std::span<const Attribute>(kFewValues)};

SpanContext Context(TraceId trace, SpanId span, uint8_t flags, bool is_remote = false) {
  return {.trace_id = trace, .span_id = span, .flags = {flags}, .is_remote = is_remote, .state = {}};
}

std::array<SpanData, 3> MakeSpans() {
  static const std::array<SpanEvent, 2> events = {
      SpanEvent{.time = kStart + 1, .name = "exception", .attributes = kFew, .dropped_attributes = 7},
      SpanEvent{.time = kStart + 2, .name = "", .attributes = {}, .dropped_attributes = 0}};
  static const std::array<SpanLink, 2> links = {
      SpanLink{.context = Context(kOtherTrace, kChild, 1, true), .attributes = kFew, .dropped_attributes = 3},
      SpanLink{.context = Context(kTrace, kChild, 0), .attributes = {}, .dropped_attributes = 0}};
  const SpanData full{.context = Context(kTrace, kChild, 3),
                      .parent = Context(kTrace, kParent, 1, true),
                      .name = "GET /search \u2713",
                      .kind = SpanKind::kServer,
                      .start = kStart,
                      .end = kStart + 1'500'000,
                      .attributes = kAll,
                      .events = events,
                      .links = links,
                      .dropped_attributes = 1,
                      .dropped_events = 200,
                      .dropped_links = 70'000,
                      .status = StatusCode::kError,
                      .status_description = "broken \xff pipe",
                      .scope = &library};
  const SpanData root{.context = Context(kTrace, kParent, 1),
                      .parent = {},
                      .name = "root",
                      .kind = SpanKind::kClient,
                      .start = kStart - 1000,
                      .end = kStart + 2'000'000,
                      .attributes = {},
                      .events = {},
                      .links = {},
                      .status = StatusCode::kOk,
                      .status_description = {},
                      .scope = &application};
  SpanData bare = root;
  bare.context.span_id = {{1}};
  bare.parent = Context(kTrace, kParent, 1);
  bare.kind = SpanKind::kInternal;
  bare.status = StatusCode::kUnset;
  bare.scope = &library;
  return {full, root, bare};
}

std::array<LogData, 3> MakeLogs() {
  const LogData full{.time = kStart,
                     .observed_time = kStart + 5,
                     .severity = Severity::kError,
                     .severity_text = "error",
                     .event_name = "search.failed",
                     .body = AnyValue(std::span(kAllValues)),
                     .attributes = kFew,
                     .dropped_attributes = 2,
                     .trace_id = kTrace,
                     .span_id = kChild,
                     .flags = {1},
                     .scope = &library};
  const LogData text{.time = kStart + 1,
                     .observed_time = kStart + 1,
                     .severity = Severity::kInfo,
                     .severity_text = {},
                     .event_name = {},
                     .body = "something happened",
                     .attributes = kAll,
                     .trace_id = {},
                     .span_id = {},
                     .flags = {},
                     .scope = &application};
  LogData bare = text;
  bare.time = 0;
  bare.severity = Severity::kUnset;
  bare.body = {};
  bare.attributes = {};
  return {full, text, bare};
}

MetricPoint Point(std::initializer_list<Attribute> attributes, UnixNanos start) {
  return {.attributes = attributes, .start = start, .time = kStart + 60, .exemplars = {}};
}

MetricPoint PointWithExemplars() {
  MetricPoint point = Point({{"route", "/search"}, {"code", 200}}, kStart);
  point.exemplars = {
      {.time = kStart + 3, .value = 0.25, .trace_id = kTrace, .span_id = kChild, .filtered_attributes = {}},
      {.time = kStart + 4,
       .value = int64_t{-7},
       .trace_id = {},
       .span_id = {},
       .filtered_attributes = {{"user", "u1"}}}};
  return point;
}

std::vector<MetricData> MakeNumbers() {
  const GaugeData ints{{{Point({}, 0), int64_t{0}}, {Point({{"a", "b"}}, 0), kMin}}};
  const GaugeData doubles{{{Point({}, 0), 0.0}, {Point({{"a", "b"}}, 0), -1.5}}};
  const SumData counter{{{PointWithExemplars(), int64_t{3}}}, Temporality::kDelta, true};
  const SumData up_down{{{Point({}, kStart), -2.5}}, Temporality::kCumulative, false};
  return {{"a.gauge", "of \u2713 integers", "{item}", ints},
          {"b.gauge", "", "", doubles},
          {"a.counter", "what is counted", "1", counter},
          {"an.up_down_counter", "", "By", up_down},
          {"an.empty.gauge", "", "", GaugeData{}}};
}

std::vector<MetricData> MakeHistograms() {
  HistogramPoint full{PointWithExemplars()};
  full.count = 6;
  full.sum = 12.5;
  full.min = 0.0;
  full.max = 10.0;
  full.bounds = {0.5, 1, 5};
  full.counts = {1, 2, 3, 0};
  HistogramPoint no_buckets{Point({}, kStart)};
  no_buckets.sum = 0.0;
  ExponentialHistogramPoint exponential{PointWithExemplars()};
  exponential.count = 300;
  exponential.sum = -4.5;
  exponential.min = -8.0;
  exponential.max = 1024.0;
  exponential.scale = -3;
  exponential.zero_count = 5;
  exponential.zero_threshold = 1e-9;
  exponential.positive = {.offset = -100'000, .counts = {1, 0, 290}};
  exponential.negative = {.offset = 7, .counts = {4}};
  ExponentialHistogramPoint empty{Point({}, kStart)};
  empty.scale = 20;
  return {{"a.histogram", "", "s", HistogramData{{full, no_buckets}, Temporality::kCumulative}},
          {"an.exponential_histogram", "", "s", ExponentialHistogramData{{exponential, empty}, Temporality::kDelta}}};
}

template <typename T, size_t kSize>
std::array<const T*, kSize> PointersTo(const std::array<T, kSize>& items) {
  std::array<const T*, kSize> pointers;
  for (size_t i = 0; i < kSize; ++i) pointers[i] = &items[i];
  return pointers;
}

}  // namespace

const SpanBatch& SampleSpans() {
  static const auto spans = MakeSpans();
  static const auto pointers = PointersTo(spans);
  static const SpanBatch batch{SampleResource(), pointers};
  return batch;
}

const LogBatch& SampleLogs() {
  static const auto records = MakeLogs();
  static const auto pointers = PointersTo(records);
  static const LogBatch batch{SampleResource(), pointers};
  return batch;
}

const MetricBatch& SampleMetrics() {
  static const MetricBatch batch{SampleResource(), {{&library, MakeNumbers()}, {&application, MakeHistograms()}}};
  return batch;
}

}  // namespace otel::testing
