// Exceptions of spans and log records in groups, on the real engine.
#include "query/exceptions.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/clock.h"
#include "query/regression_watch.h"
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
    char directory[] = "/tmp/sightline-exceptions-test-XXXXXX";
    ASSERT_NE(mkdtemp(directory), nullptr);
    directory_ = directory;
    auto opened = state::Database::Open(directory_ + "/state.sqlite");
    ASSERT_TRUE(opened) << opened.error().message;
    database_ = *std::move(opened);
    begin_ = Clock::System().UnixNanos() / kMinute * kMinute - 10 * kMinute;
    Execute(
        "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types) VALUES ('r1', now(), "
        "['service.version'], "
        "['1.0'], 's'), ('c0', now(), ['service.version'], ['1.0'], 's'), ('aa', now(), ['service.version'], ['1.1'], "
        "'s'), ('bb', now(), ['host.name'], ['h'], 's')");
  }

  void TearDown() override {
    database_.reset();
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
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
        "'order 99 failed', {{'exception.type': '{6}'{7}}}, '{8}')",
        ++id_, begin_ + thrown.after_begin, trace, span, thrown.service, thrown.resource, thrown.type,
        thrown.stack.empty() ? "" : ", 'exception.stacktrace': '" + thrown.stack + "'",
        thrown.stack.empty() ? "s" : "ss"));
  }

  ExceptionList Read(ExceptionSearch search = {}, uint32_t events_max = kExceptionEventsMax) {
    if (search.to_unix_nanos == 0) {
      search.from_unix_nanos = begin_;
      search.to_unix_nanos = begin_ + 5 * kMinute;
    }
    state::ExceptionDecisions decisions(*database_, clock_);
    ExceptionReader reader(clickhouse(), &decisions, "sightline", events_max);
    auto list = reader.Read(search);
    EXPECT_TRUE(list) << list.error().message;
    return list ? *std::move(list) : ExceptionList();
  }

  // Of the one group there is, some time after the begin.
  void Decide(const state::DecisionContent& content, int64_t after_begin) {
    clock_.Advance(begin_ + after_begin - clock_.UnixNanos());
    const ExceptionList list = Read();
    ASSERT_THAT(list.groups, SizeIs(1));
    state::ExceptionDecisions decisions(*database_, clock_);
    const auto decided = decisions.Decide(list.groups[0].id, content, std::nullopt);
    ASSERT_TRUE(decided) << decided.error().message;
  }
  ExceptionState StateNow() {
    const ExceptionList list = Read();
    EXPECT_THAT(list.groups, SizeIs(1));
    return list.groups.empty() ? ExceptionState::kOpen : list.groups[0].state;
  }

  int64_t begin_ = 0;
  uint64_t id_ = 0;
  std::string directory_;
  std::unique_ptr<state::Database> database_;
  FakeClock clock_{0};
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

TEST_F(ExceptionsTest, AStatusInTheMessageTells) {
  Span({.message = "answer of 1234567: status 404"});
  Span({.message = "answer of 7654321: status 404"});
  Span({.message = "answer of 7654321: status 503"});
  const ExceptionList list = Read();
  ASSERT_THAT(list.groups, SizeIs(2));
  EXPECT_EQ(list.groups[0].count, 2);
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

TEST_F(ExceptionsTest, RecordsOfDroppedSpansAreStoodForByTheKeptOnes) {
  constexpr const char* kMessage = "order 99 failed";  // as records say
  const std::string kept = Span({.message = kMessage, .weight = 4});
  for (int i = 0; i < 3; ++i) Log({.after_begin = kMinute}, fmt::format("{:032x}", 1000 + i), 1);
  const auto count = [&] {
    const ExceptionList list = Read();
    EXPECT_THAT(list.groups, SizeIs(1));
    double in_trend = 0;
    for (const double step : list.groups.at(0).trend) in_trend += step;
    EXPECT_DOUBLE_EQ(in_trend, list.groups.at(0).count);
    return list.groups.at(0).count;
  };
  EXPECT_EQ(count(), 4) << "the kept span stands for itself and three others";
  Log({.after_begin = kMinute}, kept, 1);
  EXPECT_EQ(count(), 4) << "its own record";
  Log({.after_begin = kMinute}, fmt::format("{:032x}", 2000), 1);
  Log({.after_begin = kMinute}, fmt::format("{:032x}", 2001), 1);
  EXPECT_EQ(count(), 6) << "more than were dropped are of spans without such an event";
  Log({.after_begin = 2 * kMinute}, std::string(32, '0'), 0);
  EXPECT_EQ(count(), 7) << "no span stands for what has no trace";
}

TEST_F(ExceptionsTest, ARecordWithAStackTraceSaysItsMessageThere) {
  Span({.stack = fmt::format(kPay, 12, 17)});
  Log({.after_begin = kMinute, .stack = fmt::format(kPay, 12, 18)}, std::string(32, '0'), 0);
  Log({.after_begin = kMinute, .type = "KeyError", .stack = fmt::format(kPay, 12, 18)}, std::string(32, '0'), 0);
  const ExceptionList list = Read();
  ASSERT_THAT(list.groups, SizeIs(2));
  EXPECT_EQ(list.groups[0].count, 2) << "by their frames they are one";
  EXPECT_EQ(list.groups[0].message, "bad cart 18");
  EXPECT_EQ(list.groups[1].message, "") << "nothing there says it";
}

TEST_F(ExceptionsTest, TheNewestTracesAreShown) {
  std::vector<std::string> traces;
  for (const int at : {3, 7, 1, 8, 5, 2, 6, 4}) traces.push_back(Span({.after_begin = at * kSecond}));
  const ExceptionList list = Read();
  ASSERT_THAT(list.groups, SizeIs(1));
  EXPECT_THAT(list.groups[0].trace_ids, ElementsAre(traces[3], traces[1], traces[6], traces[4], traces[7]));
}

TEST_F(ExceptionsTest, GroupsBeyondThoseToldApartAreSaid) {
  Execute(fmt::format(
      "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ServiceName, AdjustedCount, Events.Timestamp, "
      "Events.Name, Events.Attributes, Events.AttributeTypes, Events.DroppedAttributesCount) SELECT 1, "
      "fromUnixTimestamp64Nano({0}), sipHash128(number), reinterpretAsFixedString(number), 'shop', 1, "
      "[fromUnixTimestamp64Nano({0})], ['exception'], [map('exception.type', 'E', 'exception.message', "
      "translate(toString(number), '0123456789', 'ghijklmnop'))], ['ss'], [0] FROM numbers({1})",
      begin_, kDistinctExceptionsMax));
  ExceptionList list = Read();
  EXPECT_EQ(list.groups_in_all, kDistinctExceptionsMax);
  EXPECT_FALSE(list.has_more);
  Span({.message = "another"});
  list = Read();
  EXPECT_EQ(list.groups_in_all, kDistinctExceptionsMax);
  EXPECT_TRUE(list.has_more);
}

TEST_F(ExceptionsTest, WhatIsSeenAfterItWasResolvedHasRegressed) {
  Span({.after_begin = kMinute});
  EXPECT_EQ(StateNow(), ExceptionState::kOpen);
  Decide({"resolved", "deployed", ""}, 2 * kMinute);
  EXPECT_EQ(StateNow(), ExceptionState::kResolved);
  Span({.after_begin = 90 * kSecond});
  EXPECT_EQ(StateNow(), ExceptionState::kResolved) << "it came late, but was thrown before";
  Span({.after_begin = 3 * kMinute});
  const ExceptionList list = Read();
  ASSERT_THAT(list.groups, SizeIs(1));
  EXPECT_EQ(list.groups[0].state, ExceptionState::kRegressed);
  ASSERT_TRUE(list.groups[0].decision);
  EXPECT_EQ(list.groups[0].decision->note, "deployed");
  EXPECT_EQ(list.groups[0].decision->regressed_unix_nanos, begin_ + 3 * kMinute);
  const ExceptionList early = Read({.from_unix_nanos = begin_, .to_unix_nanos = begin_ + 2 * kMinute});
  ASSERT_THAT(early.groups, SizeIs(1));
  EXPECT_EQ(early.groups[0].state, ExceptionState::kRegressed) << "whatever the range, once it is known";
  const ExceptionList late = Read({.from_unix_nanos = begin_ + 150 * kSecond, .to_unix_nanos = begin_ + 200 * kSecond});
  ASSERT_THAT(late.groups, SizeIs(1));
  EXPECT_EQ(late.groups[0].is_new, false) << "somebody decided about it before";
  Decide({"resolved", "", ""}, 4 * kMinute);
  EXPECT_EQ(StateNow(), ExceptionState::kResolved) << "once more";
  Decide({"ignored", "", ""}, 4 * kMinute);
  Span({.after_begin = 270 * kSecond});
  EXPECT_EQ(StateNow(), ExceptionState::kIgnored) << "whatever comes";
  Decide({"open", "", ""}, 4 * kMinute);
  EXPECT_EQ(StateNow(), ExceptionState::kOpen);
}

TEST_F(ExceptionsTest, WhatComesBackIsNotedThoughNobodyAsks) {
  Span({.after_begin = kSecond, .stack = fmt::format(kPay, 12, 17)});
  Decide({.state = "resolved"}, kMinute);
  state::ExceptionDecisions decisions(*database_, clock_);
  ExceptionReader reader(clickhouse(), &decisions);
  RegressionWatch watch(reader, decisions, clock_, std::chrono::milliseconds(0));
  ASSERT_TRUE(watch.Look());
  EXPECT_EQ(StateNow(), ExceptionState::kResolved);
  Span({.after_begin = 2 * kMinute, .stack = fmt::format(kPay, 12, 17)});
  clock_.Advance(5 * kMinute);
  ASSERT_TRUE(watch.Look());
  EXPECT_FALSE(*decisions.FirstResolvedUnixNanos()) << "there is nothing left to look out for";
  // Nothing of a range in which it did not come back says so.
  ExceptionSearch before{.from_unix_nanos = begin_, .to_unix_nanos = begin_ + 2 * kSecond};
  const ExceptionList list = Read(before);
  ASSERT_THAT(list.groups, SizeIs(1));
  EXPECT_EQ(list.groups[0].state, ExceptionState::kRegressed);
  EXPECT_EQ(list.groups[0].decision->regressed_unix_nanos, begin_ + 2 * kMinute);
}

TEST_F(ExceptionsTest, ALookBeginsWhereTheLastOneEndedOrSpansMayStillCome) {
  Span({.after_begin = -kRegressionLookBackNanos, .stack = fmt::format(kPay, 12, 17)});
  clock_.Advance(begin_ - kRegressionLookBackNanos - clock_.UnixNanos() - kMinute);
  state::ExceptionDecisions decisions(*database_, clock_);
  const ExceptionList list =
      Read({.from_unix_nanos = begin_ - kRegressionLookBackNanos, .to_unix_nanos = begin_});
  ASSERT_TRUE(decisions.Decide(list.groups.at(0).id, {.state = "resolved"}, std::nullopt));
  clock_.Advance(kRegressionLookBackNanos + 2 * kMinute);
  ExceptionReader reader(clickhouse(), &decisions);
  RegressionWatch watch(reader, decisions, clock_, std::chrono::milliseconds(0));
  ASSERT_TRUE(watch.Look());
  EXPECT_TRUE(*decisions.FirstResolvedUnixNanos()) << "it came back before the time of the first look";
  clock_.Advance(kRegressionLateNanos - kMinute);
  Span({.after_begin = kMinute, .stack = fmt::format(kPay, 12, 17)});  // stored late
  ASSERT_TRUE(watch.Look());
  EXPECT_FALSE(*decisions.FirstResolvedUnixNanos());
}

TEST_F(ExceptionsTest, OfWhatIsResolvedInAVersionOlderOnesDoNotCount) {
  Span({.after_begin = kMinute, .resource = "c0"});
  Decide({"resolved", "", "1.1"}, 2 * kMinute);
  Span({.after_begin = 130 * kSecond, .resource = "c0"});
  Span({.after_begin = 130 * kSecond, .resource = "bb"});
  EXPECT_EQ(StateNow(), ExceptionState::kResolved) << "1.0 still runs, 1.1 is not deployed";
  Execute(
      "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types) VALUES ('c2', now(), "
      "['service.version'], ['1.2'], 's')");
  Execute(
      fmt::format("INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ServiceName, ResourceId) VALUES "
                  "(500, fromUnixTimestamp64Nano({}), unhex('aa'), unhex('bb'), 'shop', 'aa')",
                  begin_ + 140 * kSecond));
  Span({.after_begin = 150 * kSecond, .resource = "c0"});
  EXPECT_EQ(StateNow(), ExceptionState::kResolved) << "1.1 runs beside 1.0 and does not throw it";
  Span({.after_begin = 160 * kSecond, .resource = "c2"});
  EXPECT_EQ(StateNow(), ExceptionState::kRegressed) << "1.2 came after 1.1";
  Decide({"resolved", "", "1.1"}, 170 * kSecond);
  EXPECT_EQ(StateNow(), ExceptionState::kResolved);
  Span({.after_begin = 180 * kSecond, .resource = "aa"});
  EXPECT_EQ(StateNow(), ExceptionState::kRegressed) << "1.1 itself";
}

TEST_F(ExceptionsTest, AreAskedForByTheirState) {
  Span({});
  Decide({"resolved", "", ""}, kMinute);
  Span({.type = "KeyError"});
  const ExceptionList open = Read({.states = {ExceptionState::kOpen, ExceptionState::kRegressed}});
  ASSERT_THAT(open.groups, SizeIs(1));
  EXPECT_EQ(open.groups[0].type, "KeyError");
  EXPECT_EQ(open.groups_in_all, 1u);
  EXPECT_THAT(open.states, ElementsAre(1, 0, 1, 0)) << "of all, whatever was asked for";
  EXPECT_EQ(Read({.states = {ExceptionState::kResolved}}).groups.at(0).type, "ValueError");
  EXPECT_THAT(Read({.states = {ExceptionState::kIgnored}}).groups, IsEmpty());
  EXPECT_THAT(Read().groups, SizeIs(2));
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
