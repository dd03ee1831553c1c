#include "otlp/scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <set>

#include "otlp/testing/requests.h"
#include "otlp/wire_fields.h"
#include "otlp/wire_schema.h"

namespace sightline::otlp {
namespace {

using testing::Attribute;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Id;
using testing::IntValue;
using ::testing::IsEmpty;
using testing::kTestTime;
using testing::Log;
using testing::Metric;
using testing::NestedValue;
using testing::NumberPoint;
using testing::Pb;
using testing::Request;
using testing::Span;
using testing::StringValue;

Result<Scan> TryScan(Signal signal, std::string_view request, Limits limits = {}, int64_t oldest = 0) {
  return ScanRequest(signal, request, limits, TimeRules{.oldest_unix_nanos = oldest});
}

Scan MustScan(Signal signal, std::string_view request, Limits limits = {}, int64_t oldest = 0) {
  auto scan = TryScan(signal, request, limits, oldest);
  EXPECT_TRUE(scan) << scan.error().message;
  return scan ? *std::move(scan) : Scan{};
}

uint32_t Refused(const Scan& scan, Refusal reason) {
  return scan.refused_by_reason[static_cast<size_t>(reason)];
}

TEST(Scan, EmptyRequestIsAcceptedAndHoldsNothing) {
  for (const Signal signal : kSignals) {
    const Scan scan = MustScan(signal, "");
    EXPECT_EQ(scan.items_seen, 0u);
    EXPECT_THAT(scan.items, IsEmpty());
    EXPECT_EQ(MustScan(signal, Request({})).items_seen, 0u);
  }
}

TEST(Scan, PlacesPointAtTheBytesOfItemResourceAndScope) {
  const Pb span = Span(7, 8);
  const Pb scope = Pb().Bytes(field::instrumentation_scope::kName, "lib");
  // Schema URL and resource stand behind what they are about.
  const std::string request =
      Pb().Message(field::request::kResources,
                   Pb().Message(field::resource_items::kScopes, Pb().Message(field::scope_items::kItems, span)
                                                                    .Message(field::scope_items::kScope, scope)
                                                                    .Bytes(field::scope_items::kSchemaUrl, "s2"))
                       .Bytes(field::resource_items::kSchemaUrl, "s1")
                       .Message(field::resource_items::kResource, testing::Resource("a")))
          .bytes();
  const Scan scan = MustScan(Signal::kTraces, request);
  ASSERT_EQ(scan.items.size(), 1u);
  EXPECT_EQ(scan.items[0].message.In(request), span.bytes());
  const ScopeRef& ref = scan.scopes[scan.items[0].scope];
  EXPECT_EQ(ref.resource.In(request), testing::Resource("a").bytes());
  EXPECT_EQ(ref.resource_schema_url.In(request), "s1");
  EXPECT_EQ(ref.scope.In(request), scope.bytes());
  EXPECT_EQ(ref.scope_schema_url.In(request), "s2");
}

TEST(Scan, SpansOfOneTraceHaveOneHash) {
  const Scan scan = MustScan(Signal::kTraces, Request({Span(1, 1), Span(2, 2), Span(1, 3)}));
  EXPECT_EQ(scan.items[0].trace_hash, scan.items[2].trace_hash);
  EXPECT_NE(scan.items[0].trace_hash, scan.items[1].trace_hash);
}

TEST(Scan, BadSpansAreRefusedAloneByOrdinalAndReason) {
  const auto with_ids = [](std::string_view trace, std::string_view span) {
    return Pb().Bytes(field::span::kTraceId, trace).Bytes(field::span::kSpanId, span);
  };
  const Scan scan = MustScan(
      Signal::kTraces,
      Request({Span(1, 1), with_ids(Id(1, 15), Id(1, 8)), with_ids(Id(0, 16), Id(1, 8)), with_ids("", Id(1, 8)),
               with_ids(Id(1, 16), Id(0, 8)), with_ids(Id(1, 16), Id(1, 16)), Span(2, 2)}));
  EXPECT_EQ(scan.items_seen, 7u);
  EXPECT_EQ(scan.items_accepted, 2u);
  EXPECT_THAT(scan.refused, ElementsAre(1, 2, 3, 4, 5));
  EXPECT_EQ(Refused(scan, Refusal::kTraceIdInvalid), 3u);
  EXPECT_EQ(Refused(scan, Refusal::kSpanIdInvalid), 2u);
  EXPECT_THAT(scan.refusal_message, HasSubstr("span 1: trace_id_invalid"));
  EXPECT_THAT(scan.refusal_message, HasSubstr("15"));
  EXPECT_EQ(scan.items[1].first_ordinal, 6u);
}

TEST(Scan, ParentSpanIdOfAnyFormIsAccepted) {
  for (const std::string& parent : {std::string(), Id(0, 8), Id(5, 7)}) {
    Pb span = Span(1, 1);
    span.Bytes(field::span::kParentSpanId, parent);
    EXPECT_EQ(MustScan(Signal::kTraces, Request({span})).items_accepted, 1u);
  }
}

TEST(Scan, IdsOfAnyFormAreAcceptedInLogs) {
  for (const std::string& id : {std::string(), Id(0, 16), Id(5, 7)}) {
    Pb log = Log();
    log.Bytes(field::log_record::kTraceId, id);
    const Scan scan = MustScan(Signal::kLogs, Request({log}));
    EXPECT_EQ(scan.items_accepted, 1u);
    EXPECT_EQ(scan.items[0].trace_hash, 0u);
  }
}

TEST(Scan, ItemsOlderThanTheRetentionAreRefusedByTheirOwnTime) {
  const int64_t oldest = static_cast<int64_t>(kTestTime);
  // A span by its start, as it is stored under it: what ended late would be accepted and dropped at once.
  const Scan spans = MustScan(Signal::kTraces,
                              Request({Span(1, 1, 5, kTestTime), Span(1, 2, kTestTime - 1, kTestTime),
                                       Span(1, 3, kTestTime, 5), Span(1, 4, 0, 0), Span(1, 5, 0, kTestTime - 1),
                                       Span(1, 6, UINT64_MAX, UINT64_MAX), Span(1, 7, 0, kTestTime)}),
                              {}, oldest);
  EXPECT_THAT(spans.refused, ElementsAre(0, 1, 4));
  EXPECT_EQ(Refused(spans, Refusal::kTooOld), 3u);

  const auto observed = [](uint64_t time) { return Pb().Fixed64(field::log_record::kObservedTimeUnixNano, time); };
  Pb old_but_observed_now = Log(kTestTime - 1);
  old_but_observed_now.Fixed64(field::log_record::kObservedTimeUnixNano, kTestTime);
  const Scan logs = MustScan(
      Signal::kLogs,
      Request({Log(), Log(kTestTime - 1), Log(0), observed(kTestTime), observed(kTestTime - 1), old_but_observed_now}),
      {}, oldest);
  EXPECT_THAT(logs.refused, ElementsAre(1, 4, 5));
}

TEST(Scan, DataPointsAreRefusedOneByOneOverAllMetrics) {
  const std::string request = Request({Metric(field::metric::kGauge, {NumberPoint(1), NumberPoint(2, kTestTime - 1)}),
                                       Metric(field::metric::kSum, {NumberPoint(3, 1)}),
                                       Metric(field::metric::kSum, {NumberPoint(4, 0), NumberPoint(5)})});
  const Scan scan = MustScan(Signal::kMetrics, request, {}, static_cast<int64_t>(kTestTime));
  EXPECT_EQ(scan.items_seen, 5u);
  EXPECT_EQ(scan.items_accepted, 3u);
  EXPECT_THAT(scan.refused, ElementsAre(1, 2));
  ASSERT_EQ(scan.items.size(), 2u) << "a metric without an accepted point is no item";
  EXPECT_EQ(scan.items[0].first_ordinal, 0u);
  EXPECT_EQ(scan.items[1].first_ordinal, 3u);

  auto again = Rescan(Signal::kMetrics, request, scan.refused);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->items_accepted, 3u);
  EXPECT_EQ(again->items_seen, 5u);
  ASSERT_EQ(again->items.size(), 2u);
  EXPECT_EQ(again->items[1].message.offset, scan.items[1].message.offset);
  EXPECT_EQ(again->items[1].first_ordinal, 3u);
}

TEST(Scan, MetricWithoutDataCountsAsOneRefusedPoint) {
  const Pb none = Pb().Bytes(field::metric::kName, "x");
  const Pb of_another_kind = Pb().Message(Tag(13, WireType::kBytes), NumberPoint(1));
  const Scan scan = MustScan(Signal::kMetrics, Request({none, Metric(field::metric::kGauge, {}), of_another_kind,
                                                        Metric(field::metric::kGauge, {NumberPoint(1)})}));
  EXPECT_EQ(scan.items_seen, 3u);
  EXPECT_THAT(scan.refused, ElementsAre(0, 1));
  EXPECT_EQ(Refused(scan, Refusal::kNoData), 2u);
  EXPECT_EQ(scan.items_accepted, 1u);
}

TEST(Scan, OfSeveralKindsOfDataTheLastOneCounts) {
  Pb metric = Metric(field::metric::kGauge, {NumberPoint(1), NumberPoint(2)});
  metric.Message(field::metric::kSum, Pb().Message(field::metric_data::kDataPoints, NumberPoint(3)));
  EXPECT_EQ(MustScan(Signal::kMetrics, Request({metric})).items_seen, 1u);

  Pb broken_first = Pb().Message(field::metric::kGauge, Pb().Uint(Tag(1, WireType::kVarint), 1));
  broken_first.Message(field::metric::kSum, Pb());
  EXPECT_FALSE(TryScan(Signal::kMetrics, Request({broken_first})));
}

TEST(Scan, ValuesNestedTooDeepRefuseTheirItem) {
  const auto span_with = [](const Pb& value) {
    Pb span = Span(1, 1);
    return span.Message(field::span::kAttributes, Attribute("k", value));
  };
  Pb deep_event = Span(1, 4);
  deep_event.Message(field::span::kEvents, Pb().Message(field::event::kAttributes, Attribute("k", NestedValue(33))));
  const Scan scan = MustScan(Signal::kTraces,
                             Request({span_with(NestedValue(32)), span_with(NestedValue(33)), span_with(NestedValue(1)),
                                      deep_event, span_with(NestedValue(100)), span_with(NestedValue(5000))}));
  EXPECT_THAT(scan.refused, ElementsAre(1, 3, 4, 5));
  EXPECT_EQ(Refused(scan, Refusal::kTooDeep), 4u);

  Pb deep_body = Pb().Message(field::log_record::kBody, NestedValue(33));
  EXPECT_THAT(MustScan(Signal::kLogs, Request({Log(), deep_body})).refused, ElementsAre(1));
  EXPECT_THAT(MustScan(Signal::kLogs, Request({Log()}), Limits{.value_depth_max = 0}).refused, ElementsAre(0));
}

TEST(Scan, TooDeepResourceOrScopeRefusesAllItsItemsAndNoOthers) {
  const Pb deep = Pb().Message(field::resource::kAttributes, Attribute("k", NestedValue(33)));
  const Pb deep_scope = Pb().Message(field::instrumentation_scope::kAttributes, Attribute("k", NestedValue(33)));
  const auto scope = [](const Pb& about) {
    return Pb().Message(field::scope_items::kScope, about).Message(field::scope_items::kItems, Log());
  };
  const std::string request =
      Request({Log(), Log()}, deep) + Request({Log()}) +
      Pb().Message(field::request::kResources, Pb().Message(field::resource_items::kScopes, scope(deep_scope))
                                                   .Message(field::resource_items::kScopes, scope(Pb())))
          .bytes();
  EXPECT_THAT(MustScan(Signal::kLogs, request).refused, ElementsAre(0, 1, 3));
}

Pb HistogramPoint(int counts, std::initializer_list<double> bounds, bool packed) {
  Pb point = Pb().Fixed64(field::data_point::kTimeUnixNano, kTestTime);
  Pb packed_counts, packed_bounds;
  for (int i = 0; i < counts; ++i) {
    if (!packed) point.Fixed64(field::histogram_data_point::kBucketCountsUnpacked, 1);
    packed_counts.Raw(std::string(8, '\1'));
  }
  for (const double bound : bounds) {
    if (!packed) point.Double(field::histogram_data_point::kExplicitBoundsUnpacked, bound);
    packed_bounds.Raw({reinterpret_cast<const char*>(&bound), 8});
  }
  if (packed) {
    point.Message(field::histogram_data_point::kBucketCounts, packed_counts);
    point.Message(field::histogram_data_point::kExplicitBounds, packed_bounds);
  }
  return point;
}

TEST(Scan, HistogramsWhoseBucketsDoNotFitAreRefused) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  for (const bool packed : {true, false}) {
    const Scan scan = MustScan(
        Signal::kMetrics,
        Request({Metric(
            field::metric::kHistogram,
            {HistogramPoint(0, {}, packed), HistogramPoint(1, {}, packed), HistogramPoint(3, {1, 2}, packed),
             HistogramPoint(3, {-inf, inf}, packed), HistogramPoint(0, {1}, packed), HistogramPoint(2, {1, 2}, packed),
             HistogramPoint(3, {2, 1}, packed), HistogramPoint(3, {1, 1}, packed), HistogramPoint(3, {1, nan}, packed),
             HistogramPoint(2, {nan}, packed), HistogramPoint(5, {1, 2, 3, 4}, packed)})}),
        Limits{.buckets_per_point_max = 4});
    EXPECT_THAT(scan.refused, ElementsAre(4, 5, 6, 7, 8, 9, 10)) << packed;
    EXPECT_EQ(Refused(scan, Refusal::kHistogramInvalid), 7u);
  }
}

TEST(Scan, PackedAndSingleNumbersMayBeMixed) {
  Pb point = HistogramPoint(2, {1}, true);
  point.Fixed64(field::histogram_data_point::kBucketCountsUnpacked, 1);
  point.Double(field::histogram_data_point::kExplicitBoundsUnpacked, 2);
  EXPECT_EQ(MustScan(Signal::kMetrics, Request({Metric(field::metric::kHistogram, {point})})).items_accepted, 1u);
}

TEST(Scan, ExponentialBucketsAreLimitedOnEachSide) {
  const auto buckets = [](int count) {
    Pb packed;
    for (int i = 0; i < count; ++i) packed.Varint(300);
    return Pb().Message(field::buckets::kBucketCounts, packed).Uint(field::buckets::kBucketCountsUnpacked, 1);
  };
  const auto point = [&](int positive, int negative) {
    return Pb()
        .Message(field::exponential_histogram_data_point::kPositive, buckets(positive))
        .Message(field::exponential_histogram_data_point::kNegative, buckets(negative));
  };
  const Scan scan = MustScan(
      Signal::kMetrics,
      Request({Metric(field::metric::kExponentialHistogram, {point(3, 3), point(4, 0), point(0, 4), point(0, 0)})}),
      Limits{.buckets_per_point_max = 4});
  EXPECT_THAT(scan.refused, ElementsAre(1, 2));
}

TEST(Scan, UnknownFieldsAndInvalidUtf8AreNoReasonToRefuse) {
  Pb span = Span(1, 1);
  span.Uint(Tag(99, WireType::kVarint), 7)
      .Fixed64(Tag(100, WireType::kFixed64), 7)
      .Fixed32(Tag(101, WireType::kFixed32), 7)
      .Bytes(Tag(536870911, WireType::kBytes), "x")
      .Bytes(field::span::kName, "\xff\xfe")
      .Message(field::span::kAttributes, Attribute("\xc3", StringValue("\xed\xa0\x80")));
  EXPECT_EQ(MustScan(Signal::kTraces, Request({span})).items_accepted, 1u);
}

TEST(Scan, EntityRefsAreCheckedForTheirFormOnly) {
  const Pb ref = Pb().Bytes(field::entity_ref::kType, "service").Bytes(field::entity_ref::kIdKeys, "service.name");
  Pb resource = testing::Resource("a");
  resource.Message(field::resource::kEntityRefs, ref);
  EXPECT_EQ(MustScan(Signal::kLogs, Request({Log()}, resource)).items_accepted, 1u);
  resource.Message(field::resource::kEntityRefs, Pb().Uint(Tag(2, WireType::kVarint), 1));
  EXPECT_FALSE(TryScan(Signal::kLogs, Request({Log()}, resource)));
}

TEST(Scan, MalformedBytesRefuseTheWholeRequestAndSayWhere) {
  const struct {
    std::string_view name;
    Pb span;
    std::string_view says;
  } kCases[] = {
      {"length past the end",
       Pb().Raw("\x2a\x05"
                "abc"),
       "Span.name (field 5) has a length past the end"},
      {"huge length", Pb().Raw("\x2a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
       "Span.name (field 5) has a length past"},
      {"varint of 11 bytes", Pb().Varint(field::span::kKind).Raw(std::string(10, '\x80')).Raw(std::string(1, '\1')),
       "Span.kind (field 6) has a varint of more than 64 bits"},
      {"varint over 64 bits", Pb().Varint(field::span::kKind).Raw(std::string(9, '\xff')).Raw("\x02"),
       "more than 64 bits"},
      {"varint cut short", Pb().Varint(field::span::kKind).Raw("\x80"), "ends inside a field"},
      {"fixed64 cut short", Pb().Varint(field::span::kStartTimeUnixNano).Raw("1234567"), "ends inside a field"},
      {"fixed32 cut short", Pb().Varint(field::span::kFlags).Raw("123"), "Span.flags (field 16) ends inside a field"},
      {"tag alone", Pb().Varint(field::span::kName), "ends inside a field"},
      {"tag cut short", Pb().Raw("\x80"), "Span ends inside a field"},
      {"field number 0", Pb().Raw(std::string_view("\0\1", 2)), "field number"},
      {"field number too large", Pb().Varint(uint64_t{1} << 35 | 2).Raw(std::string_view("\0", 1)), "field number"},
      {"group", Pb().Varint(Tag(90, WireType::kGroupStart)).Varint(Tag(90, WireType::kGroupEnd)),
       "Span (unknown field 90) has a group"},
      {"end of no group", Pb().Varint(Tag(90, WireType::kGroupEnd)), "group"},
      {"wire type 6", Pb().Varint(90 << 3 | 6), "wire type"},
      {"wire type 7", Pb().Varint(5 << 3 | 7), "wire type"},
      {"fault in an event", Pb().Message(field::span::kEvents, Pb().Raw("\x12\x7f")), "Span.Event.name"},
      {"fault in a nested value",
       Pb().Message(field::span::kAttributes,
                    Attribute("k", Pb().Message(field::any_value::kArray,
                                                Pb().Message(field::array_value::kValues, Pb().Raw("\x0a\x7f"))))),
       "AnyValue.string_value"},
      {"attribute that is no message", Pb().Bytes(field::span::kAttributes, "\x0a"), "KeyValue"},
  };
  for (const auto& test : kCases) {
    auto scan = TryScan(Signal::kTraces, Request({Span(1, 1), test.span}));
    ASSERT_FALSE(scan) << test.name;
    EXPECT_EQ(scan.error().code, Code::kInvalidArgument);
    EXPECT_THAT(scan.error().message, HasSubstr(test.says)) << test.name;
    EXPECT_THAT(scan.error().message, HasSubstr("at byte ")) << test.name;
  }
}

TEST(Scan, ErrorNamesTheByteOfTheField) {
  const std::string good = Request({Span(1, 1)});
  auto scan = TryScan(Signal::kTraces, good + "\x0a\x7f");
  ASSERT_FALSE(scan);
  EXPECT_THAT(scan.error().message, HasSubstr("at byte " + std::to_string(good.size()) + " of"));
}

// The tags that lead from `message` down to a message of the kind `wanted`, each kind at most once on the way; nothing
// if none does.
std::optional<std::vector<uint32_t>> PathTo(Message message, Message wanted, std::set<Message>& visited) {
  if (message == wanted) return std::vector<uint32_t>();
  if (!visited.insert(message).second) return std::nullopt;
  for (uint32_t number = 1; number <= kFieldNumberMax; ++number) {
    const Message inside = Info(message).fields[number].message;
    if (inside == Message::kNone) continue;
    auto path = PathTo(inside, wanted, visited);
    if (!path) continue;
    path->insert(path->begin(), Tag(number, WireType::kBytes));
    return path;
  }
  return std::nullopt;
}

// A field with a zero of the wire type that the tag says.
Pb Zero(uint32_t tag, WireType type) {
  Pb field;
  field.Varint(tag);
  if (type == WireType::kVarint || type == WireType::kBytes) field.Varint(0);
  if (type == WireType::kFixed64) field.Raw(std::string(8, '\0'));
  if (type == WireType::kFixed32) field.Raw(std::string(4, '\0'));
  return field;
}

// Tries a field in a request with each wire type; returns how many were tried: none where the signal has no such
// message.
int TryEveryWireType(Signal signal, Message message, uint32_t number) {
  std::set<Message> visited;
  const auto path = PathTo(RequestMessage(signal), message, visited);
  if (!path) return 0;
  const FieldInfo& field = Info(message).fields[number];
  for (const WireType type : {WireType::kVarint, WireType::kFixed64, WireType::kBytes, WireType::kFixed32}) {
    const uint32_t tag = Tag(number, type);
    std::string request = Zero(tag, type).bytes();
    for (auto outer = path->rbegin(); outer != path->rend(); ++outer) {
      Pb whole;
      whole.Bytes(*outer, request);
      request = whole.bytes();
    }
    const auto scan = TryScan(signal, request);
    EXPECT_EQ(scan.has_value(), field.Accepts(tag)) << Info(message).name << "." << field.name;
    if (scan) continue;
    EXPECT_THAT(scan.error().message, HasSubstr(std::string(field.name) + " (field")) << field.name;
  }
  return 4;
}

TEST(Scan, EveryKnownFieldWithAWrongWireTypeRefusesTheRequest) {
  int tried = 0;
  for (const Signal signal : kSignals) {
    for (size_t m = 0; m < kMessages; ++m) {
      for (uint32_t number = 1; number <= kFieldNumberMax; ++number) {
        if (kMessageInfos[m].fields[number].wire_types == 0) continue;
        tried += TryEveryWireType(signal, static_cast<Message>(m), number);
      }
    }
  }
  EXPECT_GT(tried, 600);
}

TEST(Scan, PackedNumbersThatDoNotFillTheirBytesRefuseTheRequest) {
  const auto scan = [](uint32_t kind, const Pb& point) {
    return TryScan(Signal::kMetrics, Request({Metric(kind, {point})})).has_value();
  };
  EXPECT_FALSE(scan(field::metric::kHistogram, Pb().Bytes(field::histogram_data_point::kBucketCounts, "1234567")));
  EXPECT_FALSE(scan(field::metric::kHistogram, Pb().Bytes(field::histogram_data_point::kExplicitBounds, "123456789")));
  const auto exponential = [](std::string_view packed) {
    return Pb().Message(field::exponential_histogram_data_point::kPositive,
                        Pb().Bytes(field::buckets::kBucketCounts, packed));
  };
  EXPECT_TRUE(scan(field::metric::kExponentialHistogram, exponential("\x05\x80\x01")));
  EXPECT_FALSE(scan(field::metric::kExponentialHistogram, exponential("\x05\x80")));
  EXPECT_FALSE(scan(field::metric::kExponentialHistogram, exponential(std::string(11, '\x80'))));
}

TEST(Scan, TooManyItemsRefuseTheRequest) {
  std::string items;
  for (uint32_t i = 0; i <= 4 << 20; ++i) items += std::string("\x12\x00", 2);
  const std::string request =
      Pb().Message(field::request::kResources, Pb().Bytes(field::resource_items::kScopes, items)).bytes();
  auto scan = TryScan(Signal::kLogs, request);
  ASSERT_FALSE(scan);
  EXPECT_THAT(scan.error().message, HasSubstr("more than 4194304 log records"));
}

TEST(Scan, RescanObeysTheRefusedList) {
  const std::string request = Request({Span(1, 1), Span(2, 2), Pb(), Span(3, 3)});
  auto scan = Rescan(Signal::kTraces, request, {0, 2});
  ASSERT_TRUE(scan);
  EXPECT_EQ(scan->items_seen, 4u);
  EXPECT_EQ(scan->items_accepted, 2u);
  EXPECT_THAT(scan->refused, ElementsAre(0, 2));
  ASSERT_EQ(scan->items.size(), 2u);
  EXPECT_EQ(scan->items[0].first_ordinal, 1u);
  EXPECT_EQ(scan->items[1].first_ordinal, 3u);
  const Scan first = MustScan(Signal::kTraces, request);
  EXPECT_EQ(scan->items[0].trace_hash, first.items[1].trace_hash);
}

Scan ScanHeads(std::string_view request) {
  auto scan = ScanRequest(Signal::kTraces, request, Limits{}, TimeRules{}, SpanHeads::kNote);
  EXPECT_TRUE(scan) << scan.error().message;
  return scan ? *std::move(scan) : Scan{};
}

TEST(SpanHead, HoldsWhatTheSpanSays) {
  const Pb span =
      Span(7, 8, kTestTime, kTestTime + 5)
          .Bytes(field::span::kTraceState, "ot=th:8")
          .Bytes(field::span::kParentSpanId, Id(9, 8))
          .Fixed32(field::span::kFlags, 0x301)
          .Message(field::span::kStatus, Pb().Bytes(field::status::kMessage, "boom").Uint(field::status::kCode, 2))
          .Message(field::span::kAttributes, Attribute("http.response.status_code", IntValue(503)));
  const std::string request = Request({span});
  const Scan scan = ScanHeads(request);
  ASSERT_EQ(scan.heads.size(), 1u);
  const SpanHead& head = scan.heads[0];
  EXPECT_EQ(head.name.In(request), "GET /search");
  EXPECT_EQ(head.trace_state.In(request), "ot=th:8");
  EXPECT_EQ(head.start_unix_nanos, kTestTime);
  EXPECT_EQ(head.end_unix_nanos, kTestTime + 5);
  EXPECT_EQ(head.span_id, __builtin_bswap64(8));
  EXPECT_EQ(head.parent_span_id, __builtin_bswap64(9));
  EXPECT_EQ(std::string_view(request).substr(head.trace_id, 16), Id(7, 16));
  EXPECT_EQ(head.flags, 0x301u);
  EXPECT_EQ(head.http_status, 503);
  EXPECT_EQ(head.kind, 2);
  EXPECT_EQ(head.status, 2);
}

TEST(SpanHead, StandsBesideEachAcceptedSpanOnly) {
  const Pb refused = Pb().Bytes(field::span::kTraceId, Id(1, 16)).Bytes(field::span::kName, "no span id");
  const std::string request = Request({Span(1, 1), refused, Span(2, 2)});
  const Scan scan = ScanHeads(request);
  ASSERT_EQ(scan.items.size(), 2u);
  ASSERT_EQ(scan.heads.size(), 2u);
  EXPECT_EQ(scan.heads[1].span_id, __builtin_bswap64(2));
  EXPECT_THAT(MustScan(Signal::kTraces, request).heads, IsEmpty());

  const auto again = Rescan(Signal::kTraces, request, scan.refused, SpanHeads::kNote);
  ASSERT_TRUE(again);
  ASSERT_EQ(again->heads.size(), 2u);
  EXPECT_EQ(again->heads[1].name.In(request), "GET /search");
}

TEST(SpanHead, NumbersBeyondTheSpecificationAreNone) {
  const Pb span = Span(1, 1)
                      .Uint(field::span::kKind, 17)
                      .Bytes(field::span::kParentSpanId, "short")
                      .Message(field::span::kStatus, Pb().Uint(field::status::kCode, 9));
  const SpanHead head = ScanHeads(Request({span})).heads.at(0);
  EXPECT_EQ(head.kind, 0);
  EXPECT_EQ(head.status, 0);
  EXPECT_EQ(head.parent_span_id, 0u);
}

TEST(SpanHead, ReadsTheHttpStatusOfOldAndNewConventions) {
  const auto status = [](std::initializer_list<Pb> attributes) {
    Pb span = Span(1, 1);
    for (const Pb& attribute : attributes) span.Message(field::span::kAttributes, attribute);
    return ScanHeads(Request({span})).heads.at(0).http_status;
  };
  EXPECT_EQ(status({Attribute("http.status_code", IntValue(404))}), 404);
  EXPECT_EQ(status({Attribute("http.response.status_code", StringValue("500"))}), 500);
  EXPECT_EQ(
      status({Attribute("http.status_code", IntValue(404)), Attribute("http.response.status_code", IntValue(200))}),
      200);
  EXPECT_EQ(status({Attribute("http.response.status_code", IntValue(1000))}), 0);
  for (const char* text : {"5xx", "", " 500", "+500", "0500", "5.0e2"}) {
    EXPECT_EQ(status({Attribute("http.response.status_code", StringValue(text))}), 0) << text;
  }
  EXPECT_EQ(status({Attribute("http.status_code", StringValue("503")),
                    Attribute("http.response.status_code", StringValue("no number"))}),
            503);
  EXPECT_EQ(status({Attribute("http.response.status_text", IntValue(500))}), 0);
  const Pb value_first =
      Pb().Message(field::key_value::kValue, IntValue(502)).Bytes(field::key_value::kKey, "http.status_code");
  EXPECT_EQ(status({value_first}), 502);
}

}  // namespace
}  // namespace sightline::otlp
