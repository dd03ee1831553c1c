#include "serve/params.h"

#include <gtest/gtest.h>

namespace sightline::serve {
namespace {

constexpr int64_t kNow = 1'763'800'000'000'000'000;
constexpr int64_t kSecond = 1'000'000'000, kMinute = 60 * kSecond, kHour = 60 * kMinute;

using Query = std::vector<std::pair<std::string, std::string>>;

class ParamsTest : public ::testing::Test {
 protected:
  Params& Of(Query query) {
    request_.path = "/api/v1/things";
    request_.query = std::move(query);
    return params_.emplace(request_, kNow);
  }
  // The parameter at fault; "" if all is well.
  std::string Fault() {
    const auto checked = params_->Check();
    message_ = checked ? "" : checked.error().message;
    if (!checked) EXPECT_EQ(checked.error().code, Code::kInvalidArgument);
    return params_->where();
  }

  net::HttpRequest request_;
  std::optional<Params> params_;
  std::string message_;
};

TEST_F(ParamsTest, TheRangeIsTheLastHourAndALittleOfTheFutureUnlessSaid) {
  const TimeRange preset = Of({}).Range();
  EXPECT_EQ(preset.from_unix_nanos, kNow - kHour);
  EXPECT_EQ(preset.to_unix_nanos, kNow + kClockSkewNanos);
  EXPECT_EQ(Of({{"last", "15m"}}).Range().from_unix_nanos, kNow - 15 * kMinute);
  EXPECT_EQ(Of({{"last", "forever"}}).Range().from_unix_nanos, 0);
  EXPECT_EQ(Of({}).Range({.allow_clock_skew = false}).to_unix_nanos, kNow);
  EXPECT_EQ(Of({}).Range({.all_times_by_default = true}).from_unix_nanos, 0);
  EXPECT_EQ(Of({{"last", "1s"}}).Range({.all_times_by_default = true}).from_unix_nanos, kNow - kSecond);
  const TimeRange given = Of({{"from", "5"}, {"to", "9"}}).Range();
  EXPECT_EQ(given.from_unix_nanos, 5);
  EXPECT_EQ(given.to_unix_nanos, 9);
  EXPECT_EQ(Fault(), "");
  EXPECT_EQ(Of({{"to", std::to_string(2 * kHour)}}).Range().from_unix_nanos, kHour);
}

TEST_F(ParamsTest, WrongRangesNameTheParameter) {
  const struct {
    Query query;
    std::string where;
  } cases[] = {
      {{{"last", "yesterday"}}, "last"},
      {{{"last", ""}}, "last"},
      {{{"last", "0"}}, "last"},
      {{{"last", "1h"}, {"from", "1"}}, "last"},
      {{{"last", "1h"}, {"last", "2h"}}, "last"},
      {{{"from", "-1"}}, "from"},
      {{{"from", "1.5"}}, "from"},
      {{{"from", "99999999999999999999"}}, "from"},
      {{{"from", "9"}, {"to", "9"}}, "from"},
      {{{"to", "now"}}, "to"},
      {{{"to", "0"}}, "to"},
  };
  for (const auto& wrong : cases) {
    Of(wrong.query).Range();
    EXPECT_EQ(Fault(), wrong.where) << wrong.query[0].second;
    EXPECT_NE(message_, "");
  }
}

TEST_F(ParamsTest, StepsAreRoundAndAtMost120UnlessSaid) {
  const struct {
    int64_t nanos, unit, step;
  } cases[] = {{kMinute, 1, 1},
               {10 * kMinute, 1, 5},
               {kHour, 1, 30},
               {kHour, 60, 60},
               {24 * kHour, 1, 900},
               {7 * 24 * kHour, 60, 2 * 3600},
               {30 * 24 * kHour, 1, 6 * 3600}};
  for (const auto& each : cases) {
    EXPECT_EQ(Of({}).StepSeconds({kNow - each.nanos, kNow}, each.unit), each.step) << each.nanos;
    EXPECT_LE(each.nanos / kSecond / each.step, kStepsDefaultMax);
  }
  EXPECT_LE(kNow / kSecond / Of({}).StepSeconds({0, kNow}), kStepsDefaultMax);
  EXPECT_EQ(Of({{"step", "90s"}}).StepSeconds({kNow - kHour, kNow}), 90);
  EXPECT_EQ(Fault(), "");
}

TEST_F(ParamsTest, WrongStepsAreRefusedAndAUsableOneIsNamed) {
  for (const char* wrong : {"0", "100ms", "1500ms", "soon", "forever"}) {
    Of({{"step", wrong}}).StepSeconds({kNow - kHour, kNow});
    EXPECT_EQ(Fault(), "step") << wrong;
  }
  Of({{"step", "90s"}}).StepSeconds({kNow - kHour, kNow}, 60);
  EXPECT_EQ(Fault(), "step");
  Of({{"step", "1s"}}).StepSeconds({kNow - 24 * kHour, kNow});
  EXPECT_EQ(Fault(), "step");
  EXPECT_NE(message_.find("8s or more"), std::string::npos) << message_;
  Of({{"step", "8s"}}).StepSeconds({kNow - 24 * kHour, kNow});
  EXPECT_EQ(Fault(), "");
}

TEST_F(ParamsTest, LimitsAreWholeNumbersWithinTheirBounds) {
  EXPECT_EQ(Of({}).Limit(), kPageItemsDefault);
  EXPECT_EQ(Of({{"limit", "1000"}}).Limit(), 1000U);
  EXPECT_EQ(Fault(), "");
  for (const char* wrong : {"0", "-1", "1001", "99999999999", "0x1", "", "1.0", " 1"}) {
    Of({{"limit", wrong}}).Limit();
    EXPECT_EQ(Fault(), "limit") << wrong;
  }
}

TEST_F(ParamsTest, ChoicesNameWhatIsKnown) {
  auto read = [&](Query query) { return Of(std::move(query)).Choice("sort", 1, {{"newest", 1}, {"slowest", 2}}); };
  EXPECT_EQ(read({}), 1);
  EXPECT_EQ(read({{"sort", "slowest"}}), 2);
  EXPECT_EQ(Fault(), "");
  EXPECT_EQ(read({{"sort", "Slowest"}}), 1);
  EXPECT_EQ(Fault(), "sort");
  EXPECT_NE(message_.find("\nknown: newest, slowest"), std::string::npos) << message_;
}

TEST_F(ParamsTest, AttributesAreKeyAndValueAndMayBeRepeated) {
  const auto attributes = Of({{"attribute", "a=1=2"}, {"attribute", "resource.b="}}).Attributes();
  EXPECT_EQ(Fault(), "");
  ASSERT_EQ(attributes.size(), 2U);
  EXPECT_EQ(attributes[0].key, "a");
  EXPECT_EQ(attributes[0].value, "1=2");
  EXPECT_FALSE(attributes[0].resource_only);
  EXPECT_EQ(attributes[1].key, "b");
  EXPECT_EQ(attributes[1].value, "");
  EXPECT_TRUE(attributes[1].resource_only);
  for (const char* wrong : {"", "a", "=1"}) {
    Of({{"attribute", wrong}}).Attributes();
    EXPECT_EQ(Fault(), "attribute") << wrong;
  }
  Of(Query(kAttributeConditionsMax + 1, {"attribute", "a=1"})).Attributes();
  EXPECT_EQ(Fault(), "attribute");
}

TEST_F(ParamsTest, IdsAreHexOfTheirLength) {
  EXPECT_EQ(Of({{"span_id", "00AAbbCC00112233"}}).HexId("span_id", 16), "00aabbcc00112233");
  EXPECT_EQ(Of({}).HexId("span_id", 16), "");
  for (const char* wrong : {"00", "00aabbcc0011223g", "00aabbcc001122334"}) {
    Of({{"span_id", wrong}}).HexId("span_id", 16);
    EXPECT_EQ(Fault(), "span_id") << wrong;
  }
}

TEST_F(ParamsTest, UnknownParametersAreRefusedWithWhatWasMeant) {
  Params& params = Of({{"servise", "x"}});
  params.Text("service");
  params.Limit();
  EXPECT_EQ(Fault(), "servise");
  EXPECT_NE(message_.find("did you mean service? known: service, limit"), std::string::npos) << message_;
  Of({{"nothing_like_it", "x"}}).Text("service");
  EXPECT_EQ(Fault(), "nothing_like_it");
  EXPECT_NE(message_.find("\nknown: service"), std::string::npos) << message_;
  Of({{"x", "1"}});
  EXPECT_EQ(Fault(), "x");
  EXPECT_NE(message_.find("no parameters here"), std::string::npos) << message_;
}

TEST_F(ParamsTest, AnEmptyTextIsNotAnAbsentOne) {
  Params& params = Of({{"service", ""}});
  EXPECT_EQ(params.OptionalText("service"), "");
  EXPECT_EQ(params.OptionalText("name"), std::nullopt);
  EXPECT_EQ(Fault(), "");
}

TEST_F(ParamsTest, TheFirstErrorStays) {
  Params& params = Of({{"limit", "0"}, {"sort", "odd"}, {"unknown", "1"}});
  params.Limit();
  params.Choice("sort", 1, {{"newest", 1}});
  EXPECT_EQ(Fault(), "limit");
}

TEST_F(ParamsTest, ACursorKeepsTheRangeOfTheFirstPage) {
  Params& first = Of({{"last", "1h"}, {"service", "a"}});
  const TimeRange range = first.Range();
  first.Text("service");
  EXPECT_TRUE(first.Position(2).empty());
  const std::string cursor = first.NextCursor({"7", "x"});
  ASSERT_EQ(Fault(), "");

  request_.query.emplace_back("cursor", cursor);
  Params& later = params_.emplace(request_, kNow + 10 * kMinute);
  later.Text("service");
  EXPECT_EQ(later.Range().from_unix_nanos, range.from_unix_nanos);
  EXPECT_EQ(later.Range().to_unix_nanos, range.to_unix_nanos);
  EXPECT_EQ(later.Position(2), (std::vector<std::string>{"7", "x"}));
  EXPECT_EQ(later.PositionNumber("7"), 7);
  EXPECT_EQ(Fault(), "");
}

TEST_F(ParamsTest, CursorsOfAnotherQuestionOrShapeAreRefused) {
  Params& first = Of({{"service", "a"}});
  first.Range();
  const std::string cursor = first.NextCursor({"7"});
  auto read = [&](Query query, size_t fields) {
    Params& params = Of(std::move(query));
    params.Text("service");
    params.Range();
    return params.Position(fields);
  };
  EXPECT_EQ(read({{"service", "a"}, {"cursor", cursor}}, 1).size(), 1U);
  EXPECT_EQ(Fault(), "");
  read({{"service", "b"}, {"cursor", cursor}}, 1);
  EXPECT_EQ(Fault(), "cursor");
  read({{"service", "a"}, {"cursor", cursor}}, 2);
  EXPECT_EQ(Fault(), "cursor");
  read({{"service", "a"}, {"cursor", "nonsense"}}, 1);
  EXPECT_EQ(Fault(), "cursor");
  for (const char* odd : {"7x", "-1", "", "9223372036854775808"}) {
    Of({}).PositionNumber(odd);
    EXPECT_EQ(Fault(), "cursor") << odd;
  }
}

}  // namespace
}  // namespace sightline::serve
