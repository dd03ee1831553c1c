#include "cli/waterfall.h"

#include <gtest/gtest.h>

#include <set>

#include "cli/table.h"

namespace sightline::cli {
namespace {

constexpr int64_t kStart = 1'700'000'000'000'000'000;
constexpr int64_t kMilli = 1'000'000;

query::Span MakeSpan(std::string id, std::string parent, std::string service, std::string name, int64_t at_millis,
                     int64_t millis) {
  query::Span span;
  span.span_id = std::move(id);
  span.parent_span_id = std::move(parent);
  span.service = std::move(service);
  span.name = std::move(name);
  span.status = "Unset";
  span.start_unix_nanos = kStart + at_millis * kMilli;
  span.duration_nanos = static_cast<uint64_t>(millis * kMilli);
  return span;
}

query::Trace ErrorTrace() {
  query::Trace trace;
  trace.trace_id = "0af7651916cd43dd8448eb211c80319c";
  trace.spans = {MakeSpan("a1", "", "web", "GET /recommend", 0, 100), MakeSpan("b1", "a1", "web", "render", 80, 20),
                 MakeSpan("b2", "a1", "recommender", "predict", 10, 60),
                 MakeSpan("c1", "b2", "recommender", "SELECT", 20, 40)};
  trace.spans[0].attributes = {{"http.request.method", 's', "GET"},
                               {"http.response.status_code", 'i', "500"},
                               {"http.route", 's', "/recommend/{user}"}};
  trace.spans[3].status = "Error";
  trace.spans[3].status_message = "timeout";
  trace.spans[3].attributes = {{"db.system.name", 's', "postgresql"}, {"db.query.text", 's', "SELECT *\nFROM items"}};
  trace.spans[3].events = {
      {kStart,
       "exception",
       {{"exception.message", 's', "canceling statement"}, {"exception.type", 's', "QueryCanceled"}}}};
  return trace;
}

TEST(Waterfall, DrawsTreeBarsDurationsAndErrors) {
  const std::string expected =
      "Trace 0af7651916cd43dd8448eb211c80319c\n"
      "2023-11-14 22:13:20.000 UTC · 100.0ms · 4 spans · 1 error\n"
      "■ web  ■ recommender\n"
      "\n"
      "! web GET /recommend                     █████████████████████████████   100.0ms\n"
      "│  GET /recommend/{user}  → 500\n"
      "├─ ! recommender predict                   ██████████████████▎            60.0ms\n"
      "│  └─ ✗ SELECT                                ████████████▍               40.0ms\n"
      "│        postgresql: SELECT * FROM items\n"
      "│        QueryCanceled: canceling statement\n"
      "│        timeout\n"
      "└─ render                                                       ██████    20.0ms\n";
  EXPECT_EQ(DrawWaterfall(ErrorTrace(), {.width = 80}), expected);
}

TEST(Waterfall, DetailsStandBesideTheNameWhereThereIsRoom) {
  auto trace = ErrorTrace();
  trace.spans[3].attributes[1].text = "\n      SELECT *\n        FROM items\n";
  const std::string text = DrawWaterfall(trace, {.width = 130});
  EXPECT_NE(text.find("! web GET /recommend  GET /recommend/{user}  → 500  "), std::string::npos) << text;
  EXPECT_NE(text.find("✗ SELECT  postgresql: SELECT * FROM items  "), std::string::npos) << text;
}

TEST(Waterfall, TheServiceIsNamedWhereItChanges) {
  auto trace = ErrorTrace();
  trace.spans[1].service = "";
  const std::string text = DrawWaterfall(trace, {.width = 80});
  EXPECT_NE(text.find("└─ (no service) render"), std::string::npos) << text;
  EXPECT_NE(text.find("├─ ! recommender predict"), std::string::npos) << text;
  EXPECT_EQ(text.find("recommender SELECT"), std::string::npos) << text;
}

TEST(Waterfall, EveryLineFitsTheWidth) {
  auto trace = ErrorTrace();
  trace.spans[1].name = std::string(300, 'x');
  trace.spans[2].service = "рекомендатор-очень-длинное-имя-сервиса";
  trace.spans[3].name = "日本語の長い名前のスパンです、とても長い名前です";
  for (size_t width : {40, 60, 80, 133, 200}) {
    std::string text = DrawWaterfall(trace, {.width = width});
    for (size_t at = 0; at < text.size();) {
      const size_t end = text.find('\n', at);
      const auto line = std::string_view(text).substr(at, end - at);
      if (!line.starts_with("Trace") && !line.starts_with("20") && !line.starts_with("■")) {
        EXPECT_LE(DisplayWidth(line), width) << line;
      }
      at = end + 1;
    }
  }
}

TEST(Waterfall, ColoursMarkErrorsRedUpToTheRoot) {
  const std::string text = DrawWaterfall(ErrorTrace(), {.width = 80, .color = true});
  EXPECT_NE(text.find("\x1b[1;31mSELECT"), std::string::npos);    // the failed span
  EXPECT_NE(text.find("\x1b[31mpredict"), std::string::npos);     // its parent
  EXPECT_NE(text.find("\x1b[31mGET /recom"), std::string::npos);  // the root
  EXPECT_EQ(text.find("\x1b[31mrender"), std::string::npos);      // not its aunt
  EXPECT_EQ(DrawWaterfall(ErrorTrace(), {.width = 80}).find('\x1b'), std::string::npos);
}

TEST(Waterfall, ControlCharactersOfOthersDoNotReachTheTerminal) {
  auto trace = ErrorTrace();
  trace.spans[0].name = "\x1b[2Jevil\a";
  trace.spans[0].service =
      "a\x9b"
      "31mb\xC2\x9b";
  trace.spans[3].status_message = "x\ny\x1b]0;title\a";
  const std::string text = DrawWaterfall(trace, {.width = 80});
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\a'), std::string::npos);
  EXPECT_EQ(text.find("\xC2\x9b"), std::string::npos);
}

TEST(Waterfall, ASpanWithoutItsParentStandsUnderAMarkedPlace) {
  query::Trace trace;
  trace.trace_id = "01";
  trace.spans = {MakeSpan("a", "dead", "s", "one", 0, 10), MakeSpan("b", "dead", "s", "two", 5, 5)};
  const std::string text = DrawWaterfall(trace, {.width = 60});
  EXPECT_NE(text.find("? parent dead is not here\n├─ s one"), std::string::npos) << text;
  EXPECT_NE(text.find("└─ s two"), std::string::npos) << text;
}

void ExpectEachSpanOnce(const query::Trace& trace) {
  std::multiset<int> drawn;
  for (const auto& line : LayOutTree(trace)) {
    if (line.span >= 0) drawn.insert(line.span);
  }
  EXPECT_EQ(drawn.size(), trace.spans.size());
  EXPECT_EQ(std::set<int>(drawn.begin(), drawn.end()).size(), trace.spans.size());
}

TEST(WaterfallTree, LoopsAndSelfParentsAndRepeatedIdsAreDrawnOnce) {
  query::Trace trace;
  trace.spans = {MakeSpan("a", "b", "s", "a", 1, 1),      MakeSpan("b", "c", "s", "b", 0, 1),
                 MakeSpan("c", "a", "s", "c", 2, 1),      MakeSpan("d", "c", "s", "d", 3, 1),
                 MakeSpan("e", "e", "s", "e", 4, 1),      MakeSpan("f", "", "s", "f", 5, 1),
                 MakeSpan("f", "", "s", "f again", 6, 1), MakeSpan("g", "f", "s", "g", 7, 1)};
  ExpectEachSpanOnce(trace);
  // The loop is opened at its earliest span.
  EXPECT_EQ(LayOutTree(trace).front().span, 1);
}

TEST(WaterfallTree, AChainOfThousandsNeedsNeitherRecursionNorSquareMemory) {
  query::Trace trace;
  for (int i = 0; i < 20000; ++i) {
    trace.spans.push_back(MakeSpan(std::to_string(i), i == 0 ? "" : std::to_string(i - 1), "s", "n", i, 1));
  }
  ExpectEachSpanOnce(trace);
  trace.spans.back().status = "Error";
  const auto lines = LayOutTree(trace);
  EXPECT_TRUE(lines.front().error_below);
  EXPECT_LT(lines.back().prefix.size(), 1000u);
}

TEST(Waterfall, DurationsFromNothingToLongerThanTimeItself) {
  query::Trace trace;
  trace.spans = {MakeSpan("a", "", "s", "zero", 0, 0)};
  EXPECT_NE(DrawWaterfall(trace, {.width = 60}).find("0ns"), std::string::npos);
  trace.spans[0].duration_nanos = UINT64_MAX;
  EXPECT_NE(DrawWaterfall(trace, {.width = 60}).find("█"), std::string::npos);
}

TEST(Table, DurationTextHasOneUnit) {
  EXPECT_EQ(DurationText(0), "0ns");
  EXPECT_EQ(DurationText(999), "999ns");
  EXPECT_EQ(DurationText(3'400), "3.4µs");
  EXPECT_EQ(DurationText(999'960), "1.0ms");
  EXPECT_EQ(DurationText(56'700'000), "56.7ms");
  EXPECT_EQ(DurationText(1'234'000'000), "1.23s");
  EXPECT_EQ(DurationText(59'999'000'000), "0m59s");
  EXPECT_EQ(DurationText(123'000'000'000), "2m03s");
  EXPECT_EQ(DurationText(3'900'000'000'000), "1h05m");
}

TEST(Table, WidthsCountWhatTheTerminalShows) {
  EXPECT_EQ(DisplayWidth("abc"), 3u);
  EXPECT_EQ(DisplayWidth("äöü"), 3u);
  EXPECT_EQ(DisplayWidth("日本"), 4u);
  EXPECT_EQ(DisplayWidth("e\xCC\x81"), 1u);
  EXPECT_EQ(CutToWidth("日本語", 5), "日本…");
  EXPECT_EQ(CutToWidth("日本語", 4), "日…");
  EXPECT_EQ(PadToWidth("日本語", 4), "日… ");
  EXPECT_EQ(PadToWidth("ab", 4, true), "  ab");
}

TEST(Table, AlignsColumnsAndColoursOnlyWhenAsked) {
  const std::vector<Column> columns = {{"NAME", false, 5}, {"N", true}};
  const std::vector<std::vector<Cell>> rows = {{{"abcdefgh", "31"}, {"1", ""}}, {{"b", ""}, {"100", ""}}};
  EXPECT_EQ(FormatTable(columns, rows, false),
            "NAME     N\n"
            "abcd…    1\n"
            "b      100\n");
  EXPECT_NE(FormatTable(columns, rows, true).find("\x1b[31mabcd…\x1b[0m"), std::string::npos);
}

}  // namespace
}  // namespace sightline::cli
