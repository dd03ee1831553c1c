#include "alert/instance.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace sightline::alert {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kBegin = 1'000'000 * kSecond;
constexpr int64_t kEvery = 10;

// A life in letters, one each ten seconds. Samples: '.' fine, 'w' warning, 'c' critical, '-' no value, '?' not known.
// States: '.' inactive, 'p' pending, 'w' and 'c' firing, '-' no data. Notices: 'F', 'R', 'N', ' ' none.
struct Lived {
  std::string states, notices;
  Memory memory;
};
Lived Live(const Patience& patience, const std::string& samples, Memory memory = {}, int64_t begin = kBegin) {
  Lived lived;
  int64_t now = begin;
  for (const char c : samples) {
    Sample sample{.kind = c == '-'   ? Sample::Kind::kMissing
                          : c == '?' ? Sample::Kind::kUnknown
                                     : Sample::Kind::kValue,
                  .value = 1,
                  .level = c == 'w'   ? Level::kWarning
                           : c == 'c' ? Level::kCritical
                                      : Level::kNone};
    const auto change = Advance(patience, sample, now, memory);
    switch (memory.state) {
      case State::kInactive:
        lived.states += '.';
        break;
      case State::kPending:
        lived.states += 'p';
        break;
      case State::kFiring:
        lived.states += memory.level == Level::kCritical ? 'c' : 'w';
        break;
      case State::kNoData:
        lived.states += '-';
        break;
      case State::kError:
        lived.states += 'E';
        break;
    }
    constexpr std::string_view kNotices = " FRNE";
    lived.notices += change ? kNotices[static_cast<size_t>(change->notice)] : ' ';
    now += kEvery * kSecond;
  }
  lived.memory = memory;
  return lived;
}

Patience Of(int64_t for_seconds, int64_t keep_seconds = 0, NoData no_data = NoData::kNoData) {
  return {for_seconds * kSecond, keep_seconds * kSecond, no_data, Level::kWarning};
}

TEST(Instance, LivesAsTheTableSays) {
  const struct {
    const char* what;
    Patience patience;
    const char *samples, *states, *notices;
  } cases[] = {
      {"without for it fires at once", Of(0),
       "..cc..",  //
       "..cc..", "  F R "},
      {"for is a time, not a number of samples", Of(20),
       ".ccccc.",  //
       ".ppccc.", "   F  R"},
      {"a breach that does not last is not told", Of(20),
       ".cc.cc.",  //
       ".pp.pp.", "       "},
      {"it gets worse, and better", Of(0),
       "wwccww.",  //
       "wwccww.", "F F F R"},
      {"critical too has to last", Of(20),
       "wwwccccc",  //
       "ppwwwccc", "  F  F  "},
      {"what began as warning fires as that while critical is new", Of(20),
       "wwcc",  //
       "ppww", "  F "},
      {"it is kept firing", Of(0, 20),
       "c..c....",  //
       "cccccc..", "F     R "},
      {"critical stays so while it is kept", Of(20, 20),
       "ccc.c.",  //
       "ppcccc", "  F   "},
      {"what is not known changes nothing, and for goes on", Of(20),
       "c?cc??.",  //
       "ppcccc.", "  F   R"},
      {"no data is a state at once, and told after for", Of(20),
       ".----.",  //
       ".----.", "   N R"},
      {"no data without for", Of(0),
       ".--.",  //
       ".--.", " N R"},
      {"no data that does not last is not told", Of(20),
       ".--.",  //
       ".--.", "    "},
      {"a firing one without data fires on for as long as for", Of(20),
       "ccc---.",  //
       "ppccc-.", "  F  NR"},
      {"no data, then a breach", Of(10),
       "---cc",  //
       "---pc", " N RF"},
      {"no data, then a breach without for", Of(0),
       "-c.",  //
       "-c.", "NFR"},
      {"no data is ok", Of(0, 0, NoData::kOk),
       "c--",  //
       "c..", "FR "},
      {"no data keeps what was", Of(20, 0, NoData::kKeep),
       "cc-c-.",  //
       "ppp"
       "cc.",
       "   F R"},
      {"no data fires", Of(10, 0, NoData::kFiring),
       "---.",  //
       "pww.", " F R"},
  };
  for (const auto& one : cases) {
    const Lived lived = Live(one.patience, one.samples);
    EXPECT_EQ(lived.states, one.states) << one.what;
    EXPECT_EQ(lived.notices, one.notices) << one.what;
  }
}

TEST(Instance, GoesOnFromWhatIsRemembered) {
  // Wherever the program ends, and whatever the samples: the second half comes to the same as without the end.
  const Patience patience = Of(20, 20);
  const std::string samples = ".cccc..cc....ww--cc?.c.c....-----..";
  const Lived whole = Live(patience, samples);
  for (size_t end = 0; end < samples.size(); ++end) {
    const Lived first = Live(patience, samples.substr(0, end));
    const Lived second =
        Live(patience, samples.substr(end), first.memory, kBegin + static_cast<int64_t>(end) * kEvery * kSecond);
    EXPECT_EQ(first.states + second.states, whole.states);
    EXPECT_EQ(first.notices + second.notices, whole.notices);
    EXPECT_TRUE(second.memory == whole.memory);
  }
}

TEST(Instance, CountsFlapsUntilItIsQuietForAnHour) {
  EXPECT_EQ(Live(Of(0), "c").memory.flaps, 0);
  EXPECT_EQ(Live(Of(0), "c.c.c").memory.flaps, 2);
  const Lived first = Live(Of(0), "c.c.");
  EXPECT_EQ(first.memory.flaps, 1);
  EXPECT_EQ(Live(Of(0), "c", first.memory, kBegin + 40 * kSecond + kFlapNanos).memory.flaps, 0);
}

TEST(Instance, SaysWhenItBeganAndEnded) {
  Memory memory;
  const Patience patience = Of(20);
  const Sample breach{Sample::Kind::kValue, 1, Level::kCritical}, fine{Sample::Kind::kValue, 0, Level::kNone};
  EXPECT_TRUE(Advance(patience, breach, kBegin, memory));
  EXPECT_FALSE(Advance(patience, breach, kBegin + 10 * kSecond, memory));
  const auto fired = Advance(patience, breach, kBegin + 20 * kSecond, memory);
  ASSERT_TRUE(fired);
  EXPECT_EQ(fired->starts, kBegin + 20 * kSecond);
  EXPECT_EQ(fired->ends, 0);
  EXPECT_EQ(fired->level, Level::kCritical);
  const auto resolved = Advance(patience, fine, kBegin + 50 * kSecond, memory);
  ASSERT_TRUE(resolved);
  EXPECT_EQ(resolved->level, Level::kCritical);
  EXPECT_EQ(resolved->starts, kBegin + 20 * kSecond);
  EXPECT_EQ(resolved->ends, kBegin + 50 * kSecond);
}

TEST(Health, IsAnErrorAtOnceAndToldWhenItLasts) {
  const struct {
    int64_t for_seconds;
    const char *failures, *states, *notices;
  } cases[] = {
      {0, ".xx..", ".EE..", "  ER "},
      {0, ".x.x.", ".E.E.", "     "},
      {20, "xxxx.", "EEEE.", "  E R"},
  };
  for (const auto& one : cases) {
    Memory memory;
    std::string states, notices;
    int64_t now = kBegin;
    for (const char c : std::string_view(one.failures)) {
      const auto change = AdvanceHealth(Of(one.for_seconds), c == 'x', now, memory);
      states += memory.state == State::kError ? 'E' : '.';
      constexpr std::string_view kNotices = " FRNE";
      notices += change ? kNotices[static_cast<size_t>(change->notice)] : ' ';
      now += kEvery * kSecond;
    }
    EXPECT_EQ(states, one.states) << one.failures;
    EXPECT_EQ(notices, one.notices) << one.failures;
  }
}

}  // namespace
}  // namespace sightline::alert
