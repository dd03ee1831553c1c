// The way of accepted requests into a real store, and what is left of it after a crash: each item once.
#include "store/ingest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/fault.h"
#include "otlp/testing/requests.h"
#include "store/schema.h"
#include "store/testing/stores.h"

namespace sightline::store {
namespace {

using otlp::Signal;
using otlp::testing::kTestTime;
using otlp::testing::Request;
using otlp::testing::Span;
using ::testing::HasSubstr;
using testing::Kind;

constexpr uint64_t kDayNanos = 86'400'000'000'000;
constexpr int64_t kReceived = static_cast<int64_t>(kTestTime) + 1'000'000'000;
constexpr int64_t kDrainNanos = 30'000'000'000;
constexpr uint64_t kBudgetBytes = 64 << 20;

class IngestTest : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (GetParam() == Kind::kRemote && testing::ChildServer::Program().empty()) {
      GTEST_SKIP() << "no sightline-clickhouse: name one with SIGHTLINE_CLICKHOUSE_BIN";
    }
    directory_ = std::make_unique<testing::TempDirectory>();
    store_ = std::make_unique<testing::TestStore>(GetParam(), directory_->path() + "/clickhouse");
    ASSERT_EQ(store_->error(), "");
    // The items have times of their own: no retention may depend on today.
    const auto opened = OpenSchema(**store_, {.retention_seconds = {kForever, kForever, kForever}});
    ASSERT_TRUE(opened) << opened.error().message;
    options_.data_directory = directory_->path();
    options_.disk_free_bytes_min = 0;
    options_.writer.block_age_nanos_max = 10'000'000;
    OpenJournal();
  }
  void TearDown() override {
    SetFaultsForTest("");
    ingest_.reset();
    journal_.reset();
  }

  // As a program does that starts again.
  void OpenJournal() {
    ingest_.reset();
    journal_.reset();
    auto journal = journal::Journal::Open(
        {.directory = directory_->path() + "/journal", .durability = durability_, .segment_bytes_max = 4096}, metrics_);
    ASSERT_TRUE(journal) << journal.error().message;
    journal_ = std::move(*journal);
  }
  void StartIngest() {
    auto ingest = Ingest::Start(options_, *journal_, **store_, budget_, metrics_, Clock::System());
    ASSERT_TRUE(ingest) << ingest.error().message;
    ingest_ = std::move(*ingest);
  }
  void Restart() {
    OpenJournal();
    StartIngest();
  }

  static otlp::Scan Scanned(Signal signal, const std::string& request) {
    auto scan = otlp::ScanRequest(signal, request, {}, {.received_unix_nanos = kReceived}, otlp::SpanHeads::kNote);
    EXPECT_TRUE(scan);
    return scan ? *std::move(scan) : otlp::Scan();
  }
  Result<void> Accept(const std::string& request, Signal signal = Signal::kTraces) {
    std::promise<Result<void>> answer;
    ingest_->Accept({.signal = signal,
                     .received_unix_nanos = kReceived,
                     .bytes = request,
                     .scan = Scanned(signal, request),
                     .reservation = budget_.TryReserve(request.size())},
                    [&](Result<void> result) { answer.set_value(std::move(result)); });
    return answer.get_future().get();
  }

  // What a crash may leave: a frame alone, and a block of it whose rows of some days reached the store.
  uint64_t AppendFrame(const std::string& request) {
    const auto number = journal_->Append({.signal = Signal::kTraces,
                                          .received_unix_nanos = kReceived,
                                          .refused = Scanned(Signal::kTraces, request).refused},
                                         request, [](const Result<void>&) {});
    EXPECT_TRUE(number);
    return number.value_or(0);
  }
  void LeaveBlock(uint64_t block, const std::string& request, const std::vector<int32_t>& stored_days) {
    const uint64_t number = AppendFrame(request);
    ASSERT_TRUE(journal_->AppendManifest({.block = block, .signal = Signal::kTraces, .frames = {{number, number}}}));
    const otlp::Scan scan = Scanned(Signal::kTraces, request);
    const auto builder = otlp::BlockBuilder::Create(Signal::kTraces, options_.writer.builder);
    for (const otlp::ItemRef& item : scan.items) builder->Append(request, scan, item, kReceived);
    BlockInserter inserter(**store_, options_.database, options_.writer.builder.hot_attributes, metrics_);
    std::vector<otlp::TableBlock> stored;
    for (otlp::TableBlock& table : builder->Finish(block)) {
      if (std::ranges::count(stored_days, table.day) > 0) stored.push_back(std::move(table));
    }
    const auto inserted = inserter.Insert(block, stored, /*may_exist=*/false);
    ASSERT_TRUE(inserted) << inserted.error().message;
  }

  std::string Value(const std::string& sql) {
    const auto rows = (**store_).Rows(sql);
    if (!rows) return rows.error().message;
    return rows->size() == 1 && rows->front().size() == 1 ? rows->front().front() : "not one value";
  }
  std::string Spans() {
    return Value("SELECT toString(count()) || '/' || toString(uniqExact(SpanId)) FROM sightline.spans");
  }
  double Metric(const std::string& name) const {
    double sum = 0;
    for (const auto& sample : metrics_.Snapshot()) sum += sample.name == name ? sample.value : 0;
    return sum;
  }
  std::vector<std::string> RefusedFiles() const {
    std::vector<std::string> files;
    const std::filesystem::path refused = directory_->path() + "/refused";
    if (!std::filesystem::exists(refused)) return files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(refused)) {
      if (entry.is_regular_file()) files.push_back(std::filesystem::relative(entry.path(), refused));
    }
    std::ranges::sort(files);
    return files;
  }
  // Of the only refused block.
  uint64_t RefusedBlock() const {
    const std::vector<std::string> files = RefusedFiles();
    return files.empty() ? 0 : std::stoull(files.front().substr(std::string("block-").size()));
  }
  std::string RefusedFile(const std::string& name) const {
    std::ifstream file(fmt::format("{}/refused/block-{:020}-traces/{}", directory_->path(), RefusedBlock(), name),
                       std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // The service graph's edges take numbers too, so that there are gaps.
  uint64_t LastBlock() { return std::stoull(Value("SELECT max(Block) FROM sightline.spans")); }
  bool JournalIsDone() {
    OpenJournal();
    return journal_->unfinished().blocks.empty() && journal_->unfinished().frames.empty();
  }

  MetricsRegistry metrics_;
  MemoryBudget budget_{kBudgetBytes};
  journal::Durability durability_ = journal::Durability::kProcess;
  IngestOptions options_;
  std::unique_ptr<testing::TempDirectory> directory_;
  std::unique_ptr<testing::TestStore> store_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<Ingest> ingest_;
};

std::string TwoDays() {
  return Request({Span(1, 1), Span(1, 2), Span(2, 3, kTestTime - kDayNanos)});
}
constexpr int32_t kToday = kTestTime / kDayNanos, kYesterday = kToday - 1;

TEST_P(IngestTest, AcceptedItemsOfAllSignalsBecomeVisibleAndLeaveTheJournal) {
  StartIngest();
  ASSERT_TRUE(Accept(TwoDays()));
  ASSERT_TRUE(Accept(Request({otlp::testing::Log(), otlp::testing::Log()}), Signal::kLogs));
  const std::string metric =
      Request({otlp::testing::Metric(otlp::field::metric::kSum, {otlp::testing::NumberPoint(7)})});
  ASSERT_TRUE(Accept(metric, Signal::kMetrics));
  EXPECT_TRUE(ingest_->Drain(kDrainNanos));
  EXPECT_EQ(Spans(), "3/3");
  EXPECT_EQ(Value("SELECT count() FROM sightline.logs"), "2");
  EXPECT_EQ(Value("SELECT Value FROM sightline.otel_metrics_sum WHERE MetricName NOT LIKE 'traces.span.metrics.%'"),
            "7");
  EXPECT_EQ(Value("SELECT any(ResourceAttributes['service.name']) FROM sightline.otel_traces"), "shop");
  EXPECT_EQ(ingest_->status(Signal::kTraces).accepted_items, 3U);
  EXPECT_EQ(ingest_->status(Signal::kTraces).last_received_unix_nanos, kReceived);
  EXPECT_EQ(budget_.used(), 0U);
  EXPECT_TRUE(JournalIsDone());
}

TEST_P(IngestTest, BlockThatACrashInterruptedIsCompletedOnce) {
  const std::vector<std::vector<int32_t>> crashes = {{}, {kToday}, {kYesterday}, {kToday, kYesterday}};
  uint64_t block = 10;
  for (const auto& stored_days : crashes) LeaveBlock(block++, TwoDays(), stored_days);
  Restart();
  EXPECT_EQ(
      Value(
          "SELECT groupArray(rows) FROM (SELECT count() AS rows FROM sightline.spans GROUP BY Block, toDate(Timestamp, "
          "'UTC') ORDER BY Block, toDate(Timestamp, 'UTC'))"),
      "[1,2,1,2,1,2,1,2]");
  EXPECT_EQ(Metric("sightline.store.partial_blocks"), 0);
  ASSERT_TRUE(Accept(Request({Span(3, 9)})));
  ASSERT_TRUE(ingest_->Drain(kDrainNanos));
  EXPECT_GT(LastBlock(), 13U) << "numbers go on behind those of the last run";
  EXPECT_TRUE(JournalIsDone());
  StartIngest();
  EXPECT_EQ(Value("SELECT count() FROM sightline.spans"), "13");
}

TEST_P(IngestTest, BlockNumbersGoOnBehindTheStoresWhenTheJournalIsLost) {
  LeaveBlock(77, TwoDays(), {kToday});
  ingest_.reset();
  journal_.reset();
  std::filesystem::remove_all(directory_->path() + "/journal");
  Restart();
  ASSERT_TRUE(Accept(Request({Span(3, 9)})));
  ASSERT_TRUE(ingest_->Drain(kDrainNanos));
  EXPECT_GT(LastBlock(), 77U);
}

TEST_P(IngestTest, FramesWithoutABlockAreStoredWithWhatTheScanDecided) {
  AppendFrame(TwoDays());
  AppendFrame(Request({Span(3, 4), Span(0, 5), Span(3, 6)}));  // a trace id of zeros is refused
  Restart();
  EXPECT_EQ(Spans(), "5/5");
  EXPECT_TRUE(JournalIsDone());
}

// An insert that fails before it begins, and one that is stored though it is reported as failed.
TEST_P(IngestTest, FailingInsertsAreRepeatedUntilAllIsStoredOnce) {
  StartIngest();
  SetFaultsForTest("store.insert.begin=error:2;store.insert.end=error:1-2");
  ASSERT_TRUE(Accept(TwoDays()));
  EXPECT_TRUE(ingest_->Drain(kDrainNanos));
  EXPECT_EQ(Spans(), "3/3");
  EXPECT_EQ(Metric("sightline.store.errors"), 3);
  EXPECT_TRUE(JournalIsDone());
}

TEST_P(IngestTest, WhatTheStoreDoesNotTakeStaysInTheJournalForTheNextStart) {
  StartIngest();
  SetFaultsForTest("store.insert.begin=error");
  ASSERT_TRUE(Accept(TwoDays())) << "the journal has it: the client is answered OK";
  EXPECT_FALSE(ingest_->Drain(300'000'000));
  EXPECT_GT(budget_.used(), 0U) << "what is not stored holds its memory, so that the door pushes back";
  EXPECT_EQ(Spans(), "0/0");
  ingest_.reset();
  EXPECT_EQ(budget_.used(), 0U);
  SetFaultsForTest("");
  Restart();
  EXPECT_EQ(Spans(), "3/3");
  EXPECT_TRUE(JournalIsDone());
}

// Of two days one is refused, by the engine itself: that day's items are in a file, can be sent again, and nothing is
// stored twice.
TEST_P(IngestTest, ItemsThatClickHouseRefusesAreInFilesFromWhichTheyCanBeSentAgain) {
  StartIngest();
  ASSERT_TRUE((**store_).Execute(fmt::format(
      "ALTER TABLE sightline.spans ADD CONSTRAINT no CHECK toDate(Timestamp, 'UTC') != toDate({})", kYesterday)));
  ASSERT_TRUE(Accept(TwoDays()));
  ASSERT_TRUE(ingest_->Drain(kDrainNanos));
  EXPECT_EQ(Spans(), "2/2");
  EXPECT_EQ(Metric("sightline.store.set_aside_blocks"), 1);
  const std::string folder = fmt::format("block-{:020}-traces", RefusedBlock());
  EXPECT_EQ(RefusedFiles(), (std::vector<std::string>{folder + "/1.otlp.pb", folder + "/reason.json"}));
  EXPECT_THAT(RefusedFile("reason.json"), HasSubstr("Code: 469."));
  EXPECT_TRUE(JournalIsDone());

  ASSERT_TRUE((**store_).Execute("ALTER TABLE sightline.spans DROP CONSTRAINT no"));
  StartIngest();
  const std::string again = RefusedFile("1.otlp.pb");
  EXPECT_EQ(Scanned(Signal::kTraces, again).items_accepted, 1U);
  ASSERT_TRUE(Accept(again));
  ASSERT_TRUE(ingest_->Drain(kDrainNanos));
  EXPECT_EQ(Spans(), "3/3");
  EXPECT_EQ(Value("SELECT any(ResourceAttributes['service.name']) FROM sightline.otel_traces WHERE SpanId = "
                  "'0000000000000003'"),
            "shop");
}

TEST_P(IngestTest, WhatIsDerivedFromStoredSpansIsThereThoughOneSuchTableIsRefused) {
  StartIngest();
  ASSERT_TRUE((**store_).Execute("ALTER TABLE sightline.span_metric_rollups ADD CONSTRAINT no CHECK Seconds = 7"));
  ASSERT_TRUE(Accept(TwoDays()));
  ASSERT_TRUE(ingest_->Drain(kDrainNanos));
  EXPECT_EQ(Spans(), "3/3");
  EXPECT_EQ(Value("SELECT count() FROM sightline.span_metric_rollups"), "0");
  EXPECT_EQ(Value("SELECT sum(Spans) FROM sightline.kept_spans"), "3");
}

TEST_P(IngestTest, BlocksBehindARefusedOneAreStored) {
  StartIngest();
  SetFaultsForTest("store.insert.refused=error:1-4");  // three attempts, and one to see what is taken
  ASSERT_TRUE(Accept(TwoDays()));
  ASSERT_TRUE(ingest_->Drain(kDrainNanos));
  ASSERT_TRUE(Accept(Request({Span(3, 9)})));
  ASSERT_TRUE(ingest_->Drain(kDrainNanos));
  EXPECT_EQ(Spans(), "1/1");
  const std::string all = RefusedFile("1.otlp.pb");
  EXPECT_EQ(Scanned(Signal::kTraces, all).items_accepted, 3U);
  EXPECT_TRUE(JournalIsDone()) << "its segments are not held";
}

TEST_P(IngestTest, CrashBehindSettingABlockAsideDoesNotStoreItAsWell) {
  StartIngest();
  SetFaultsForTest("store.insert.refused=error;store.refuse.end=error");
  ASSERT_TRUE(Accept(TwoDays()));
  EXPECT_FALSE(ingest_->Drain(1'500'000'000)) << "the done mark is never reached";
  EXPECT_EQ(RefusedFiles().size(), 2U);
  ingest_.reset();
  SetFaultsForTest("");
  Restart();
  EXPECT_EQ(Spans(), "0/0");
  EXPECT_TRUE(JournalIsDone());
  StartIngest();
  ASSERT_TRUE(Accept(Request({Span(3, 9)})));
  ASSERT_TRUE(ingest_->Drain(kDrainNanos));
  EXPECT_GT(LastBlock(), RefusedBlock()) << "the number of a block in files is not used again";
}

TEST_P(IngestTest, CrashWhileABlockIsSetAsideLeavesItToTheNextStart) {
  StartIngest();
  SetFaultsForTest("store.insert.refused=error;store.refuse.begin=error");
  ASSERT_TRUE(Accept(TwoDays()));
  EXPECT_FALSE(ingest_->Drain(1'500'000'000));
  ingest_.reset();
  const std::string unfinished = directory_->path() + "/refused/block-00000000000000000001-traces.new";
  std::filesystem::create_directories(unfinished);
  SetFaultsForTest("store.insert.refused=error");
  Restart();
  EXPECT_EQ(RefusedFiles().size(), 2U) << "still refused: set aside by the next start";
  EXPECT_FALSE(std::filesystem::exists(unfinished));
  SetFaultsForTest("");
  EXPECT_TRUE(JournalIsDone());
}

TEST_P(IngestTest, RefusedBlockWithoutRoomStaysInTheJournal) {
  options_.refused_bytes_max = 10;
  StartIngest();
  SetFaultsForTest("store.insert.refused=error");
  ASSERT_TRUE(Accept(TwoDays()));
  ASSERT_TRUE(ingest_->Drain(kDrainNanos));
  EXPECT_EQ(RefusedFiles(), std::vector<std::string>());
  EXPECT_FALSE(JournalIsDone());
  Restart();
  EXPECT_FALSE(JournalIsDone());
  SetFaultsForTest("");
  StartIngest();
  EXPECT_EQ(Spans(), "3/3");
  EXPECT_TRUE(JournalIsDone());
}

TEST_P(IngestTest, ItemsOfVeryManyDaysBecomeSeveralBlocks) {
  options_.writer.block_column_bytes_max = 1;
  options_.writer.block_age_nanos_max = 60'000'000'000;
  StartIngest();
  uint64_t items = 0;
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    const std::string request = otlp::testing::TracesRequest(/*traces=*/300, seed);
    items += Scanned(Signal::kTraces, request).items_accepted;
    ASSERT_TRUE(Accept(request));
  }
  ASSERT_TRUE(ingest_->Drain(kDrainNanos));
  EXPECT_EQ(Value("SELECT toString(count()) || ' in ' || toString(uniqExact(Block)) FROM sightline.spans"),
            fmt::format("{} in 4", items));
  EXPECT_TRUE(JournalIsDone());
}

TEST_P(IngestTest, NothingIsAcceptedWhileTheDiskIsNearlyFull) {
  options_.disk_free_bytes_min = UINT64_MAX;
  StartIngest();
  const auto refused = Accept(TwoDays());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr(options_.data_directory));
  EXPECT_EQ(Metric("sightline.journal.frames.appended"), 0);
  EXPECT_EQ(budget_.used(), 0U);
}

TEST_P(IngestTest, RequestWhoseSyncFailedIsNotStored) {
  durability_ = journal::Durability::kDisk;
  Restart();
  SetFaultsForTest("journal.sync=error:1");
  const auto refused = Accept(Request({Span(1, 1)}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnavailable);
  ASSERT_TRUE(Accept(Request({Span(1, 2)})));
  EXPECT_TRUE(ingest_->Drain(kDrainNanos));
  EXPECT_EQ(Spans(), "1/1");
  EXPECT_TRUE(JournalIsDone());
  StartIngest();
  EXPECT_EQ(Spans(), "1/1");
}

// The journal may answer after the receivers have given up waiting: the sync thread still hands the frame over.
TEST_P(IngestTest, EndsOnlyWhenTheJournalHasAnsweredAll) {
  durability_ = journal::Durability::kDisk;
  Restart();
  std::atomic<int> answered = 0;
  for (uint64_t i = 1; i <= 50; ++i) {
    const std::string request = Request({Span(1, i)});
    ingest_->Accept({.signal = Signal::kTraces,
                     .received_unix_nanos = kReceived,
                     .bytes = request,
                     .scan = Scanned(Signal::kTraces, request),
                     .reservation = {}},
                    [&](const Result<void>& result) { answered += result.has_value(); });
  }
  ingest_.reset();
  Restart();
  EXPECT_EQ(answered, 50);
  EXPECT_EQ(Spans(), "50/50");
}

constexpr std::string_view kErrorsOnly =
    "{decision_wait: 50ms, policies: [{name: errors, type: status_code, status_code: {status_codes: [ERROR]}}]}";

std::shared_ptr<const sample::PolicySet> Policies(std::string_view yaml) {
  return sample::PolicySet::Compile(sample::ParseTailSampling(yaml).value()).value();
}

otlp::testing::Pb FailedSpan(uint64_t trace, uint64_t span) {
  return Span(trace, span).Message(otlp::field::span::kStatus, otlp::testing::Pb().Uint(otlp::field::status::kCode, 2));
}

TEST_P(IngestTest, SampledSpansAreStoredWithTheirStandingAndAllAreCounted) {
  options_.policies = Policies(kErrorsOnly);
  StartIngest();
  ASSERT_TRUE(Accept(Request({Span(1, 1), Span(2, 2), Span(3, 3)})));
  ASSERT_TRUE(Accept(Request({FailedSpan(1, 4)})));
  ASSERT_TRUE(ingest_->sampler()->WaitUntilAllDecided(Clock::System().MonotonicNanos() + kDrainNanos));
  ASSERT_TRUE(ingest_->Drain(kDrainNanos));
  EXPECT_EQ(Value("SELECT groupArray((hex(SpanId), AdjustedCount, SamplingPolicy)) FROM (SELECT * FROM sightline.spans "
                  "ORDER BY SpanId)"),
            "[('0000000000000001',1,'errors'),('0000000000000004',1,'errors')]");
  EXPECT_EQ(Value("SELECT sum(Calls) FROM sightline.span_metrics"), "4") << "counted before sampling, and once";
  EXPECT_EQ(Value("SELECT (any(SamplingPolicy), sum(Spans), sum(StandFor), uniqCombinedMerge(14)(Traces)) FROM "
                  "sightline.kept_spans"),
            "('errors',2,2,1)");
  EXPECT_EQ(
      Value("SELECT toString(groupUniqArray((Client, Server))) || toString(sum(Calls)) FROM sightline.service_graph"),
      "[('user','shop')]4")
      << "of dropped traces too";
  EXPECT_TRUE(JournalIsDone());
  EXPECT_EQ(budget_.used(), 0U);
}

TEST_P(IngestTest, KeptSpansSayHowLongTheirTraceWaitedForThem) {
  options_.policies = Policies(kErrorsOnly);
  StartIngest();
  const uint64_t start = kToday * kDayNanos;
  const auto child_of = [&](uint64_t parent, uint64_t span, uint64_t from, uint64_t to) {
    return Span(1, span, start + from, start + to)
        .Bytes(otlp::field::span::kParentSpanId, otlp::testing::Id(parent, 8));
  };
  ASSERT_TRUE(Accept(Request({child_of(1, 2, 10, 60), child_of(2, 3, 20, 30)})));
  ASSERT_TRUE(Accept(
      Request({Span(1, 1, start, start + 100)
                   .Message(otlp::field::span::kStatus, otlp::testing::Pb().Uint(otlp::field::status::kCode, 2))})));
  const auto decide = [&] {
    ASSERT_TRUE(ingest_->sampler()->WaitUntilAllDecided(Clock::System().MonotonicNanos() + kDrainNanos));
    ASSERT_TRUE(ingest_->Drain(kDrainNanos));
  };
  decide();
  const std::string by_span =
      "SELECT groupArray(CriticalPathSelfTime) FROM (SELECT * FROM sightline.otel_traces ORDER BY SpanId)";
  EXPECT_EQ(Value(by_span), "[50,40,10]");
  // One that comes later is no part of what was known then.
  ASSERT_TRUE(Accept(Request({child_of(1, 4, 70, 90)})));
  decide();
  EXPECT_EQ(Value(by_span), "[50,40,10,0]");
}

TEST_P(IngestTest, UndecidedSpansWaitAcrossRestartsAndAreKeptWhenSamplingIsTurnedOff) {
  options_.policies = Policies(
      "{decision_wait: 1h, policies: [{name: errors, type: status_code, status_code: "
      "{status_codes: [ERROR]}}]}");
  StartIngest();
  ASSERT_TRUE(Accept(Request({Span(1, 1), Span(2, 2)})));
  EXPECT_TRUE(ingest_->Drain(kDrainNanos));
  EXPECT_EQ(Value("SELECT count() FROM sightline.spans"), "0");
  Restart();
  EXPECT_EQ(ingest_->sampler()->status().undecided_spans, 2U);
  EXPECT_TRUE(ingest_->Drain(kDrainNanos));
  options_.policies = nullptr;
  Restart();
  EXPECT_EQ(Value("SELECT groupUniqArray((AdjustedCount, SamplingPolicy)) FROM sightline.spans"),
            "[(1,'sampling turned off')]");
  EXPECT_EQ(Value("SELECT count() FROM sightline.spans"), "2");
  EXPECT_EQ(Value("SELECT sum(Calls) FROM sightline.span_metrics"), "2");
  EXPECT_TRUE(JournalIsDone());
}

// States are written here and merged, estimated and made by the engine.
TEST_P(IngestTest, TracesAreToldApartAsTheEngineTellsThem) {
  constexpr uint64_t kTraces = 3000;
  const auto estimate = [this](const std::string& traces) { return std::stod(Value("SELECT toFloat64(" + traces)); };
  const std::string merged = "uniqCombinedMerge(14)(Traces)) FROM sightline.kept_span_rollups WHERE Seconds = 3600";
  const std::string made = "uniqCombined(14)(xxh3(TraceId))) FROM sightline.spans";
  StartIngest();
  for (const uint64_t traces : {16, 17, 100, 3000}) {
    std::vector<otlp::testing::Pb> spans;
    for (uint64_t trace = 1; trace <= traces; ++trace) spans.push_back(Span(trace, traces * 10'000 + trace));
    ASSERT_TRUE(Accept(Request(spans)));
    ASSERT_TRUE(ingest_->Drain(kDrainNanos));
    EXPECT_EQ(estimate(merged), estimate(made)) << traces;
    if (traces <= 100) EXPECT_EQ(estimate(merged), traces);
  }
  EXPECT_NEAR(estimate(merged), kTraces, 0.05 * kTraces);
  ASSERT_TRUE((**store_).Execute("OPTIMIZE TABLE sightline.kept_span_rollups FINAL"));
  EXPECT_EQ(estimate(merged), estimate(made));
}

otlp::testing::Pb CallSpan(uint64_t trace, uint64_t span, uint64_t parent, uint64_t kind, uint64_t start = kTestTime) {
  otlp::testing::Pb made = Span(trace, span, start).Uint(otlp::field::span::kKind, kind);
  if (parent != 0) made.Bytes(otlp::field::span::kParentSpanId, otlp::testing::Id(parent, 8));
  return made;
}
constexpr uint64_t kServerKind = 2, kClientKind = 3;
otlp::testing::Pb With(otlp::testing::Pb span, std::string_view key, const otlp::testing::Pb& value) {
  return span.Message(otlp::field::span::kAttributes, otlp::testing::Attribute(key, value));
}
otlp::testing::Pb With(otlp::testing::Pb span, std::string_view key, std::string_view text) {
  return With(std::move(span), key, otlp::testing::StringValue(text));
}

// Where every span is kept. Spans wait for their other side for as long as a test wants.
class KeepAllGraphTest : public IngestTest {
 protected:
  void SetUp() override {
    IngestTest::SetUp();
    options_.graph.wait_nanos = 3'600'000'000'000;
    options_.graph.step_nanos = 20'000'000;
  }
  // By client and server.
  std::string Calls() {
    return Value(
        "SELECT groupArray((Client, Server, n)) FROM (SELECT Client, Server, sum(Calls) AS n FROM "
        "sightline.service_graph GROUP BY ALL ORDER BY ALL)");
  }
  void WaitFor(const std::function<bool()>& is_there) {
    const int64_t deadline = Clock::System().MonotonicNanos() + kDrainNanos;
    while (!is_there() && Clock::System().MonotonicNanos() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  void ExpectCalls(const std::string& wanted) {
    WaitFor([&] { return Calls() == wanted; });
    EXPECT_EQ(Calls(), wanted);
  }
  // A block of its own.
  void Store(const std::vector<otlp::testing::Pb>& spans) {
    ASSERT_TRUE(Accept(Request(spans)));
    ASSERT_TRUE(ingest_->Drain(kDrainNanos));
  }
};

TEST_P(KeepAllGraphTest, SidesInDifferentBlocksAreOneCall) {
  StartIngest();
  ASSERT_TRUE(Accept(Request({CallSpan(1, 2, 1, kServerKind), CallSpan(1, 9, 0, kServerKind)})));
  ASSERT_TRUE(ingest_->Drain(kDrainNanos));
  ASSERT_TRUE(Accept(Request({CallSpan(1, 1, 9, kClientKind)})));
  ExpectCalls("[('shop','shop',1),('user','shop',1)]");
}

TEST_P(KeepAllGraphTest, AStartGoesOnWithWhatTheLastRunLeftWaiting) {
  StartIngest();
  ASSERT_TRUE(Accept(
      Request({CallSpan(1, 2, 1, kServerKind), CallSpan(2, 2, 1, kServerKind), CallSpan(2, 9, 0, kServerKind)})));
  ExpectCalls("[('user','shop',1)]");
  Restart();
  ASSERT_TRUE(Accept(Request({CallSpan(1, 1, 9, kClientKind)})));
  ExpectCalls("[('shop','shop',1),('user','shop',1)]");
  Restart();
  Restart();
  ASSERT_TRUE(Accept(Request({CallSpan(2, 1, 9, kClientKind)})));
  ExpectCalls("[('shop','shop',2),('user','shop',1)]");
}

// A step whose edges are of two days is two inserts.
TEST_P(KeepAllGraphTest, AStepThatACrashCutInTwoIsCompleted) {
  StartIngest();
  ExpectCalls("[]");
  SetFaultsForTest("store.graph.end=error");  // as far as the program knows nothing of it came through
  ASSERT_TRUE(Accept(Request({CallSpan(1, 9, 0, kServerKind), CallSpan(2, 9, 0, kServerKind, kTestTime - kDayNanos)})));
  ASSERT_TRUE(ingest_->Drain(kDrainNanos));
  ExpectCalls("[('user','shop',1)]");
  SetFaultsForTest("store.graph.begin=error");
  ingest_.reset();
  SetFaultsForTest("");
  Restart();
  ExpectCalls("[('user','shop',2)]");
  Restart();
  ASSERT_TRUE(Accept(Request({CallSpan(3, 9, 0, kServerKind)})));
  ExpectCalls("[('user','shop',3)]");
}

// A caller still waits, and its callee is forgotten; a callee was paired, and its caller is forgotten.
TEST_P(KeepAllGraphTest, AStartKnowsPairsWhoseOtherSideExpiredBefore) {
  options_.graph.waiting_spans_max = 4;
  StartIngest();
  Store({CallSpan(1, 2, 1, kServerKind), CallSpan(2, 1, 9, kClientKind)});
  Store({With(CallSpan(1, 1, 9, kClientKind), "server.address", "pay.example"), CallSpan(2, 2, 1, kServerKind)});
  for (const uint64_t trace : {3, 4}) Store({With(CallSpan(trace, 1, 9, kClientKind), "db.system.name", "redis")});
  ExpectCalls("[('shop','shop',2)]");  // five wait: the first block expires
  Store({CallSpan(5, 9, 0, kServerKind)});
  ExpectCalls("[('shop','shop',2),('user','shop',1)]");
  EXPECT_EQ(Value("SELECT argMax((ExpiredAfter > 0, ExpiredAfter = ExpiredTo), Block) FROM "
                  "sightline.service_graph_edges WHERE MatchedTo > 0 AND MatchedTo > MatchedAfter"),
            "(1,1)")
      << "the last step began when the first block had expired";
  options_.graph.wait_nanos = 0;
  Restart();
  ExpectCalls("[('shop','redis',2),('shop','shop',2),('user','shop',1)]");
  EXPECT_EQ(Metric("sightline.service_graph.unpaired_spans"), 0);
}

TEST_P(KeepAllGraphTest, CallsThatClickHouseRefusesAreTriedAgainUntilItTakesThem) {
  options_.graph.refused_wait_nanos = 10'000'000;
  StartIngest();
  Store({CallSpan(1, 9, 0, kServerKind)});
  ExpectCalls("[('user','shop',1)]");
  SetFaultsForTest("store.graph.refused=error:1-3");  // the block as a whole
  Store({CallSpan(2, 9, 0, kServerKind)});
  ExpectCalls("[('user','shop',2)]");
  EXPECT_EQ(Metric("sightline.store.errors"), 3);
  SetFaultsForTest("store.graph.refused=error:2-4");  // the later of its two days
  Store({CallSpan(3, 9, 0, kServerKind), CallSpan(4, 9, 0, kServerKind, kTestTime - kDayNanos)});
  ExpectCalls("[('user','shop',4)]");
  EXPECT_EQ(Metric("sightline.store.errors"), 6);
  Restart();
  Store({CallSpan(5, 9, 0, kServerKind)});
  ExpectCalls("[('user','shop',5)]");
}

TEST_P(KeepAllGraphTest, FailuresOfInsertsAndOfReadingAreCounted) {
  options_.graph.refused_wait_nanos = 10'000'000;
  options_.graph.queued_spans_max = 0;  // all is read from the store
  StartIngest();
  Store({CallSpan(1, 9, 0, kServerKind)});
  ExpectCalls("[('user','shop',1)]");
  SetFaultsForTest("store.graph.begin=error:1-3");
  Store({CallSpan(2, 9, 0, kServerKind)});
  ExpectCalls("[('user','shop',2)]");
  EXPECT_EQ(Metric("sightline.store.errors"), 3);
  ASSERT_TRUE((**store_).Execute("RENAME TABLE sightline.service_graph_edges TO sightline.away"));
  Store({CallSpan(3, 9, 0, kServerKind)});
  WaitFor([&] { return Metric("sightline.store.errors") > 3; });
  ASSERT_TRUE((**store_).Execute("RENAME TABLE sightline.away TO sightline.service_graph_edges"));
  ExpectCalls("[('user','shop',3)]");
  EXPECT_GT(Metric("sightline.store.errors"), 3);
}

// What is noted of spans as they come, and of those in the store.
TEST_P(KeepAllGraphTest, SpansAreReadBackAsTheyWereNoted) {
  const auto calls_of = [&](uint64_t trace) {
    const auto numbered = [&](uint64_t id) { return CallSpan(trace, id, 99, kClientKind); };
    const auto status = [&](uint64_t id, std::string_view peer, std::string_view key, const auto& value) {
      return With(With(numbered(id), "server.address", peer), key, value);
    };
    constexpr std::string_view kKey = "http.response.status_code", kOldKey = "http.status_code";
    using otlp::testing::IntValue;
    return std::vector{With(With(numbered(1), "db.system.name", ""), "db.system", "redis"),
                       With(With(numbered(2), "db.system.name", "mysql"), "db.system", "redis"),
                       With(With(numbered(3), "peer.service", IntValue(7)), "server.address", "x"),
                       status(4, "4001", kOldKey, IntValue(4001)),
                       status(5, "66036", kOldKey, IntValue(66036)),
                       status(6, "0500", kOldKey, "0500"),
                       status(7, "+50", kKey, "+50"),
                       status(8, "500", kOldKey, "500"),
                       With(status(9, "0404 503", kKey, "0404"), kOldKey, IntValue(503)),
                       With(status(10, "204 500", kKey, IntValue(204)), kOldKey, "500"),
                       With(status(11, "000 502", kKey, "000"), kOldKey, "502")};
  };
  const auto wanted = [](int n) {
    std::string text;
    for (const std::string_view call :
         {"'+50',false", "'000 502',true", "'0404 503',true", "'0500',false", "'204 500',false", "'4001',false",
          "'500',true", "'66036',false", "'7',false", "'mysql',false", "'redis',false"}) {
      text += fmt::format("{}({},{})", text.empty() ? "[" : ",", call, n);
    }
    return text + "]";
  };
  const auto expect = [&](const std::string& calls) {
    const std::string sql =
        "SELECT groupArray((Server, Failed, n)) FROM (SELECT Server, Failed, sum(Calls) AS n FROM "
        "sightline.service_graph GROUP BY ALL ORDER BY ALL)";
    WaitFor([&] { return Value(sql) == calls; });
    EXPECT_EQ(Value(sql), calls);
  };
  options_.graph.wait_nanos = 0;
  StartIngest();
  Store(calls_of(1));
  expect(wanted(1));
  options_.graph.queued_spans_max = 0;
  Restart();
  Store(calls_of(2));
  expect(wanted(2));
}

TEST_P(KeepAllGraphTest, WhatComesFasterThanItIsMatchedIsReadFromTheStore) {
  options_.graph.queued_spans_max = 0;
  StartIngest();
  for (uint64_t trace = 1; trace <= 20; ++trace) {
    ASSERT_TRUE(Accept(Request({CallSpan(trace, 9, 0, kServerKind), CallSpan(trace, 1, 9, kClientKind)})));
    ASSERT_TRUE(Accept(Request({CallSpan(trace, 2, 1, kServerKind)})));
  }
  ExpectCalls("[('shop','shop',20),('user','shop',20)]");
}

TEST_P(KeepAllGraphTest, TooManySpansThatWaitAreDecidedEarlyAndCounted) {
  options_.graph.waiting_spans_max = 4;
  StartIngest();
  for (uint64_t trace = 1; trace <= 10; ++trace) {
    ASSERT_TRUE(Accept(
        Request({CallSpan(trace, 1, 9, kClientKind)
                     .Message(otlp::field::span::kAttributes,
                              otlp::testing::Attribute("db.system.name", otlp::testing::StringValue("redis")))})));
    ASSERT_TRUE(ingest_->Drain(kDrainNanos));
  }
  ExpectCalls("[('shop','redis',6)]");
  EXPECT_EQ(Metric("sightline.service_graph.early_spans"), 6);
}

TEST_P(KeepAllGraphTest, SpansKeptBySamplingAreNotCountedAgainWhenItIsTurnedOff) {
  options_.policies = Policies("{decision_wait: 50ms, policies: [{name: all, type: always_sample}]}");
  StartIngest();
  ASSERT_TRUE(Accept(Request({CallSpan(1, 9, 0, kServerKind)})));
  ASSERT_TRUE(ingest_->sampler()->WaitUntilAllDecided(Clock::System().MonotonicNanos() + kDrainNanos));
  ASSERT_TRUE(ingest_->Drain(kDrainNanos));
  options_.policies = nullptr;
  Restart();
  ASSERT_TRUE(Accept(Request({CallSpan(2, 9, 0, kServerKind)})));
  ExpectCalls("[('user','shop',2)]");
  options_.policies = Policies("{decision_wait: 50ms, policies: [{name: all, type: always_sample}]}");
  Restart();
  ASSERT_TRUE(Accept(Request({CallSpan(3, 9, 0, kServerKind)})));
  ExpectCalls("[('user','shop',3)]");
  options_.policies = nullptr;
  Restart();
  Restart();
  ASSERT_TRUE(Accept(Request({CallSpan(4, 9, 0, kServerKind)})));
  ExpectCalls("[('user','shop',4)]");
}

INSTANTIATE_TEST_SUITE_P(, KeepAllGraphTest, ::testing::ValuesIn(testing::Kinds()),
                         [](const auto& info) { return testing::KindName(info.param); });

INSTANTIATE_TEST_SUITE_P(, IngestTest, ::testing::ValuesIn(testing::Kinds()),
                         [](const auto& info) { return testing::KindName(info.param); });

// Blocks are split by days of UTC. In another time zone a day of ClickHouse would hold rows of two of them, and
// recovery would look for rows on the wrong day.
class IngestInAnotherTimeZone : public IngestTest {
 protected:
  void SetUp() override {
    setenv("TZ", "America/New_York", 1);  // inherited by the child, before which nothing else reads it
    IngestTest::SetUp();
  }
  void TearDown() override {
    IngestTest::TearDown();
    unsetenv("TZ");
  }
};

TEST_P(IngestInAnotherTimeZone, InterruptedBlockIsFoundOnItsDay) {
  EXPECT_EQ(Value("SELECT timezone()"), "UTC") << "texts of times mean the same everywhere";
  const uint64_t midnight = kToday * kDayNanos;
  LeaveBlock(1, Request({Span(1, 1, midnight), Span(1, 2, midnight + kDayNanos - 1)}), {kToday});
  Restart();
  EXPECT_EQ(Spans(), "2/2");
  EXPECT_EQ(Value("SELECT uniqExact(partition) FROM system.parts WHERE table = 'spans' AND active"), "1");
}

INSTANTIATE_TEST_SUITE_P(, IngestInAnotherTimeZone, ::testing::Values(Kind::kRemote),
                         [](const auto& info) { return testing::KindName(info.param); });

}  // namespace
}  // namespace sightline::store
