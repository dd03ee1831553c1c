#include "otlp/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <limits>

#include "otlp/json_values.h"
#include "otlp/scan.h"
#include "otlp/testing/requests.h"
#include "otlp/wire_fields.h"
#include "otlp/wire_writer.h"

namespace sightline::otlp {
namespace {

using testing::Attribute;
using testing::BoolValue;
using testing::DoubleValue;
using ::testing::HasSubstr;
using testing::Id;
using testing::IntValue;
using testing::Pb;
using testing::StringValue;

std::string MustTranslate(Signal signal, std::string_view json) {
  auto bytes = JsonToProtobuf(signal, json, Limits{});
  EXPECT_TRUE(bytes) << bytes.error().message;
  return bytes ? *bytes : std::string();
}

// The one item of {"resource...": [{"scope...": [{items: [ITEM]}]}]}.
std::string Item(Signal signal, std::string_view item) {
  constexpr std::string_view kNames[][3] = {{"resourceSpans", "scopeSpans", "spans"},
                                            {"resourceMetrics", "scopeMetrics", "metrics"},
                                            {"resourceLogs", "scopeLogs", "logRecords"}};
  const auto& names = kNames[static_cast<size_t>(signal)];
  return fmt::format(R"({{"{}":[{{"{}":[{{"{}":[{}]}}]}}]}})", names[0], names[1], names[2], item);
}

std::string ItemBytes(const Pb& item) {
  return Pb()
      .Message(field::request::kResources,
               Pb().Message(field::resource_items::kScopes, Pb().Message(field::scope_items::kItems, item)))
      .bytes();
}

TEST(Json, SpanHasTheBytesOfItsProtobuf) {
  const std::string json = Item(Signal::kTraces, R"({
      "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "eee19b7ec3c1b174", "parentSpanId": "EEE19b7ec3c1b173",
      "traceState": "a=b", "flags": 257, "name": "I'm a \"span\"\n\u00e9 \ud83d\ude00", "kind": 2,
      "startTimeUnixNano": "1544712660000000000", "endTimeUnixNano": 1544712661000000000,
      "attributes": [{"key": "k", "value": {"stringValue": "v"}}], "droppedAttributesCount": 1,
      "events": [{"timeUnixNano": "1", "name": "e", "attributes": [], "droppedAttributesCount": "2"}],
      "droppedEventsCount": 3, "droppedLinksCount": 4,
      "links": [{"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "flags": 1}],
      "status": {"message": "bad", "code": 2}})");
  const std::string trace_id = HexIdBytes("5b8efff798038103d269b633813fc60c");
  const std::string span_id = HexIdBytes("eee19b7ec3c1b174");
  const Pb span =
      Pb().Bytes(field::span::kTraceId, trace_id)
          .Bytes(field::span::kSpanId, span_id)
          .Bytes(field::span::kParentSpanId, HexIdBytes("eee19b7ec3c1b173"))
          .Bytes(field::span::kTraceState, "a=b")
          .Fixed32(field::span::kFlags, 257)
          .Bytes(field::span::kName, "I'm a \"span\"\n\xc3\xa9 \xf0\x9f\x98\x80")
          .Uint(field::span::kKind, 2)
          .Fixed64(field::span::kStartTimeUnixNano, 1544712660000000000)
          .Fixed64(field::span::kEndTimeUnixNano, 1544712661000000000)
          .Message(field::span::kAttributes, Attribute("k", StringValue("v")))
          .Uint(field::span::kDroppedAttributesCount, 1)
          .Message(field::span::kEvents, Pb().Fixed64(field::event::kTimeUnixNano, 1)
                                             .Bytes(field::event::kName, "e")
                                             .Uint(field::event::kDroppedAttributesCount, 2))
          .Uint(field::span::kDroppedEventsCount, 3)
          .Uint(field::span::kDroppedLinksCount, 4)
          .Message(field::span::kLinks, Pb().Bytes(field::link::kTraceId, trace_id)
                                            .Bytes(field::link::kSpanId, span_id)
                                            .Fixed32(field::link::kFlags, 1))
          .Message(field::span::kStatus, Pb().Bytes(field::status::kMessage, "bad").Uint(field::status::kCode, 2));
  EXPECT_EQ(MustTranslate(Signal::kTraces, json), ItemBytes(span));
}

TEST(Json, EveryKindOfValueHasTheBytesOfItsProtobuf) {
  const Pb array = Pb().Message(field::array_value::kValues, IntValue(1))
                       .Message(field::array_value::kValues, Pb())
                       .Message(field::array_value::kValues, Pb());
  const Pb map = Pb().Message(field::key_value_list::kValues, Attribute("a", BoolValue(true)));
  const struct {
    std::string_view json;
    Pb value;
  } kCases[] = {
      {R"({"stringValue":""})", StringValue("")},
      {R"({"boolValue":false})", BoolValue(false)},
      {R"({"intValue":"-9223372036854775808"})", IntValue(std::numeric_limits<int64_t>::min())},
      {R"({"intValue":7})", IntValue(7)},
      {R"({"intValue":7.0})", IntValue(7)},
      {R"({"intValue":"1e3"})", IntValue(1000)},
      {R"({"doubleValue":-2.5e-3})", DoubleValue(-2.5e-3)},
      {R"({"doubleValue":"2.5"})", DoubleValue(2.5)},
      {R"({"doubleValue":3})", DoubleValue(3)},
      {R"({"doubleValue":"Infinity"})", DoubleValue(std::numeric_limits<double>::infinity())},
      {R"({"doubleValue":"-Infinity"})", DoubleValue(-std::numeric_limits<double>::infinity())},
      {R"({"doubleValue":"NaN"})", DoubleValue(std::numeric_limits<double>::quiet_NaN())},
      {R"({"bytesValue":"AAH+/w=="})", Pb().Bytes(field::any_value::kBytes, std::string_view("\0\1\xfe\xff", 4))},
      {R"({"bytesValue":"AAH-_w"})", Pb().Bytes(field::any_value::kBytes, std::string_view("\0\1\xfe\xff", 4))},
      {R"({"arrayValue":{"values":[{"intValue":"1"},{},null]}})", Pb().Message(field::any_value::kArray, array)},
      {R"({"arrayValue":{}})", Pb().Message(field::any_value::kArray, Pb())},
      {R"({"kvlistValue":{"values":[{"key":"a","value":{"boolValue":true}}]}})",
       Pb().Message(field::any_value::kKvlist, map)},
      {R"({})", Pb()},
      {R"({"stringValue":null})", Pb()},
  };
  for (const auto& test : kCases) {
    const std::string json = Item(Signal::kLogs, fmt::format(R"({{"body":{}}})", test.json));
    EXPECT_EQ(MustTranslate(Signal::kLogs, json), ItemBytes(Pb().Message(field::log_record::kBody, test.value)))
        << test.json;
  }
}

TEST(Json, MetricsOfEveryKindHaveTheBytesOfTheirProtobuf) {
  const std::string exponential = R"({"name":"e","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[
      {"count":"3","sum":1.5,"scale":-1,"zeroCount":1,"zeroThreshold":0.5,"min":0,"max":2,
       "positive":{"offset":-2,"bucketCounts":["1",300]},"negative":{}}]}})";
  const Pb point =
      Pb().Fixed64(field::exponential_histogram_data_point::kCount, 3)
          .Double(field::exponential_histogram_data_point::kSum, 1.5)
          .Uint(field::exponential_histogram_data_point::kScale, 1)
          .Fixed64(field::exponential_histogram_data_point::kZeroCount, 1)
          .Double(field::exponential_histogram_data_point::kZeroThreshold, 0.5)
          .Double(field::exponential_histogram_data_point::kMin, 0)
          .Double(field::exponential_histogram_data_point::kMax, 2)
          .Message(
              field::exponential_histogram_data_point::kPositive,
              Pb().Uint(field::buckets::kOffset, 3).Message(field::buckets::kBucketCounts, Pb().Varint(1).Varint(300)))
          .Message(field::exponential_histogram_data_point::kNegative, Pb());
  EXPECT_EQ(MustTranslate(Signal::kMetrics, Item(Signal::kMetrics, exponential)),
            ItemBytes(Pb().Bytes(field::metric::kName, "e")
                          .Message(field::metric::kExponentialHistogram,
                                   Pb().Uint(field::metric_data::kAggregationTemporality, 2)
                                       .Message(field::metric_data::kDataPoints, point))));

  const std::string histogram = R"({"histogram":{"dataPoints":[{"bucketCounts":["1","0"],"explicitBounds":[1.5],
      "exemplars":[{"asInt":"-3","spanId":"0102030405060708","filteredAttributes":[]}]}]}})";
  const Pb exemplar = Pb().Fixed64(field::exemplar::kAsInt, static_cast<uint64_t>(-3))
                          .Bytes(field::exemplar::kSpanId, "\1\2\3\4\5\6\7\x08");
  Pb counts, bounds;
  counts.Raw(std::string("\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16));
  const double bound = 1.5;
  bounds.Raw({reinterpret_cast<const char*>(&bound), sizeof(bound)});
  EXPECT_EQ(MustTranslate(Signal::kMetrics, Item(Signal::kMetrics, histogram)),
            ItemBytes(Pb().Message(field::metric::kHistogram,
                                   Pb().Message(field::metric_data::kDataPoints,
                                                Pb().Message(field::histogram_data_point::kBucketCounts, counts)
                                                    .Message(field::histogram_data_point::kExplicitBounds, bounds)
                                                    .Message(field::histogram_data_point::kExemplars, exemplar)))));

  const std::string summary =
      R"({"summary":{"dataPoints":[{"count":2,"sum":3,"flags":1,"quantileValues":[{"quantile":0.5,"value":1}]}]}})";
  EXPECT_EQ(MustTranslate(Signal::kMetrics, Item(Signal::kMetrics, summary)),
            ItemBytes(Pb().Message(field::metric::kSummary,
                                   Pb().Message(field::metric_data::kDataPoints,
                                                Pb().Fixed64(field::summary_data_point::kCount, 2)
                                                    .Double(field::summary_data_point::kSum, 3)
                                                    .Uint(field::summary_data_point::kFlags, 1)
                                                    .Message(field::summary_data_point::kQuantileValues,
                                                             Pb().Double(field::value_at_quantile::kQuantile, 0.5)
                                                                 .Double(field::value_at_quantile::kValue, 1))))));
}

TEST(Json, NullUnknownAndEntityFieldsAreSkipped) {
  const std::string json = Item(Signal::kLogs, R"({"body":null,"attributes":null,"severity_number":9,"x":{"y":[[{}]]},
                                                   "severityText":"A","severityText":"B"})");
  EXPECT_EQ(MustTranslate(Signal::kLogs, json),
            ItemBytes(Pb().Bytes(field::log_record::kSeverityText, "A").Bytes(field::log_record::kSeverityText, "B")));
  EXPECT_EQ(MustTranslate(Signal::kLogs, R"({"resourceLogs":[{"resource":{"entityRefs":[{"type":1}]}}]})"),
            Pb().Message(field::request::kResources, Pb().Message(field::resource_items::kResource, Pb())).bytes());
  EXPECT_EQ(MustTranslate(Signal::kLogs, "{}"), "");
  EXPECT_EQ(MustTranslate(Signal::kLogs, " {\"resourceLogs\" : [ ] } \n"), "");
}

TEST(Json, EscapedKeysAreRead) {
  EXPECT_EQ(MustTranslate(Signal::kLogs, R"({"resource\u004cogs":[{}]})"),
            Pb().Message(field::request::kResources, Pb()).bytes());
}

TEST(Json, BadIdsAreRefusedBySpan) {
  for (const std::string_view id :
       {"", "5b8efff798038103d269b633813fc6", "5b8efff798038103d269b633813fc60", "zzzzzzzzzzzzzzzz",
        "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "W47/95gDgQPSabYzgT/GDA==", "00000000000000000000000000000000"}) {
    const std::string json =
        Item(Signal::kTraces, fmt::format(R"({{"traceId":"{}","spanId":"eee19b7ec3c1b174"}})", id));
    auto scan = ScanRequest(Signal::kTraces, MustTranslate(Signal::kTraces, json), Limits{}, TimeRules{});
    ASSERT_TRUE(scan) << id;
    EXPECT_EQ(scan->refused_by_reason[static_cast<size_t>(Refusal::kTraceIdInvalid)], 1u) << id;
  }
}

TEST(Json, FaultsNameTheirPath) {
  const struct {
    std::string_view json, path;
  } kCases[] = {
      {R"({"resourceLogs":{}})", "$.resourceLogs:"},
      {R"({"resourceLogs":[null]})", "$.resourceLogs[0]:"},
      {R"({"resourceLogs":[{},{"scopeLogs":[{"logRecords":[{"severityNumber":"SEVERITY_NUMBER_INFO"}]}]}]})",
       "$.resourceLogs[1].scopeLogs[0].logRecords[0].severityNumber:"},
      {R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":-1}]}]}]})", ".timeUnixNano:"},
      {R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"18446744073709551616"}]}]}]})",
       ".timeUnixNano:"},
      {R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":1.5}]}]}]})", ".timeUnixNano:"},
      {R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"flags":4294967296}]}]}]})", ".flags:"},
      {R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityText":1}]}]}]})", ".severityText:"},
      {R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":"text"}]}]}]})", ".body:"},
      {R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"boolValue":"true"}}]}]}]})", ".body.boolValue:"},
      {R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"bytesValue":"*"}}]}]}]})", ".body.bytesValue:"},
      {R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"doubleValue":"inf"}}]}]}]})", ".body.doubleValue:"},
      {R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"doubleValue":1e999}}]}]}]})", ".body.doubleValue:"},
      {R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"intValue":01}}]}]}]})", ".body.intValue:"},
      {R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"\ud800"}}]}]}]})",
       ".body.stringValue:"},
      {R"({"resourceLogs":[{"schemaUrl":nul}]})", ".schemaUrl:"},
      {R"({"resourceLogs":[{"schemaUrl":"\x"}]})", ".schemaUrl:"},
  };
  for (const auto& test : kCases) {
    auto bytes = JsonToProtobuf(Signal::kLogs, test.json, Limits{});
    ASSERT_FALSE(bytes) << test.json;
    EXPECT_EQ(bytes.error().code, Code::kInvalidArgument);
    EXPECT_THAT(bytes.error().message, HasSubstr(test.path)) << test.json;
  }
}

TEST(Json, SaysInPlainWordsWhatIsWrongWithTheTextItself) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "the body is empty"},
      {"{", "does not end in the brace"},
      {"[]", "an object is wanted, not an array"},
      {"null", "an object is wanted, not null"},
      {"{'a':1}", "the quotes of a name or a text are missing"},
      {R"({"resourceLogs":[]}x)", "brace"},
      {"\xEF\xBB\xBF{}", "a byte order mark"},
      {R"({"resourceLogs":[{"schemaUrl":"\ud800"}]})", "half a surrogate pair"},
      {R"({"resourceLogs":[{"schemaUrl":"\q"}]})", "an escape that JSON does not know"},
      {"{\"resourceLogs\":[{\"schemaUrl\":\"a\nb\"}]}", "a control character that is not escaped"},
      {R"({"resourceLogs":[{"schemaUrl":NaN}]})", "quotes"},
  };
  for (const auto& [json, words] : cases) {
    const auto bytes = JsonToProtobuf(Signal::kLogs, json, Limits{});
    ASSERT_FALSE(bytes) << json;
    EXPECT_THAT(bytes.error().message, HasSubstr(words)) << json;
  }
}

// The parser takes what begins with a sign for a number.
TEST(Json, WordsForNumbersStandInQuotes) {
  for (const std::string_view bare : {"NaN", "Infinity", "-Infinity", "-NaN", "-", "-x"}) {
    const std::string json = Item(Signal::kLogs, fmt::format(R"({{"body":{{"doubleValue":{}}}}})", bare));
    const auto bytes = JsonToProtobuf(Signal::kLogs, json, Limits{});
    ASSERT_FALSE(bytes) << bare;
    EXPECT_THAT(bytes.error().message, HasSubstr("quotes")) << bare;
  }
}

TEST(Json, WhatIsNoJsonObjectIsRefused) {
  for (const std::string_view json : {"", " ", "null", "[]", "1", "\"x\"", "{", "}", "{\"resourceLogs\":[", "{}{}",
                                      "{} x", "{\"resourceLogs\":[]", "{\"a\"}", "{\"a\":1,}", "{'a':1}",
                                      "{\"a\":\"\xff\"}", "{\"resourceLogs\":[{]}", "{\"resourceLogs\" []}", "{1:2}"})
    EXPECT_FALSE(JsonToProtobuf(Signal::kLogs, json, Limits{})) << json;
}

TEST(Json, EveryCutIsAnError) {
  const std::string json =
      Item(Signal::kLogs, R"({"body":{"arrayValue":{"values":[{"intValue":"1"},{"stringValue":"é"}]}},
                                                   "attributes":[{"key":"k","value":{"doubleValue":-1.5e3}}],"flags":1})");
  EXPECT_TRUE(JsonToProtobuf(Signal::kLogs, json, Limits{}));
  for (size_t size = 0; size < json.size(); ++size)
    EXPECT_FALSE(JsonToProtobuf(Signal::kLogs, json.substr(0, size), Limits{})) << size;
}

TEST(Json, TooDeepValuesRefuseTheirItemOnly) {
  for (const int depth : {32, 33, 100, 100'000}) {
    std::string value, end;
    for (int i = 1; i < depth; ++i) {
      value += R"({"arrayValue":{"values":[)";
      end += "]}}";
    }
    const std::string json = Item(Signal::kLogs, fmt::format(R"({{"body":{}{{"intValue":1}}{}}},{{}})", value, end));
    auto scan = ScanRequest(Signal::kLogs, MustTranslate(Signal::kLogs, json), Limits{}, TimeRules{});
    ASSERT_TRUE(scan) << depth;
    EXPECT_EQ(scan->items_seen, 2u);
    EXPECT_EQ(scan->refused_by_reason[static_cast<size_t>(Refusal::kTooDeep)], depth > 32 ? 1u : 0u) << depth;
  }
  const std::string brackets(100'000, '[');
  EXPECT_FALSE(JsonToProtobuf(Signal::kLogs, "{\"x\":" + brackets, Limits{}));
}

TEST(WireWriter, LengthsOfEverySizeAreReadBack) {
  for (const size_t size : {0, 1, 127, 128, 16383, 16384, 2097151, 2097152}) {
    WireWriter writer;
    const size_t begin = writer.Begin(Tag(1, WireType::kBytes));
    writer.Bytes(Tag(2, WireType::kBytes), std::string(size, 'x'));
    writer.End(begin);
    writer.Varint(Tag(3, WireType::kVarint), 5);
    const std::string bytes = writer.Take();
    FieldReader outer(bytes);
    ASSERT_TRUE(outer.Next()) << size;
    FieldReader inner(outer.bytes());
    ASSERT_TRUE(inner.Next()) << size;
    EXPECT_EQ(inner.bytes(), std::string(size, 'x'));
    EXPECT_FALSE(inner.Next());
    ASSERT_TRUE(outer.Next());
    EXPECT_EQ(outer.Uint(), 5u);
    EXPECT_FALSE(outer.Next());
    EXPECT_EQ(outer.fault(), WireFault::kNone);
  }
}

TEST(JsonValues, Numbers) {
  EXPECT_EQ(ParseInt64("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(ParseInt64("9223372036854775808"), std::nullopt);
  EXPECT_EQ(ParseInt64("-0"), 0);
  EXPECT_EQ(ParseUint64("-0"), 0u);
  EXPECT_EQ(ParseUint64("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(ParseUint64("1.8446744073709551616e19"), std::nullopt);
  EXPECT_EQ(ParseDouble("1e-999"), 0.0);
  for (const std::string_view text :
       {"", "-", "+1", "01", "1.", ".5", "1e", "1e+", " 1", "1 ", "0x1", "inf", "nan", "-inf"}) {
    EXPECT_EQ(ParseInt64(text), std::nullopt) << text;
    EXPECT_EQ(ParseDouble(text), std::nullopt) << text;
  }
}

TEST(JsonValues, Base64) {
  EXPECT_EQ(Base64Bytes(""), "");
  EXPECT_EQ(Base64Bytes("Zg=="), "f");
  EXPECT_EQ(Base64Bytes("Zm8"), "fo");
  EXPECT_EQ(Base64Bytes("Zm9v"), "foo");
  for (const std::string_view text : {"Z", "Zg===", "Z g=", "Zg=a", "Zm9vY"})
    EXPECT_EQ(Base64Bytes(text), std::nullopt);
}

}  // namespace
}  // namespace sightline::otlp
