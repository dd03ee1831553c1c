// Exceptions of spans and log records in groups, on the real engine.
#include "query/exceptions.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "query/testing/engine.h"

namespace sightline::query {
namespace {

using ::testing::ElementsAre;
using testing::EngineTest;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kSecond = 1'000'000'000, kMinute = 60 * kSecond;
constexpr const char* kPay =
    "Traceback:\\n  File \"/app/pay.py\", line {}, in pay\\n    raise\\nValueError: bad cart {}";

class ExceptionsTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    Clear({"spans", "logs", "attribute_sets"});
    begin_ = Clock::System().UnixNanos() / kMinute * kMinute - 10 * kMinute;
    Execute(
        "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types) VALUES ('r1', now(), "
        "['service.version'], "
        "['1.0'], 's'), ('aa', now(), ['service.version'], ['1.1'], 's'), ('bb', now(), ['host.name'], ['h'], 's')");
  }

  struct Thrown {
    int64_t after_begin = 0;
    std::string type = "ValueError", stack, message = "bad cart 17", service = "shop", resource = "aa";
    double weight = 1;
    int64_t late = 0;  // the event, after the span's start
  };
  // A span with the exception, among other events; its trace's id.
  std::string Span(const Thrown& thrown) {
    const std::string trace = fmt::format("{:032x}", ++id_);
    Execute(fmt::format(
        "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ServiceName, ResourceId, AdjustedCount, "
        "Events.Timestamp, Events.Name, Events.Attributes, Events.AttributeTypes, Events.DroppedAttributesCount) "
        "VALUES "
        "({0}, fromUnixTimestamp64Nano({1}), unhex('{2}'), unhex('{0:016x}'), '{3}', '{4}', {5}, "
        "[fromUnixTimestamp64Nano({1}), fromUnixTimestamp64Nano({6})], ['start', 'exception'], [{{}}, "
        "{{'exception.type': '{7}', 'exception.message': '{8}', 'exception.stacktrace': '{9}'}}], ['', 'sss'], [0, 0])",
        id_, begin_ + thrown.after_begin, trace, thrown.service, thrown.resource, thrown.weight,
        begin_ + thrown.after_begin + thrown.late, thrown.type, thrown.message, thrown.stack));
    return trace;
  }
  void Log(const Thrown& thrown, const std::string& trace, uint64_t span) {
    Execute(fmt::format(
        "INSERT INTO sightline.logs (Block, Timestamp, TraceId, SpanId, ServiceName, ResourceId, Body, LogAttributes, "
        "LogAttributeTypes) VALUES ({0}, fromUnixTimestamp64Nano({1}), unhex('{2}'), unhex('{3:016x}'), '{4}', '{5}', "
        "'order 99 failed', {{'exception.type': '{6}'}}, 's')",
        ++id_, begin_ + thrown.after_begin, trace, span, thrown.service, thrown.resource, thrown.type));
  }

  ExceptionList Read(ExceptionSearch search = {}, uint32_t events_max = kExceptionEventsMax) {
    if (search.to_unix_nanos == 0) {
      search.from_unix_nanos = begin_;
      search.to_unix_nanos = begin_ + 5 * kMinute;
    }
    ExceptionReader reader(clickhouse(), "sightline", events_max);
    auto list = reader.Read(search);
    EXPECT_TRUE(list) << list.error().message;
    return list ? *std::move(list) : ExceptionList();
  }

  int64_t begin_ = 0;
  uint64_t id_ = 0;
};

TEST_F(ExceptionsTest, AreGroupedByTypeAndFrames) {
  const std::string first = Span({.after_begin = kSecond, .stack = fmt::format(kPay, 12, 17)});
  const std::string second = Span({.after_begin = 2 * kMinute,
                                   .stack = fmt::format(kPay, 14, "of nobody"),
                                   .message = "bad cart of nobody",
                                   .resource = "bb",
                                   .weight = 4});
  Span({.after_begin = kSecond, .type = "KeyError", .stack = fmt::format(kPay, 12, 17)});
  Span({.after_begin = kSecond, .stack = fmt::format(kPay, 12, 17), .service = "web"});
  const ExceptionList list = Read();
  EXPECT_EQ(list.groups_in_all, 3u);
  EXPECT_EQ(list.looked_from_unix_nanos, begin_);
  ASSERT_THAT(list.groups, SizeIs(3));
  const ExceptionGroup& group = list.groups[0];
  EXPECT_EQ(group.service, "shop");
  EXPECT_EQ(group.type, "ValueError");
  EXPECT_THAT(group.frames, ElementsAre("pay (app/pay.py)"));
  EXPECT_EQ(group.count, 5);
  EXPECT_TRUE(group.is_estimate);
  EXPECT_EQ(group.message, "bad cart of nobody") << "of the newest";
  EXPECT_TRUE(group.stack_trace.ends_with("ValueError: bad cart of nobody"));
  EXPECT_EQ(group.first_unix_nanos, begin_ + kSecond);
  EXPECT_EQ(group.last_unix_nanos, begin_ + 2 * kMinute);
  EXPECT_THAT(group.trace_ids, ElementsAre(second, first));
  EXPECT_THAT(group.versions, ElementsAre("1.1"));
  EXPECT_EQ(group.trend.size(), 30u);
  EXPECT_EQ(group.trend[0], 1);
  EXPECT_EQ(group.trend[12], 4);
  EXPECT_EQ(list.groups[1].count, 1);
  EXPECT_FALSE(list.groups[1].is_estimate);
  EXPECT_THAT(Read({.service = "web"}).groups, SizeIs(1));
  EXPECT_THAT(Read({.service = "nobody"}).groups, IsEmpty());
}

TEST_F(ExceptionsTest, TheFramesThatTellAreAtTheEndOfALongTraceback) {
  std::string deep = "Traceback (most recent call last):\\n";
  for (int i = 0; i < 500; ++i) deep += "  File \"/app/frames.py\", line 1, in call\\n";
  ASSERT_GT(deep.size(), 2 * kStackTraceCharactersMax);
  for (const char* name : {"pay", "ship"}) {
    Span({.stack = fmt::format("{}  File \"/app/{}.py\", line 7, in {}\\nValueError: no", deep, name, name)});
  }
  const ExceptionList list = Read();
  ASSERT_THAT(list.groups, SizeIs(2));
  for (const auto& group : list.groups) {
    EXPECT_THAT(group.frames.at(0), ::testing::AnyOf("pay (app/pay.py)", "ship (app/ship.py)"));
  }
}

TEST_F(ExceptionsTest, WithoutAStackTraceTheShapeOfTheMessageTells) {
  Span({.message = "no stock for 17"});
  Span({.message = "no stock for 99"});
  Span({.message = "no such cart"});
  const ExceptionList list = Read();
  ASSERT_THAT(list.groups, SizeIs(2));
  EXPECT_EQ(list.groups[0].count, 2);
  EXPECT_THAT(list.groups[0].frames, IsEmpty());
  EXPECT_NE(list.groups[0].id, list.groups[1].id);
  EXPECT_EQ(list.groups[0].id, Read().groups[0].id);
}

TEST_F(ExceptionsTest, ALogRecordOfASpanThatHasItIsTheSameOne) {
  const std::string trace = Span({.type = "Timeout", .message = "x"});
  Log({.type = "Timeout"}, trace, 1);
  EXPECT_EQ(Read().groups.at(0).count, 1);
  Log({.type = "Lost"}, std::string(32, '0'), 0);
  const ExceptionList list = Read();
  ASSERT_THAT(list.groups, SizeIs(2));
  const ExceptionGroup& lost = list.groups[0].type == "Lost" ? list.groups[0] : list.groups[1];
  EXPECT_EQ(lost.message, "order 99 failed") << "a record without a message says it in its body";
  EXPECT_THAT(lost.trace_ids, IsEmpty());
}

TEST_F(ExceptionsTest, NewIsWhatTheTimeBeforeDoesNotHave) {
  Span({.after_begin = -kMinute, .message = "no stock for 1"});
  Span({.after_begin = -6 * kMinute, .message = "long ago"});
  Span({.message = "no stock for 2"});
  Span({.message = "long ago"});
  const auto is_new = [](const ExceptionList& list, std::string_view message) {
    for (const auto& group : list.groups) {
      if (group.message == message) return group.is_new;
    }
    ADD_FAILURE() << message;
    return std::optional<bool>();
  };
  const ExceptionList list = Read();
  EXPECT_EQ(is_new(list, "no stock for 2"), false);
  EXPECT_EQ(is_new(list, "long ago"), true) << "as long a time before, no longer";
  Span({.after_begin = -kMinute, .message = "no stock for 3"});
  const ExceptionList cut = Read({}, 2);
  EXPECT_EQ(is_new(cut, "no stock for 2"), false);
  EXPECT_EQ(is_new(cut, "long ago"), std::nullopt) << "not all of the time before was looked at";
}

TEST_F(ExceptionsTest, OfVeryManyTheNewestAreLookedAtAndThatIsSaid) {
  for (int i = 0; i < 6; ++i) Span({.after_begin = i * kSecond, .message = fmt::format("case {}", char('a' + i))});
  const ExceptionList list = Read({}, 4);
  EXPECT_EQ(list.looked_from_unix_nanos, begin_ + 2 * kSecond);
  EXPECT_THAT(list.groups, SizeIs(4));
}

TEST_F(ExceptionsTest, AnEventAfterTheRangeBelongsToItsSpan) {
  Span({.after_begin = 4 * kMinute, .message = "late", .late = 3 * kMinute});
  const ExceptionList list = Read();
  ASSERT_THAT(list.groups, SizeIs(1));
  EXPECT_EQ(list.groups[0].trend.back(), 1);
}

TEST_F(ExceptionsTest, WhatCannotBeAnsweredIsRefused) {
  ExceptionReader reader(clickhouse());
  for (const ExceptionSearch& search : {ExceptionSearch{.from_unix_nanos = 1, .to_unix_nanos = 2, .limit = 0},
                                        ExceptionSearch{.from_unix_nanos = 1, .to_unix_nanos = 2, .limit = 501},
                                        ExceptionSearch{.from_unix_nanos = 1, .to_unix_nanos = 2, .steps = 0},
                                        ExceptionSearch{.from_unix_nanos = 2, .to_unix_nanos = 2}}) {
    const auto list = reader.Read(search);
    ASSERT_FALSE(list);
    EXPECT_EQ(list.error().code, Code::kInvalidArgument);
  }
}

}  // namespace
}  // namespace sightline::query
