#include "slo/slo_document.h"

#include <gtest/gtest.h>

namespace sightline::slo {
namespace {

std::string Document(const std::string& sli, const std::string& more = "",
                     const std::string& window = R"({"kind":"rolling","length":"30d"})") {
  return fmt::format(R"({{"schema":1,"name":"n","objective":0.999,"window":{},"sli":{}{}}})", window, sli, more);
}

constexpr const char* kRequests = R"({"kind":"requests","service":"shop","good":"no_error"})";

SloDocument Read(const std::string& json) {
  auto document = ReadSloDocument(json);
  EXPECT_TRUE(document) << document.error().message << "\n" << json;
  return document ? *std::move(document) : SloDocument();
}

TEST(SloDocument, SaysWhatIsCounted) {
  const SloDocument slo = Read(Document(
      R"({"kind":"requests","service":"shop","operations":["GET /","POST /cart"],"good":{"latency_under":"300ms"}})",
      R"(,"labels":{"team":"search"},"minimum_events":5)"));
  const auto& sli = std::get<RequestsSli>(slo.sli);
  EXPECT_EQ(sli.service, "shop");
  EXPECT_EQ(sli.operations, (std::vector<std::string>{"GET /", "POST /cart"}));
  EXPECT_EQ(sli.latency_under_nanos, 300'000'000);
  EXPECT_EQ(slo.minimum_events, 5);
  EXPECT_EQ(slo.window.length_seconds, 30 * kDaySeconds);
  EXPECT_EQ(slo.labels.at(0).second, "search");
  const SloDocument slices = Read(Document(
      R"({"kind":"time_slices","source":"metrics","query":{"metric":"queue","aggregation":"max"},"slice":"5m","op":"below","threshold":10})"));
  EXPECT_EQ(std::get<TimeSlicesSli>(slices.sli).slice_minutes, 5);
  EXPECT_EQ(slices.minimum_events, 1);
  const SloDocument composite = Read(Document(R"({"kind":"composite","of":["1","file-a"],"weights":[2,1]})"));
  EXPECT_EQ(std::get<CompositeSli>(composite.sli).weights, (std::vector<double>{2, 1}));
}

// One failure among so many stays below the fastest rate that pages, one among fewer does not.
TEST(SloDocument, AsksForSoManyEventsThatOneFailureAloneDoesNotPage) {
  for (const double objective : {0.9, 0.99, 0.995, 0.999, 0.9999}) {
    const double events = DefaultMinimumEvents(objective);
    EXPECT_LT(1 / events / (1 - objective), 14.4) << objective;
    if (events > 1) EXPECT_GE(1 / (events - 1) / (1 - objective), 14.4 - 1e-9) << objective;
  }
  EXPECT_EQ(Read(Document(kRequests)).minimum_events, 70);
}

TEST(SloDocument, NamesTheMemberThatIsWrong) {
  const struct {
    std::string json;
    const char *where, *why;
  } cases[] = {
      {"[]", "document", "an object is wanted"},
      {"{", "document", "no JSON"},
      {Document(kRequests, R"(,"labels":{"a":1})"), "labels.a", "a text"},
      {Document(R"({"kind":"magic"})"), "sli.kind", "none of"},
      {Document(R"({"service":"x"})"), "sli", "kind is wanted"},
      {Document(R"({"kind":"requests","service":"x","good":"fast"})"), "sli.good", "no_error"},
      {Document(R"({"kind":"events","source":"logs","good":{"query":"{"},"total":{"query":""}})"), "sli.good.query",
       "the query ends here"},
      {Document(
           R"({"kind":"events","source":"metrics","good":{"metric":"m","aggregation":"p95"},"total":{"metric":"m","aggregation":"increase"}})"),
       "sli.good.aggregation", "does not count"},
      {Document(R"~({"kind":"events","source":"traceql","good":{"query":"{ } | rate()"},"total":{"query":"{ }"}})~"),
       "sli.good.query", "condition on spans"},
      {Document(
           R"~({"kind":"time_slices","source":"traceql","query":{"query":"{ } | rate()"},"slice":"7m","op":"below","threshold":1})~"),
       "sli.slice", "make up an hour"},
      {Document(
           R"({"kind":"time_slices","source":"traceql","query":{"query":"{ }"},"slice":"1m","op":"below","threshold":1})"),
       "sli.query.query", ""},
      {Document(R"({"kind":"composite","of":[]})"), "sli.of", "empty"},
      {Document(R"({"kind":"composite","of":["1","1"]})"), "sli.of[1]", "twice"},
      {Document(R"({"kind":"composite","of":["1","2"],"weights":[1]})"), "sli.weights", "1 weights for 2"},
      {Document(kRequests, "", R"({"kind":"rolling","length":"100d"})"), "window.length", "92d"},
      {Document(kRequests, "", R"({"kind":"rolling"})"), "window", "length is wanted"},
      {Document(kRequests, "", R"({"kind":"calendar","unit":"year"})"), "window.unit", "none of"},
      {Document(kRequests, "", R"({"kind":"calendar","unit":"week","timezone":"Nowhere"})"), "window.timezone",
       "no time zone"},
  };
  for (const auto& [json, where, why] : cases) {
    const auto read = ReadSloDocument(json);
    ASSERT_FALSE(read) << json;
    EXPECT_EQ(read.error().code, Code::kInvalidArgument);
    EXPECT_TRUE(read.error().message.starts_with(std::string(where) + ": ")) << read.error().message << "\n" << json;
    EXPECT_NE(read.error().message.find(why), std::string::npos) << read.error().message;
  }
}

}  // namespace
}  // namespace sightline::slo
