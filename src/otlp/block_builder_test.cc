#include "otlp/block_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <set>
#include <string>

#include "otlp/filled_columns.h"
#include "otlp/testing/blocks.h"

namespace sightline::otlp {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int32_t kTestDay = static_cast<int32_t>(kTestTime / kDayNanos);

Pb WithAttribute(Pb span, std::string_view key, const Pb& value) {
  return span.Message(field::span::kAttributes, Attribute(key, value));
}

NativeBlock Spans(std::initializer_list<Pb> spans, BlockBuilder::Options options = {}) {
  return Rows(Signal::kTraces, Request(spans), "spans", std::move(options));
}

TEST(SpanRows, HoldWhatASpanSays) {
  Pb span = Span(0xabc, 0xdef, kTestTime, kTestTime + 1500);
  span.Bytes(field::span::kParentSpanId, Id(7, 8))
      .Bytes(field::span::kTraceState, "vendor=1")
      .Fixed32(field::span::kFlags, 0x101)
      .Uint(field::span::kDroppedAttributesCount, 3)
      .Uint(field::span::kDroppedEventsCount, 4)
      .Uint(field::span::kDroppedLinksCount, 5)
      .Message(field::span::kStatus, Pb().Bytes(field::status::kMessage, "boom").Uint(field::status::kCode, 2));
  const NativeBlock rows = Spans({Span(1, 2), span});
  ASSERT_EQ(rows.rows, 2u);
  EXPECT_EQ(rows.At("Block", 1).number, 1u);
  EXPECT_EQ(rows.At("Timestamp", 1).number, kTestTime);
  EXPECT_EQ(rows.At("Duration", 1).number, 1500u);
  EXPECT_EQ(rows.At("TraceId", 1).Hex(), "00000000000000000000000000000abc");
  EXPECT_EQ(rows.At("SpanId", 1).Hex(), "0000000000000def");
  EXPECT_EQ(rows.At("ParentSpanId", 0).Hex(), "0000000000000000");
  EXPECT_EQ(rows.At("ParentSpanId", 1).Hex(), "0000000000000007");
  EXPECT_EQ(rows.At("TraceState", 1).text, "vendor=1");
  EXPECT_EQ(rows.At("Flags", 1).number, 0x101u);
  EXPECT_EQ(rows.At("SpanName", 1).text, "GET /search");
  EXPECT_EQ(rows.At("SpanKind", 1).text, "Server");
  EXPECT_EQ(rows.At("ServiceName", 1).text, "shop");
  EXPECT_EQ(rows.At("StatusCode", 0).text, "Unset");
  EXPECT_EQ(rows.At("StatusCode", 1).text, "Error");
  EXPECT_EQ(rows.At("StatusMessage", 1).text, "boom");
  EXPECT_EQ(rows.At("ScopeName", 1).text, "test");
  EXPECT_EQ(rows.At("ScopeId", 1).text, "");
  EXPECT_EQ(rows.At("DroppedAttributesCount", 1).number, 3u);
  EXPECT_EQ(rows.At("DroppedEventsCount", 1).number, 4u);
  EXPECT_EQ(rows.At("DroppedLinksCount", 1).number, 5u);
  EXPECT_EQ(rows.At("AdjustedCount", 1).Double(), 1.0);
  EXPECT_EQ(rows.At("SamplingPolicy", 1).text, "");
  EXPECT_EQ(rows.At("Repairs", 1).text, "");
}

TEST(SpanRows, NameTheColumnsThatTheyFill) {
  Pb full = Span(1, 2);
  full.Bytes(field::span::kTraceState, "vendor=1").Fixed32(field::span::kFlags, 1);
  full.Uint(field::span::kDroppedLinksCount, 5);
  full = WithAttribute(full, "http.route", StringValue("/a"));
  const Pb hot = WithAttribute(Span(1, 3), "http.request.method", StringValue("GET"));
  const NativeBlock rows = Spans({full, Span(1, 4), hot, full, WithAttribute(Span(1, 5), "not.hot", IntValue(1))});
  EXPECT_EQ(rows.At("FilledColumns", 0).text, "TraceState\nFlags\na.http.route\nDroppedLinksCount");
  EXPECT_EQ(rows.At("FilledColumns", 1).text, "");
  EXPECT_EQ(rows.At("FilledColumns", 2).text, "a.http.request.method");
  EXPECT_EQ(rows.At("FilledColumns", 3).text, rows.At("FilledColumns", 0).text);
  EXPECT_EQ(rows.At("FilledColumns", 4).text, "");
}

TEST(SpanRows, SayThatTheColumnsAreUnknownWhereNoTwoRowsFillTheSame) {
  BlockBuilder::Options options;
  options.hot_attributes.clear();
  for (int i = 0; i < 12; ++i) options.hot_attributes.push_back({"hot." + std::to_string(i)});
  std::string request;
  std::vector<Pb> spans;
  for (uint64_t combination = 1; combination < 4096; ++combination) {
    Pb span = Span(1, combination);
    for (int i = 0; i < 12; ++i) {
      if ((combination >> i & 1) != 0) span = WithAttribute(span, "hot." + std::to_string(i), StringValue("x"));
    }
    spans.push_back(span);
  }
  const NativeBlock rows = Rows(Signal::kTraces, Request(spans), "spans", std::move(options));
  EXPECT_EQ(rows.At("FilledColumns", 2).text, "a.hot.0\na.hot.1");
  EXPECT_EQ(rows.At("FilledColumns", 4094).text, kFilledUnknown);
}

TEST(BlockBuilderMemory, IsGivenBackWithoutChangingTheNextBlock) {
  const std::string request = TracesRequest(4000, 1);
  BuilderFixture kept(Signal::kTraces), released(Signal::kTraces);
  for (auto* fixture : {&kept, &released}) {
    fixture->Add(request);
    fixture->builder().Finish(1);
  }
  const size_t held = mallinfo2().uordblks;
  released.builder().ReleaseMemory();
#ifndef SIGHTLINE_SANITIZED  // their allocators do not tell mallinfo2
  EXPECT_LT(mallinfo2().uordblks + (4 << 20), held);
#endif
  kept.Add(request);
  released.Add(request);
  const auto expected = kept.builder().Finish(2), seen = released.builder().Finish(2);
  ASSERT_EQ(seen.size(), expected.size());
  for (size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i].native, expected[i].native) << seen[i].table;
}

TEST(SpanRows, CallUndefinedKindsAndCodesUnspecifiedAndUnset) {
  Pb span = Span(1, 2);
  span.Uint(field::span::kKind, 17).Message(field::span::kStatus, Pb().Uint(field::status::kCode, 9));
  const NativeBlock rows = Spans({span});
  EXPECT_EQ(rows.At("SpanKind", 0).text, "Unspecified");
  EXPECT_EQ(rows.At("StatusCode", 0).text, "Unset");
}

TEST(SpanRows, KeepTheTypeOfEachAttribute) {
  Pb span = Span(1, 2);
  span = WithAttribute(span, "s", StringValue("text"));
  span = WithAttribute(span, "i", IntValue(-7));
  span = WithAttribute(span, "d", DoubleValue(0.5));
  span = WithAttribute(span, "b", BoolValue(true));
  span = WithAttribute(span, "x", Pb().Bytes(field::any_value::kBytes, "ab"));
  span = WithAttribute(span, "a", NestedValue(3));
  span = WithAttribute(span, "m", Pb().Message(field::any_value::kKvlist, Pb()));
  span = WithAttribute(span, "e", Pb());
  const NativeBlock rows = Spans({span});
  EXPECT_EQ(rows.At("SpanAttributeTypes", 0).text, "sidbxame");
  EXPECT_THAT(rows.At("SpanAttributes", 0).Texts(), ElementsAre("s", "text", "i", "-7", "d", "0.5", "b", "true", "x",
                                                                "YWI=", "a", "[[1]]", "m", "{}", "e", ""));
}

TEST(SpanRows, PutHotAttributesIntoTheirColumnsAndNotIntoTheMap) {
  Pb span = Span(1, 2);
  span = WithAttribute(span, "http.route", StringValue("/a"));
  span = WithAttribute(span, "http.response.status_code", IntValue(404));
  span = WithAttribute(span, "user.id", StringValue("u1"));
  span = WithAttribute(span, "other", StringValue("o"));
  const NativeBlock rows = Spans({Span(1, 1), span});
  EXPECT_EQ(rows.At("a.http.route", 0).text, "");
  EXPECT_EQ(rows.At("a.http.route", 1).text, "/a");
  EXPECT_EQ(rows.At("a.http.response.status_code", 1).text, "404");
  EXPECT_EQ(rows.At("a.user.id", 1).text, "u1");
  EXPECT_THAT(rows.At("SpanAttributes", 1).Texts(), ElementsAre("other", "o"));
  EXPECT_EQ(rows.At("SpanAttributeTypes", 1).text, "s");
}

TEST(SpanRows, KeepAHotAttributeInTheMapIfItIsEmptyOrOfAnotherTypeOrComesAgain) {
  Pb span = Span(1, 2);
  span = WithAttribute(span, "http.response.status_code", StringValue("200"));
  span = WithAttribute(span, "http.route", StringValue(""));
  span = WithAttribute(span, "http.route", StringValue("/first"));
  span = WithAttribute(span, "http.route", StringValue("/second"));
  span = WithAttribute(span, "user.id", StringValue("u1"));
  span = WithAttribute(span, "user.id", StringValue("u2"));
  const NativeBlock rows = Spans({span});
  EXPECT_EQ(rows.At("a.http.response.status_code", 0).text, "");
  EXPECT_EQ(rows.At("a.http.route", 0).text, "/first");
  EXPECT_EQ(rows.At("a.user.id", 0).text, "u1");
  EXPECT_THAT(rows.At("SpanAttributes", 0).Texts(), ElementsAre("http.response.status_code", "200", "http.route", "",
                                                                "http.route", "/second", "user.id", "u2"));
  EXPECT_EQ(rows.At("SpanAttributeTypes", 0).text, "ssss");
}

// Rows of hot_keys_in_maps as "key first..last", in days since that of the tests' time.
std::vector<std::string> KeysInMaps(const Blocks& blocks) {
  const auto found = blocks.find({"hot_keys_in_maps", kNoDay});
  if (found == blocks.end()) return {};
  const NativeBlock& rows = found->second;
  const auto day = static_cast<int64_t>(kTestTime) / kDayNanos;
  std::vector<std::string> keys;
  for (uint64_t row = 0; row < rows.rows; ++row) {
    keys.push_back(fmt::format("{} {}..{}", rows.At("Key", row).text,
                               static_cast<int32_t>(rows.At("FirstDay", row).number) - day,
                               static_cast<int32_t>(rows.At("LastDay", row).number) - day));
  }
  return keys;
}

TEST(SpanRows, AreToldOfByDayWhereAHotAttributeIsInTheMap) {
  const auto span = [](uint64_t id, uint64_t day, std::string_view key, const Pb& value) {
    const uint64_t start = kTestTime + day * static_cast<uint64_t>(kDayNanos);
    return WithAttribute(Span(1, id, start, start), key, value);
  };
  BuilderFixture fixture(Signal::kTraces);
  const int64_t later = kReceived + 3 * kDayNanos;
  fixture.Add(Request({span(1, 0, "http.route", StringValue("/")), span(2, 0, "not.hot", IntValue(1))}), later);
  EXPECT_THAT(KeysInMaps(fixture.Finish()), ::testing::IsEmpty());
  fixture.Add(
      Request({span(3, 0, "http.route", IntValue(1)), span(4, 0, "http.route", IntValue(2)),
               span(5, 0, "http.response.status_code", StringValue("500")), span(6, 2, "http.route", StringValue(""))}),
      later);
  EXPECT_THAT(KeysInMaps(fixture.Finish()),
              ::testing::UnorderedElementsAre("http.route 0..0", "http.response.status_code 0..0", "http.route 2..2"));
  // Told once, unless it did not reach the store.
  fixture.Add(Request({span(7, 0, "http.route", IntValue(1))}), later);
  EXPECT_THAT(KeysInMaps(fixture.Finish()), ::testing::IsEmpty());
  fixture.builder().ForgetWrittenSets();
  fixture.Add(Request({span(8, 0, "http.route", IntValue(1))}), later);
  EXPECT_THAT(KeysInMaps(fixture.Finish()), ElementsAre("http.route 0..0"));
}

TEST(SpanRows, HoldEventsAndLinks) {
  Pb span = Span(1, 2);
  span.Message(field::span::kEvents, Pb().Fixed64(field::event::kTimeUnixNano, kTestTime + 5)
                                         .Bytes(field::event::kName, "first")
                                         .Message(field::event::kAttributes, Attribute("n", IntValue(1)))
                                         .Uint(field::event::kDroppedAttributesCount, 2))
      .Message(field::span::kEvents, Pb().Bytes(field::event::kName, "timeless"))
      .Message(field::span::kLinks, Pb().Bytes(field::link::kTraceId, Id(9, 16))
                                        .Bytes(field::link::kSpanId, Id(8, 8))
                                        .Bytes(field::link::kTraceState, "a=b")
                                        .Message(field::link::kAttributes, Attribute("k", StringValue("v")))
                                        .Uint(field::link::kDroppedAttributesCount, 1)
                                        .Fixed32(field::link::kFlags, 3))
      .Message(field::span::kLinks, Pb().Bytes(field::link::kTraceId, "short"));
  const NativeBlock rows = Spans({Span(1, 1), span, Span(1, 3)});
  EXPECT_TRUE(rows.At("Events.Name", 0).elements.empty());
  EXPECT_TRUE(rows.At("Links.Flags", 2).elements.empty());
  EXPECT_THAT(rows.At("Events.Name", 1).Texts(), ElementsAre("first", "timeless"));
  EXPECT_EQ(rows.At("Events.Timestamp", 1).elements[0].number, kTestTime + 5);
  EXPECT_EQ(rows.At("Events.Timestamp", 1).elements[1].number, kTestTime);
  EXPECT_EQ(rows.At("Events.Attributes", 1).elements[0].Entry("n"), "1");
  EXPECT_THAT(rows.At("Events.AttributeTypes", 1).Texts(), ElementsAre("i", ""));
  EXPECT_EQ(rows.At("Events.DroppedAttributesCount", 1).elements[0].number, 2u);
  EXPECT_EQ(rows.At("Links.TraceId", 1).elements[0].Hex(), "00000000000000000000000000000009");
  EXPECT_EQ(rows.At("Links.TraceId", 1).elements[1].Hex(), "00000000000000000000000000000000");
  EXPECT_EQ(rows.At("Links.SpanId", 1).elements[0].Hex(), "0000000000000008");
  EXPECT_THAT(rows.At("Links.TraceState", 1).Texts(), ElementsAre("a=b", ""));
  EXPECT_EQ(rows.At("Links.Attributes", 1).elements[0].Entry("k"), "v");
  EXPECT_EQ(rows.At("Links.Flags", 1).elements[0].number, 3u);
  EXPECT_EQ(rows.At("Links.DroppedAttributesCount", 1).elements[0].number, 1u);
  EXPECT_EQ(rows.At("Repairs", 1).text, "time_missing,id_dropped");
}

struct TimeCase {
  const char* what;
  uint64_t start, end;
  uint64_t timestamp, duration;
  const char* repairs;
  const char* original_start;
  const char* original_end;
};

TEST(SpanRows, MendTimes) {
  constexpr uint64_t kLatest = kReceived + kDayNanos;
  constexpr uint64_t kFar = UINT64_MAX;
  const TimeCase cases[] = {
      {"no start", 0, kTestTime, kTestTime, 0, "time_missing", "(none)", "(none)"},
      {"no end", kTestTime, 0, kTestTime, 0, "time_missing", "(none)", "(none)"},
      {"none", 0, 0, kReceived, 0, "time_missing", "(none)", "(none)"},
      {"end first", kTestTime, kTestTime - 5, kTestTime, 0, "end_before_start", "(none)", "1795333379999999995"},
      {"just right", kLatest, kLatest, kLatest, 0, "", "(none)", "(none)"},
      {"far end", kTestTime, kFar, kTestTime, kLatest - kTestTime, "time_clamped", "(none)", "18446744073709551615"},
      {"far start", kLatest + 1, kTestTime, kLatest, 0, "time_clamped,end_before_start", "1795419840000000001",
       "1795333380000000000"},
      {"both far", kFar, kFar, kLatest, 0, "time_clamped", "18446744073709551615", "18446744073709551615"},
  };
  for (const TimeCase& test : cases) {
    SCOPED_TRACE(test.what);
    const NativeBlock rows = Spans({Span(1, 2, test.start, test.end)});
    EXPECT_EQ(rows.At("Timestamp", 0).number, test.timestamp);
    EXPECT_EQ(rows.At("Duration", 0).number, test.duration);
    EXPECT_EQ(rows.At("Repairs", 0).text, test.repairs);
    const Cell& attributes = rows.At("SpanAttributes", 0);
    EXPECT_EQ(attributes.Entry("sightline.original.start_time_unix_nano"), test.original_start);
    EXPECT_EQ(attributes.Entry("sightline.original.end_time_unix_nano"), test.original_end);
    EXPECT_EQ(rows.At("SpanAttributeTypes", 0).text.size(), attributes.elements.size() / 2);
  }
}

TEST(SpanRows, CutWhatIsBeyondTheLimitsAndCountItAsDropped) {
  BlockBuilder::Options options;
  options.limits.attributes_per_item_max = 2;
  options.limits.events_per_span_max = 1;
  options.limits.links_per_span_max = 1;
  options.limits.value_bytes_max = 5;
  Pb span = Span(1, 2);
  span.Uint(field::span::kDroppedAttributesCount, 10);
  for (const char* key : {"a", "b", "c"}) span = WithAttribute(span, key, StringValue("123456"));
  for (int i = 0; i < 3; ++i) {
    span.Message(field::span::kEvents, Pb().Fixed64(field::event::kTimeUnixNano, kTestTime));
    span.Message(field::span::kLinks, Pb().Fixed32(field::link::kFlags, 1));
  }
  const NativeBlock rows = Spans({span}, options);
  EXPECT_THAT(rows.At("SpanAttributes", 0).Texts(), ElementsAre("a", "12345", "b", "12345"));
  EXPECT_EQ(rows.At("DroppedAttributesCount", 0).number, 11u);
  EXPECT_EQ(rows.At("Events.Name", 0).elements.size(), 1u);
  EXPECT_EQ(rows.At("DroppedEventsCount", 0).number, 2u);
  EXPECT_EQ(rows.At("Links.Flags", 0).elements.size(), 1u);
  EXPECT_EQ(rows.At("DroppedLinksCount", 0).number, 2u);
  EXPECT_EQ(rows.At("Repairs", 0).text, "attributes_cut,value_cut,events_cut,links_cut");
}

TEST(SpanRows, CutNamesAndKeysAtTheirOwnLimit) {
  BlockBuilder::Options options;
  options.limits.name_bytes_max = 12;
  Pb span = Span(1, 2);
  span.Bytes(field::span::kName, "GET /documents/1");
  span = WithAttribute(span, "document.title", StringValue("a value of any length"));
  span.Message(field::span::kEvents,
               Pb().Fixed64(field::event::kTimeUnixNano, kTestTime).Bytes(field::event::kName, "document.found"));
  BuilderFixture fixture(Signal::kTraces, options);
  fixture.Add(Request({span}, Resource("recommender-eu")));
  const Blocks blocks = fixture.Finish();
  const NativeBlock& rows = Only(blocks, "spans");
  EXPECT_EQ(rows.At("SpanName", 0).text, "GET /documen");
  EXPECT_EQ(rows.At("ServiceName", 0).text, "recommender-");
  EXPECT_THAT(rows.At("SpanAttributes", 0).Texts(), ElementsAre("document.tit", "a value of any length"));
  EXPECT_THAT(rows.At("Events.Name", 0).Texts(), ElementsAre("document.fou"));
  EXPECT_EQ(rows.At("Repairs", 0).text, "value_cut");
}

TEST(SpanRows, MendTextWhereverItStands) {
  Pb span = Span(1, 2);
  span.Bytes(field::span::kName, "na\xffme").Bytes(field::span::kTraceState, "\xff");
  span = WithAttribute(span, "k\xff", StringValue("v\xff"));
  span = WithAttribute(span, "http.route", StringValue("/\xff"));
  span = WithAttribute(span, "user.id", StringValue("\xff"));
  BuilderFixture fixture(Signal::kTraces);
  fixture.Add(Request({span, span, Span(1, 3)}));
  const NativeBlock rows = Only(fixture.Finish(), "spans");
  for (uint64_t row = 0; row < 2; ++row) {  // the second time the mended text is known already, the bad one is not
    EXPECT_EQ(rows.At("SpanName", row).text, "na\uFFFDme");
    EXPECT_EQ(rows.At("TraceState", row).text, "\uFFFD");
    EXPECT_THAT(rows.At("SpanAttributes", row).Texts(), ElementsAre("k\uFFFD", "v\uFFFD"));
    EXPECT_EQ(rows.At("a.http.route", row).text, "/\uFFFD");
    EXPECT_EQ(rows.At("a.user.id", row).text, "\uFFFD");
    EXPECT_EQ(rows.At("Repairs", row).text, "utf8");
  }
  EXPECT_EQ(rows.At("Repairs", 2).text, "");
  EXPECT_EQ(fixture.builder().repairs().invalid_utf8, 2u);
}

TEST(SpanRows, AreMarkedForWhatWasMendedInTheirResource) {
  const NativeBlock rows = Rows(Signal::kTraces, Request({Span(1, 2)}, Resource("sh\xffop")), "spans");
  EXPECT_EQ(rows.At("ServiceName", 0).text, "sh\uFFFDop");
  EXPECT_EQ(rows.At("Repairs", 0).text, "utf8");
}

TEST(SpanRows, MarkAParentIdOfAWrongLength) {
  Pb span = Span(1, 2);
  span.Bytes(field::span::kParentSpanId, "abc");
  BuilderFixture fixture(Signal::kTraces);
  fixture.Add(Request({span}));
  const NativeBlock rows = Only(fixture.Finish(), "spans");
  EXPECT_EQ(rows.At("ParentSpanId", 0).Hex(), "0000000000000000");
  EXPECT_EQ(rows.At("Repairs", 0).text, "id_dropped");
  EXPECT_EQ(fixture.builder().repairs().ids_dropped, 1u);
}

TEST(BlockBuilder, SplitsABlockByTheDayOfItsRows) {
  BuilderFixture fixture(Signal::kTraces);
  fixture.Add(Request({Span(1, 1), Span(1, 2, kTestTime - kDayNanos, kTestTime), Span(1, 3)}));
  EXPECT_EQ(fixture.builder().rows(), 3u);
  EXPECT_GT(fixture.builder().bytes(), 100u);
  const Blocks blocks = fixture.Finish(42);
  ASSERT_EQ(blocks.size(), 7u);  // attribute_sets, and for each day spans, what is counted of them, and what was kept
  EXPECT_EQ(blocks.at({"spans", kTestDay}).rows, 2u);
  EXPECT_EQ(blocks.at({"spans", kTestDay - 1}).rows, 1u);
  EXPECT_EQ(blocks.at({"spans", kTestDay - 1}).At("Block", 0).number, 42u);
  EXPECT_EQ(blocks.at({"spans", kTestDay - 1}).At("SpanId", 0).Hex(), "0000000000000002");
}

TEST(BlockBuilder, IsEmptyAfterFinishAndStartsAnew) {
  BuilderFixture fixture(Signal::kTraces);
  fixture.Add(Request({WithAttribute(Span(1, 1), "http.route", StringValue("/old"))}));
  fixture.Finish(1);
  EXPECT_EQ(fixture.builder().rows(), 0u);
  EXPECT_EQ(fixture.builder().bytes(), 0u);
  EXPECT_TRUE(fixture.Finish(2).empty());
  fixture.Add(Request({Span(1, 2), WithAttribute(Span(1, 3), "http.route", StringValue("/old"))}));
  const NativeBlock rows = Only(fixture.Finish(3), "spans");
  ASSERT_EQ(rows.rows, 2u);
  EXPECT_EQ(rows.At("SpanId", 0).Hex(), "0000000000000002");
  EXPECT_EQ(rows.At("ServiceName", 0).text, "shop");
  EXPECT_EQ(rows.At("SpanKind", 0).text, "Server");
  EXPECT_EQ(rows.At("a.http.route", 0).text, "");
  EXPECT_EQ(rows.At("a.http.route", 1).text, "/old");
  EXPECT_EQ(rows.At("Block", 0).number, 3u);
}

TEST(BlockBuilder, CountsTheMemoryOfEachDaysTable) {
  BuilderFixture fixture(Signal::kLogs);
  for (uint64_t day = 1; day <= 400; ++day) fixture.Add(Request({Log(day * kDayNanos)}));
  EXPECT_GT(fixture.builder().bytes(), 20u << 20);
  EXPECT_EQ(fixture.Finish().size(), 401u);
  EXPECT_EQ(fixture.builder().bytes(), 0u);
}

TEST(BlockBuilder, RemembersNoMoreSetsThanItMay) {
  BlockBuilder::Options options;
  options.remembered_sets_max = 2;
  BuilderFixture fixture(Signal::kMetrics, options);
  for (int round = 0; round < 2; ++round) {
    for (const char* service : {"a", "b", "c", "d"}) {
      fixture.Add(Request({Metric(field::metric::kGauge, {NumberPoint(1)})}, Resource(service)));
    }
  }
  const Blocks blocks = fixture.Finish();
  EXPECT_GE(Only(blocks, "metric_series").rows, 6u);  // forgotten ones are written again
  EXPECT_EQ(Only(blocks, "metric_points").rows, 8u);
  std::set<uint64_t> series;
  for (const Cell& id : Only(blocks, "metric_points").Column("SeriesId")) series.insert(id.number);
  EXPECT_EQ(series.size(), 4u);
}

TEST(AttributeSets, AreWrittenBeforeTheRowsOnceADay) {
  BuilderFixture fixture(Signal::kTraces);
  fixture.Add(Request({Span(1, 1)}));
  fixture.Add(Request({Span(1, 2)}));
  auto written = fixture.builder().Finish(1);
  ASSERT_EQ(written.size(), 4u);
  EXPECT_EQ(written[0].table, "attribute_sets");
  EXPECT_EQ(written[0].day, kNoDay);
  EXPECT_EQ(written[0].rows, 1u);
  const NativeBlock sets = ReadNativeRows(written[0].native);
  EXPECT_THAT(sets.At("Keys", 0).Texts(), ElementsAre("service.name"));
  EXPECT_THAT(sets.At("Values", 0).Texts(), ElementsAre("shop"));
  EXPECT_EQ(sets.At("Types", 0).text, "s");
  EXPECT_EQ(sets.At("Seen", 0).number, static_cast<uint64_t>(kReceived / 1'000'000'000));
  EXPECT_EQ(sets.At("Id", 0).text, ReadNativeRows(written[1].native).At("ResourceId", 0).text);
  EXPECT_EQ(sets.At("Id", 0).text.size(), 32u);

  fixture.Add(Request({Span(1, 3)}));
  EXPECT_FALSE(fixture.Finish(2).contains({"attribute_sets", kNoDay}));
  fixture.Add(Request({Span(1, 4)}), kReceived + kDayNanos);
  EXPECT_EQ(Only(fixture.Finish(3), "attribute_sets").At("Id", 0).text, sets.At("Id", 0).text);
}

TEST(AttributeSets, AreWrittenAgainWhenTheyDidNotReachTheStore) {
  BuilderFixture fixture(Signal::kTraces);
  fixture.Add(Request({Span(1, 1)}));
  fixture.Finish(1);
  fixture.builder().ForgetWrittenSets();
  fixture.Add(Request({Span(1, 2)}));
  EXPECT_TRUE(fixture.Finish(2).contains({"attribute_sets", kNoDay}));
}

TEST(AttributeSets, TellResourcesApartByEverythingInThem) {
  const auto resource = [](std::string_view value, char type, uint32_t dropped) {
    Pb message = Resource("shop");
    message.Message(field::resource::kAttributes,
                    Attribute("n", type == 's' ? StringValue(value) : IntValue(std::stoi(std::string(value)))));
    if (dropped != 0) message.Uint(field::resource::kDroppedAttributesCount, dropped);
    return message;
  };
  BuilderFixture fixture(Signal::kTraces);
  fixture.Add(Request({Span(1, 1)}, resource("1", 's', 0)));
  fixture.Add(Request({Span(1, 2)}, resource("1", 'i', 0)));
  fixture.Add(Request({Span(1, 3)}, resource("2", 'i', 0)));
  fixture.Add(Request({Span(1, 4)}, resource("2", 'i', 1)));
  fixture.Add(Request({Span(1, 5)}, resource("1", 's', 0)));
  const Blocks blocks = fixture.Finish();
  EXPECT_EQ(Only(blocks, "attribute_sets").rows, 4u);
  const NativeBlock& spans = Only(blocks, "spans");
  std::set<std::string> ids;
  for (uint64_t row = 0; row < 5; ++row) ids.insert(spans.At("ResourceId", row).text);
  EXPECT_EQ(ids.size(), 4u);
  EXPECT_EQ(spans.At("ResourceId", 0).text, spans.At("ResourceId", 4).text);
}

TEST(AttributeSets, HoldScopesThatHaveMoreThanNameAndVersion) {
  const Pb scope = Pb().Bytes(field::instrumentation_scope::kName, "lib")
                       .Bytes(field::instrumentation_scope::kVersion, "1.2")
                       .Message(field::instrumentation_scope::kAttributes, Attribute("k", BoolValue(true)))
                       .Uint(field::instrumentation_scope::kDroppedAttributesCount, 6);
  const std::string request = Pb().Message(field::request::kResources,
                                           Pb().Message(field::resource_items::kScopes,
                                                        Pb().Message(field::scope_items::kScope, scope)
                                                            .Message(field::scope_items::kItems, Span(1, 1))
                                                            .Bytes(field::scope_items::kSchemaUrl, "https://schema")))
                                  .bytes();
  BuilderFixture fixture(Signal::kTraces);
  fixture.Add(request);
  const Blocks blocks = fixture.Finish();
  const NativeBlock& sets = Only(blocks, "attribute_sets");
  const NativeBlock& spans = Only(blocks, "spans");
  ASSERT_EQ(sets.rows, 2u);  // the resource that is not there, and the scope
  EXPECT_EQ(spans.At("ServiceName", 0).text, "");
  EXPECT_EQ(spans.At("ResourceId", 0).text, sets.At("Id", 0).text);
  EXPECT_EQ(spans.At("ScopeId", 0).text, sets.At("Id", 1).text);
  EXPECT_EQ(spans.At("ScopeName", 0).text, "lib");
  EXPECT_EQ(spans.At("ScopeVersion", 0).text, "1.2");
  EXPECT_EQ(sets.At("SchemaUrl", 1).text, "https://schema");
  EXPECT_EQ(sets.At("DroppedAttributesCount", 1).number, 6u);
  EXPECT_EQ(sets.At("Types", 1).text, "b");
}

TEST(LogRows, HoldWhatARecordSays) {
  Pb log = Log();
  log.Bytes(field::log_record::kSeverityText, "INFO")
      .Fixed64(field::log_record::kObservedTimeUnixNano, kTestTime + 9)
      .Bytes(field::log_record::kTraceId, Id(3, 16))
      .Bytes(field::log_record::kSpanId, Id(4, 8))
      .Fixed32(field::log_record::kFlags, 1)
      .Bytes(field::log_record::kEventName, "started")
      .Uint(field::log_record::kDroppedAttributesCount, 2)
      .Message(field::log_record::kAttributes, Attribute("http.route", StringValue("/a")));
  const NativeBlock rows = Rows(Signal::kLogs, Request({log, Log()}), "logs");
  EXPECT_EQ(rows.At("Timestamp", 0).number, kTestTime);
  EXPECT_EQ(rows.At("TimeUnixNano", 0).number, kTestTime);
  EXPECT_EQ(rows.At("ObservedTimestamp", 0).number, kTestTime + 9);
  EXPECT_EQ(rows.At("ObservedTimestamp", 1).number, 0u);
  EXPECT_EQ(rows.At("TraceId", 0).Hex(), "00000000000000000000000000000003");
  EXPECT_EQ(rows.At("SpanId", 0).Hex(), "0000000000000004");
  EXPECT_EQ(rows.At("Flags", 0).number, 1u);
  EXPECT_EQ(rows.At("SeverityText", 0).text, "INFO");
  EXPECT_EQ(rows.At("SeverityNumber", 0).number, 9u);
  EXPECT_EQ(rows.At("Body", 0).text, "started");
  EXPECT_EQ(rows.At("BodyType", 0).text, "s");
  EXPECT_EQ(rows.At("EventName", 0).text, "started");
  EXPECT_EQ(rows.At("DroppedAttributesCount", 0).number, 2u);
  EXPECT_EQ(rows.At("LogAttributes", 0).Entry("http.route"), "/a");
  EXPECT_EQ(rows.At("LogAttributeTypes", 0).text, "s");
}

TEST(LogRows, TakeTheObservedTimeOrTheReceiptWhereTheyHaveNone) {
  const Pb observed = Pb().Fixed64(field::log_record::kObservedTimeUnixNano, kTestTime + 9);
  const NativeBlock rows = Rows(Signal::kLogs, Request({observed, Pb()}), "logs");
  ASSERT_EQ(rows.rows, 2u);
  EXPECT_EQ(rows.At("Timestamp", 0).number, kTestTime + 9);
  EXPECT_EQ(rows.At("TimeUnixNano", 0).number, 0u);
  EXPECT_EQ(rows.At("Repairs", 0).text, "");
  EXPECT_EQ(rows.At("Timestamp", 1).Int(), kReceived);
  EXPECT_EQ(rows.At("Repairs", 1).text, "time_missing");
  EXPECT_EQ(rows.At("BodyType", 1).text, "e");
}

TEST(LogRows, AreClampedWithTheOriginalBesideThem) {
  const NativeBlock rows = Rows(Signal::kLogs, Request({Log(UINT64_MAX)}), "logs");
  EXPECT_EQ(rows.At("Timestamp", 0).Int(), kReceived + kDayNanos);
  EXPECT_EQ(rows.At("TimeUnixNano", 0).number, UINT64_MAX);
  EXPECT_EQ(rows.At("LogAttributes", 0).Entry("sightline.original.time_unix_nano"), "18446744073709551615");
  EXPECT_EQ(rows.At("Repairs", 0).text, "time_clamped");
}

}  // namespace
}  // namespace sightline::otlp
