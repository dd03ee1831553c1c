// What is counted of spans: buckets at their bounds, weights of sampled spans, which spans are entries, and the rows.
#include "otlp/span_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "otlp/counted_request.h"
#include "otlp/testing/blocks.h"
#include "otlp/testing/requests.h"
#include "otlp/testing/samples.h"

namespace sightline::otlp {
namespace {

using namespace testing;

constexpr char kTable[] = "span_metric_rollups";
constexpr int32_t kTestDay = kTestTime / kDayNanos;
constexpr uint64_t kMinute = 60'000'000'000;

TEST(DurationBucket, IsTheFloorOfEightTimesTheLogarithmExactly) {
  EXPECT_EQ(DurationBucket(0), 0);
  EXPECT_EQ(DurationBucket(1), 0);
  // 2^(b/8) <= d < 2^((b+1)/8), in integers: 2^b <= d^8 < 2^(b+1).
  for (uint64_t d = 2; d < 60'000; ++d) {
    unsigned __int128 power = d;
    for (int i = 0; i < 3; ++i) power *= power;
    const int bucket = DurationBucket(d);
    ASSERT_GE(power >> bucket, 1) << d;
    ASSERT_EQ(static_cast<uint64_t>(power >> bucket >> 1), 0) << d;
  }
}

TEST(DurationBucket, IsExactAtEveryDoublingOfTheWholeRange) {
  for (int e = 6; e < 64; ++e) {
    EXPECT_EQ(DurationBucket(1ULL << e), 8 * e);
    EXPECT_EQ(DurationBucket((1ULL << e) - 1), 8 * e - 1);
    EXPECT_EQ(DurationBucket((1ULL << e) + 1), 8 * e);
  }
  EXPECT_EQ(DurationBucket(UINT64_MAX), 511);
  // Inside a doubling: the smallest integer that is not below the bound is in the bucket, the one before is not.
  for (int k = 1; k < 8; ++k) {
    const auto bound = static_cast<uint64_t>(std::ceil(std::exp2l(50 + k / 8.0L)));
    EXPECT_EQ(DurationBucket(bound), 8 * 50 + k);
    EXPECT_EQ(DurationBucket(bound - 1), 8 * 50 + k - 1);
  }
}

TEST(SpanWeight, IsTheInverseOfTheProbabilityThatTheTraceStateSays) {
  const std::pair<const char*, double> cases[] = {
      {"", 1},
      {"ot=th:0", 1},
      {"ot=th:8", 2},  // T = 2^55
      {"ot=th:c", 4},  // T = 3/4 of all
      {"ot=th:e", 8},
      {"ot=th:ff", 256},
      {"ot=th:80000000000000", 2},
      {"ot=rv:0123456789abcd;th:c", 4},
      {"ot=th:c;rv:0123456789abcd", 4},
      {"vendor=th:8,ot=th:c", 4},
      {"vendor=1 , ot=th:c\t", 4},
      {"ot=th:ffffffffffffff", 72057594037927936.0},  // 2^56
      // Malformed, and what is not ours:
      {"ot=th:", 1},
      {"ot=th:C", 1},
      {"ot=th:0x8", 1},
      {"ot=th:800000000000000", 1},  // 15 digits
      {"ot=th:8 ", 2},               // blanks around members are allowed
      {"ot=th: 8", 1},
      {"ot=th", 1},
      {"ot", 1},
      {"=th:8", 1},
      {"ott=th:8", 1},
      {"ot=tth:8", 1},
      {"ot=p:8", 1},
      {"ot=p:8,ot=th:8", 1},  // the first member counts
      {",,;;==::", 1},
  };
  for (const auto& [trace_state, weight] : cases) EXPECT_EQ(SpanWeight(trace_state), weight) << trace_state;
}

TEST(EntrySpan, IsAServersOrConsumersOrHasNoOrARemoteParent) {
  constexpr uint64_t kInternal = 1, kServer = 2, kClient = 3, kProducer = 4, kConsumer = 5;
  const std::string parent = Id(7, 8), zeros(8, '\0');
  EXPECT_TRUE(IsEntrySpan(kServer, parent, 0));
  EXPECT_TRUE(IsEntrySpan(kConsumer, parent, 0));
  for (const uint64_t kind : {kInternal, kClient, kProducer}) {
    EXPECT_FALSE(IsEntrySpan(kind, parent, 0));
    EXPECT_FALSE(IsEntrySpan(kind, parent, 0x101)) << "the parent is known to be local";
    EXPECT_FALSE(IsEntrySpan(kind, parent, 0x201)) << "not known whether it is remote";
    EXPECT_TRUE(IsEntrySpan(kind, parent, 0x301));
    EXPECT_TRUE(IsEntrySpan(kind, "", 0));
    EXPECT_TRUE(IsEntrySpan(kind, zeros, 0));
  }
}

// The rows that count by minute. The last row is the one that has the block's number.
NativeBlock Counted(const Blocks& blocks, int32_t day = kTestDay) {
  NativeBlock rows = blocks.at({kTable, day});
  EXPECT_EQ(rows.At("Block", rows.rows - 1).number, 1u) << "the last row says which block it is";
  for (uint64_t row = 0; row + 1 < rows.rows; ++row) EXPECT_EQ(rows.At("Block", row).number, 0u);
  const std::vector<Cell> seconds = rows.Column("Seconds");
  for (NativeColumn& column : rows.columns) {
    std::vector<Cell> of_minutes;
    for (size_t row = 0; row < seconds.size(); ++row) {
      if (seconds[row].number == 60) of_minutes.push_back(column.cells[row]);
    }
    column.cells = std::move(of_minutes);
  }
  rows.rows = rows.Column("Seconds").size();
  return rows;
}

TEST(SpanMetrics, SpansOfOneKeyAreOneRow) {
  BuilderFixture fixture(Signal::kTraces);
  const uint64_t minute = kTestTime / kMinute * kMinute;
  fixture.Add(Request({Span(1, 1, minute, minute + 1000), Span(2, 2, minute + kMinute - 1, minute + kMinute + 1020)}));
  const NativeBlock rows = Counted(fixture.Finish());
  ASSERT_EQ(rows.rows, 1u);
  EXPECT_EQ(rows.At("ServiceName", 0).text, "shop");
  EXPECT_EQ(rows.At("SpanName", 0).text, "GET /search");
  EXPECT_EQ(rows.At("SpanKind", 0).text, "Server");
  EXPECT_EQ(rows.At("StatusCode", 0).text, "Unset");
  EXPECT_EQ(rows.At("Entry", 0).number, 1u);
  EXPECT_EQ(rows.At("Time", 0).number, minute / 1'000'000'000);
  EXPECT_EQ(rows.At("Bucket", 0).number, DurationBucket(1000));
  EXPECT_EQ(rows.At("Calls", 0).Double(), 2);
  EXPECT_EQ(rows.At("DurationSum", 0).Double(), 2021);
  EXPECT_EQ(rows.At("DurationMax", 0).number, 1021u);
  EXPECT_EQ(rows.At("LastSeen", 0).number, (minute + kMinute - 1) / 1'000'000'000);
}

TEST(SpanMetrics, EveryPartOfTheKeyTellsRowsApart) {
  const auto other = [](uint32_t tag, uint64_t value) { return Span(1, 2).Uint(tag, value); };
  const Pb span = Span(1, 1);
  const std::pair<const char*, Pb> others[] = {
      {"name", Span(1, 2).Bytes(field::span::kName, "GET /other")},
      {"kind", other(field::span::kKind, 5)},
      {"status", Span(1, 2).Message(field::span::kStatus, Pb().Uint(field::status::kCode, 2))},
      {"minute", Span(1, 2, kTestTime + kMinute, kTestTime + kMinute + 1'000'000)},
      {"bucket", Span(1, 2, kTestTime, kTestTime + 1'100'000)},
  };
  for (const auto& [what, different] : others) {
    BuilderFixture fixture(Signal::kTraces);
    fixture.Add(Request({span, different}));
    EXPECT_EQ(Counted(fixture.Finish()).rows, 2u) << what;
  }
  BuilderFixture entries(Signal::kTraces);
  const Pb client = Span(1, 3).Uint(field::span::kKind, 3);
  entries.Add(Request({client, Span(1, 4).Uint(field::span::kKind, 3).Bytes(field::span::kParentSpanId, Id(3, 8))}));
  EXPECT_EQ(Counted(entries.Finish()).rows, 2u) << "entry";
  BuilderFixture services(Signal::kTraces);
  services.Add(Request({span}));
  services.Add(Request({span}, Resource("other")));
  EXPECT_EQ(Counted(services.Finish()).rows, 2u) << "service";
}

TEST(SpanMetrics, SampledSpansCountForThoseTheyStandFor) {
  BuilderFixture fixture(Signal::kTraces);
  fixture.Add(Request({Span(1, 1, kTestTime, kTestTime + 100).Bytes(field::span::kTraceState, "ot=th:c"),
                       Span(1, 2, kTestTime, kTestTime + 100)}));
  const NativeBlock rows = Counted(fixture.Finish());
  ASSERT_EQ(rows.rows, 1u);
  EXPECT_EQ(rows.At("Calls", 0).Double(), 5);
  EXPECT_EQ(rows.At("DurationSum", 0).Double(), 500);
  EXPECT_EQ(rows.At("DurationMax", 0).number, 100u);
}

TEST(SpanMetrics, EachDayHasItsOwnRowsAndSaysItsBlock) {
  BuilderFixture fixture(Signal::kTraces);
  fixture.Add(Request({Span(1, 1), Span(1, 2, kTestTime - kDayNanos, kTestTime), Span(1, 3)}));
  const Blocks blocks = fixture.Finish();
  EXPECT_EQ(Counted(blocks, kTestDay).At("Calls", 0).Double(), 2);
  EXPECT_EQ(Counted(blocks, kTestDay - 1).At("Calls", 0).Double(), 1);
  for (const int32_t day : {kTestDay, kTestDay - 1}) {
    const NativeBlock& rows = blocks.at({kTable, day});
    EXPECT_EQ(rows.At("Time", rows.rows - 1).number, static_cast<uint64_t>(day) * 86'400);
    EXPECT_EQ(rows.At("Calls", rows.rows - 1).Double(), 0);
  }
}

TEST(SpanMetrics, AllResolutionsCountTheSameCalls) {
  std::mt19937_64 random(7);
  SpanMetrics metrics;
  using Key = std::tuple<uint64_t, std::string, uint64_t>;  // time, span name, bucket
  std::map<uint32_t, std::map<Key, double>> expected;       // by seconds of the resolution
  for (int i = 0; i < 5000; ++i) {
    const std::string name = "operation " + std::to_string(random() % 5);
    const uint64_t second = kTestTime / 1'000'000'000 + random() % 200'000;  // more than two days
    const uint64_t duration = random() % 1'000'000;
    metrics.Add({.service_name = "shop",
                 .span_name = name,
                 .start_unix_nanos = static_cast<int64_t>(second * 1'000'000'000 + random() % 1'000'000'000),
                 .duration_nanos = duration});
    for (const uint32_t resolution : kResolutions) {
      expected[resolution][{second / resolution * resolution, name, DurationBucket(duration)}] += 1;
    }
  }
  std::vector<TableBlock> out;
  metrics.Finish(3, out);
  std::map<uint32_t, std::map<Key, double>> counted;
  for (const TableBlock& table : out) {
    EXPECT_EQ(table.table, kTable);
    EXPECT_EQ(table.numbered_rows, 1u);
    const NativeBlock rows = ReadNativeRows(table.native);
    for (uint64_t row = 0; row < rows.rows; ++row) {
      const uint64_t time = rows.At("Time", row).number;
      EXPECT_EQ(time / 86'400, static_cast<uint64_t>(table.day));
      if (rows.At("Block", row).number != 0) continue;
      counted[static_cast<uint32_t>(rows.At("Seconds", row).number)]
             [{time, rows.At("SpanName", row).text, rows.At("Bucket", row).number}] += rows.At("Calls", row).Double();
    }
  }
  EXPECT_EQ(counted, expected);
}

TEST(SpanMetrics, AServersErrorCountsWhateverTheSpanSays) {
  const auto errors = [](const char* key, const Pb& value) {
    BuilderFixture fixture(Signal::kTraces);
    fixture.Add(Request({Span(1, 1).Message(field::span::kAttributes, testing::Attribute(key, value))}));
    const Blocks blocks = fixture.Finish();
    EXPECT_EQ(Only(blocks, "spans").At("StatusCode", 0).text, "Unset") << "the span stays as it was sent";
    return Counted(blocks).At("StatusCode", 0).text == "Error";
  };
  EXPECT_TRUE(errors("http.response.status_code", IntValue(500)));
  EXPECT_TRUE(errors("http.response.status_code", IntValue(599)));
  EXPECT_TRUE(errors("http.status_code", IntValue(503)));
  EXPECT_TRUE(errors("http.status_code", StringValue("502")));
  EXPECT_FALSE(errors("http.response.status_code", IntValue(499)));
  EXPECT_FALSE(errors("http.response.status_code", StringValue("five")));
  EXPECT_FALSE(errors("http.request.status_code", IntValue(500)));
}

TEST(SpanMetrics, TheSameSpansGiveTheSameBytes) {
  const auto build = [](BlockBuilder& builder) {
    for (uint64_t seed = 0; seed < 4; ++seed) {
      const std::string request = TracesRequest(64, seed);
      const auto scan = ScanRequest(Signal::kTraces, request, {}, {.received_unix_nanos = kReceived});
      for (const ItemRef& item : scan->items) builder.Append(request, *scan, item, kReceived);
    }
    std::string bytes;
    for (const TableBlock& table : builder.Finish(9)) {
      if (table.table.starts_with(kTable)) bytes += table.native;
    }
    return bytes;
  };
  const auto used = BlockBuilder::Create(Signal::kTraces, {}), fresh = BlockBuilder::Create(Signal::kTraces, {});
  const std::string first = build(*used);
  EXPECT_GT(first.size(), 100u);
  EXPECT_EQ(build(*used), first) << "a builder that made blocks before, as the writer's";
  EXPECT_EQ(build(*fresh), first) << "a new one, as that of recovery";
}

// Calls by service, span name and dimensions, as rows by minute have them.
std::map<std::tuple<std::string, std::string, std::string>, double> Minutes(SpanMetrics& metrics) {
  std::map<std::tuple<std::string, std::string, std::string>, double> calls;
  std::vector<TableBlock> out;
  metrics.Finish(1, out);
  for (const TableBlock& block : out) {
    const NativeBlock rows = ReadNativeRows(block.native);
    for (uint64_t row = 0; row < rows.rows; ++row) {
      if (rows.At("Seconds", row).number != 60) continue;
      calls[{rows.At("ServiceName", row).text, rows.At("SpanName", row).text, rows.At("Dimensions", row).text}] +=
          rows.At("Calls", row).Double();
    }
  }
  return calls;
}

TEST(SpanMetrics, SeriesBeyondTheLimitOfAServiceAreCountedTogetherAndNoneIsLost) {
  SpanMetrics metrics({.dimensions = {}, .series_per_service_max = 100, .series_max = 1000});
  const auto add = [&](std::string_view service, int names) {
    for (int i = 0; i < names; ++i) {
      metrics.Add({.service_name = service,
                   .span_name = "GET /" + std::to_string(i),
                   .start_unix_nanos = static_cast<int64_t>(kTestTime)});
    }
  };
  metrics.SetReceived(kReceived);
  add("ids", 150);
  add("shop", 3);
  const std::string overflow(kOverflowDimensions);
  auto calls = Minutes(metrics);
  EXPECT_EQ(calls.size(), 104U);
  EXPECT_EQ((calls[{"ids", "(other)", overflow}]), 50);
  EXPECT_EQ((calls[{"shop", "GET /2", ""}]), 1) << "another service has its own limit";
  EXPECT_EQ(metrics.overflowed(), 50U);
  add("ids", 150);
  calls = Minutes(metrics);
  EXPECT_EQ((calls[{"ids", "GET /99", ""}]), 1) << "the same series as in the block before";
  EXPECT_EQ((calls[{"ids", "(other)", overflow}]), 50);
  metrics.SetReceived(kReceived + 3'600'000'000'000);
  add("ids", 1);
  metrics.Add({.service_name = "ids", .span_name = "new", .start_unix_nanos = static_cast<int64_t>(kTestTime)});
  EXPECT_EQ((Minutes(metrics)[{"ids", "new", ""}]), 1) << "an hour later others may come";
}

TEST(SpanMetrics, TheLimitOfAllServicesHoldsToo) {
  SpanMetrics metrics({.dimensions = {}, .series_per_service_max = 100, .series_max = 10});
  for (int i = 0; i < 20; ++i) {
    metrics.Add({.service_name = "service " + std::to_string(i),
                 .span_name = "run",
                 .start_unix_nanos = static_cast<int64_t>(kTestTime)});
  }
  const auto calls = Minutes(metrics);
  EXPECT_EQ(calls.size(), 20U) << "what is beyond is still counted by service";
  EXPECT_EQ(std::ranges::count_if(calls, [](const auto& row) { return std::get<1>(row.first) == kOtherSpanName; }), 10);
}

TEST(SpanMetrics, DimensionsComeFromTheSpanElseItsResourceElseTheirDefault) {
  BlockBuilder::Options options;
  options.span_metrics.dimensions = {{"http.route", std::nullopt}, {"tier", "none"}, {"attempt", std::nullopt}};
  const auto with = [](Pb span, std::string_view key, const Pb& value) {
    return span.Message(field::span::kAttributes, otlp::testing::Attribute(key, value));
  };
  Pb both = with(with(Span(1, 1), "http.route", StringValue("/a\"b")), "attempt", IntValue(3));
  const Pb tier = with(Span(1, 2), "tier", StringValue("gold"));
  Pb resource = Resource("shop");
  resource.Message(field::resource::kAttributes, otlp::testing::Attribute("tier", StringValue("silver")));
  const std::string request = Request({both, tier, Span(1, 3)}, resource) + Request({Span(1, 4)});
  const auto scan = ScanRequest(Signal::kTraces, request, {}, {.received_unix_nanos = kReceived}, SpanHeads::kNote);
  ASSERT_TRUE(scan);
  const auto dimensions_of = [&](BlockBuilder& builder, const std::string& bytes, const Scan& places) {
    for (const ItemRef& item : places.items) builder.Append(bytes, places, item, kReceived);
    std::multiset<std::string> found;
    for (const TableBlock& block : builder.Finish(1)) {
      if (block.table != kTable) continue;
      const NativeBlock rows = ReadNativeRows(block.native);
      for (uint64_t row = 0; row < rows.rows; ++row) {
        if (rows.At("Seconds", row).number == 60) found.insert(rows.At("Dimensions", row).text);
      }
    }
    return found;
  };
  const std::multiset<std::string> wanted = {R"({"http.route":"/a\"b","tier":"silver","attempt":"3"})",
                                             R"({"tier":"gold"})", R"({"tier":"silver"})", R"({"tier":"none"})"};
  const auto builder = BlockBuilder::Create(Signal::kTraces, options);
  EXPECT_EQ(dimensions_of(*builder, request, *scan), wanted);
  Scan counted_scan = *scan;
  const std::string counted = TakeWhatIsCounted(request, counted_scan, PredictionNames(DefaultPredictionRules()),
                                                options.span_metrics.dimensions);
  const auto counter = BlockBuilder::CreateSpanMetrics(options);
  EXPECT_EQ(dimensions_of(*counter, counted, counted_scan), wanted) << "with sampling, of what is left of a request";
}

TEST(SpanMetrics, CountEverySpanOfTheRecordedRequests) {
  for (const Sample& sample : SdkSamples()) {
    if (sample.signal != Signal::kTraces || sample.json) continue;
    BuilderFixture fixture(Signal::kTraces);
    fixture.Add(sample.bytes);
    const uint64_t spans = fixture.builder().rows();
    double calls = 0;
    for (const auto& [key, rows] : fixture.Finish()) {
      if (key.first != kTable) continue;
      for (uint64_t row = 0; row < rows.rows; ++row) {
        if (rows.At("Seconds", row).number == 60) calls += rows.At("Calls", row).Double();
      }
    }
    EXPECT_EQ(calls, static_cast<double>(spans)) << sample.file;
  }
}

}  // namespace
}  // namespace sightline::otlp
