// What every implementation of the contract with ClickHouse must do: the same tests for libchdb in this process and for
// ClickHouse over HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "store/clickhouse.h"
#include "store/testing/stores.h"

namespace sightline::store {
namespace {

using std::chrono::steady_clock;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Kind;
using testing::NativeBlock;

double SecondsSince(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

class Contract : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (GetParam() == Kind::kRemote && testing::ChildServer::Program().empty()) {
      GTEST_SKIP() << "no sightline-clickhouse: name one with SIGHTLINE_CLICKHOUSE_BIN";
    }
    directory_ = std::make_unique<testing::TempDirectory>();
    store_ = std::make_unique<testing::TestStore>(GetParam(), directory_->path());
    ASSERT_EQ(store_->error(), "");
    Execute("CREATE DATABASE test ENGINE = Atomic");
  }

  ClickHouse& store() { return **store_; }

  void Execute(const std::string& sql) {
    auto done = store().Execute(sql);
    ASSERT_TRUE(done) << sql << ": " << done.error().message;
  }

  std::string Value(const std::string& sql, QueryOptions options = {}) {
    auto rows = store().Rows(sql, std::move(options));
    if (!rows) return "error: " + rows.error().message;
    if (rows->size() != 1 || rows->front().size() != 1) return "not one value";
    return rows->front().front();
  }

  Result<QueryStats> Read(const std::string& sql, std::string& text, QueryOptions options = {}) {
    return store().Query(sql, options, [&](std::string_view piece) {
      text += piece;
      return true;
    });
  }

  std::unique_ptr<testing::TempDirectory> directory_;
  std::unique_ptr<testing::TestStore> store_;
};

INSTANTIATE_TEST_SUITE_P(Stores, Contract, ::testing::ValuesIn(testing::Kinds()),
                         [](const auto& info) { return testing::KindName(info.param); });

TEST_P(Contract, TellsItsVersion) {
  auto version = store().Version();
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_GE(std::stoi(*version), 25);
}

TEST_P(Contract, ExecutesStatementsAndReadsRowsBack) {
  Execute("CREATE TABLE test.t (a UInt64, b String) ENGINE = MergeTree ORDER BY a");
  Execute("INSERT INTO test.t VALUES (1, 'one'), (2, 'tab\\there')");
  auto rows = store().Rows("SELECT a, b FROM test.t ORDER BY a");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_THAT(*rows, ElementsAre(ElementsAre("1", "one"), ElementsAre("2", "tab\there")));
}

TEST_P(Contract, AnswersInAnyFormat) {
  std::string json, csv;
  ASSERT_TRUE(Read("SELECT 1 AS x, 'a' AS y", json, {.format = "JSONCompact"}));
  EXPECT_THAT(json, HasSubstr("\"data\""));
  ASSERT_TRUE(Read("SELECT number AS n FROM numbers(3)", csv, {.format = "CSVWithNames"}));
  EXPECT_EQ(csv, "\"n\"\n0\n1\n2\n");
}

TEST_P(Contract, FormatWithAHeaderHasOneHeaderHoweverLongTheAnswer) {
  std::string csv;
  ASSERT_TRUE(Read("SELECT number AS n FROM numbers(300000)", csv, {.format = "CSVWithNames"}));
  EXPECT_EQ(csv.find("\"n\"", 1), std::string::npos);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 300001);
}

TEST_P(Contract, FormatClauseInTheTextWins) {
  std::string text;
  ASSERT_TRUE(Read("SELECT 7 AS x FORMAT TSVWithNames", text, {.format = "JSON"}));
  EXPECT_EQ(text, "x\n7\n");
}

TEST_P(Contract, ErrorsKeepClickHousesNumber) {
  struct Case {
    std::string sql;
    int number;
    Code code;
  };
  for (const Case& c : {Case{"SELEC 1", 62, Code::kInvalidArgument}, Case{"SELECT nope", 47, Code::kInvalidArgument},
                        Case{"SELECT * FROM test.missing", 60, Code::kNotFound},
                        Case{"SELECT throwIf(number = 2) FROM numbers(3)", 395, Code::kInvalidArgument}}) {
    std::string text;
    auto result = Read(c.sql, text);
    ASSERT_FALSE(result) << c.sql;
    EXPECT_EQ(ClickHouseCode(result.error().message), c.number) << result.error().message;
    EXPECT_EQ(result.error().code, c.code) << result.error().message;
  }
}

TEST_P(Contract, ErrorInTheMiddleOfAStreamIsReported) {
  std::string text;
  auto result =
      Read("SELECT number, throwIf(number = 900000) FROM numbers(1000000) SETTINGS max_block_size = 10000", text);
  ASSERT_FALSE(result);
  EXPECT_EQ(ClickHouseCode(result.error().message), 395) << result.error().message;
  EXPECT_GT(text.size(), 100'000u);  // it came in the middle
  EXPECT_EQ(text.find("DB::Exception"), std::string::npos) << "the error's text is no row";
}

TEST_P(Contract, RefusesASecondStatement) {
  auto done =
      store().Execute("CREATE TABLE test.x (a UInt8) ENGINE = Memory; CREATE TABLE test.y (a UInt8) ENGINE = Memory");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kInvalidArgument);
  EXPECT_EQ(Value("SELECT count() FROM system.tables WHERE database = 'test'"), "0");
}

TEST_P(Contract, RefusesKillSyncWhichWouldHang) {
  auto done = store().Execute("KILL QUERY WHERE query_id = 'x' SYNC");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kInvalidArgument) << done.error().message;
}

TEST_P(Contract, ReadOnlyQueryCannotWrite) {
  Execute("CREATE TABLE test.t (a UInt64) ENGINE = MergeTree ORDER BY a");
  for (const std::string sql : {"INSERT INTO test.t VALUES (1)", "DROP TABLE test.t", "CREATE DATABASE other"}) {
    std::string text;
    auto result = Read(sql, text);
    ASSERT_FALSE(result) << sql;
    EXPECT_EQ(ClickHouseCode(result.error().message), 164) << result.error().message;
  }
}

TEST_P(Contract, ParametersArriveAsTheyAre) {
  using namespace std::string_literals;
  for (const std::string& value : {"plain"s, ""s, "tab\there"s, "line\nbreak\r\n"s, "back\\slash\\"s, "\\t is no tab"s,
                                   "'quotes' \"and\" `ticks`"s, "{name:Type}"s, "nul\0byte"s, "Grüße 🦀 \xe2\x80\xa8"s,
                                   "'); DROP TABLE x; --"s, "\\N"s, std::string(10'000, '\'')}) {
    std::string hex;
    for (const char c : value) hex += fmt::format("{:02X}", static_cast<unsigned char>(c));
    EXPECT_EQ(Value("SELECT hex({p:String})", {.parameters = {{"p", value}}}), hex) << value.substr(0, 40);
  }
}

TEST_P(Contract, ParametersOfOtherTypes) {
  EXPECT_EQ(Value("SELECT {a:UInt64} + 0", {.parameters = {{"a", "18446744073709551615"}}}), "18446744073709551615");
  EXPECT_EQ(Value("SELECT toString({t:DateTime64(9)})", {.parameters = {{"t", "2024-05-06 07:08:09.123456789"}}}),
            "2024-05-06 07:08:09.123456789");
  EXPECT_EQ(
      Value("SELECT arrayStringConcat({l:Array(String)}, '|')", {.parameters = {{"l", R"(['a\\b','it\'s','c'])"}}}),
      R"(a\b|it's|c)");
  EXPECT_EQ(Value("SELECT count() FROM {d:Identifier}.one", {.parameters = {{"d", "system"}}}), "1");
}

TEST_P(Contract, StreamsAMillionRowsInPieces) {
  size_t pieces = 0, rows = 0;
  auto stats = store().Query("SELECT number, toString(number) FROM numbers(1000000)", {}, [&](std::string_view piece) {
    ++pieces;
    rows += std::count(piece.begin(), piece.end(), '\n');
    return true;
  });
  ASSERT_TRUE(stats) << stats.error().message;
  EXPECT_EQ(rows, 1'000'000u);
  EXPECT_GT(pieces, 5u);
}

TEST_P(Contract, SinkStopsAnEndlessQuery) {
  const auto start = steady_clock::now();
  size_t bytes = 0;
  auto result = store().Query("SELECT number FROM system.numbers", {}, [&](std::string_view piece) {
    bytes += piece.size();
    return bytes < 1'000'000;
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kCancelled) << result.error().message;
  EXPECT_LT(SecondsSince(start), 10);
  EXPECT_EQ(Value("SELECT 1"), "1");
}

// `sql` runs without end and has "cityHash64(number)) FROM" in it.
void ExpectCancelledFromAnotherThread(ClickHouse& store, const std::string& sql, const QueryOptions& options) {
  const auto value = [&](const std::string& question) {
    auto rows = store.Rows(question);
    EXPECT_TRUE(rows) << rows.error().message;
    return rows && !rows->empty() ? (*rows)[0][0] : std::string();
  };
  Cancellation cancellation;
  auto running = std::async(std::launch::async, [&] {
    return store.Query(sql, options, [](std::string_view) { return true; }, &cancellation);
  });
  const auto deadline = steady_clock::now() + std::chrono::seconds(20);
  while (value("SELECT count() FROM system.processes WHERE query LIKE '%cityHash64(number)) FROM%' AND query NOT LIKE "
               "'%system.processes%'") != "1") {
    ASSERT_LT(steady_clock::now(), deadline);
  }
  const auto start = steady_clock::now();
  cancellation.Cancel();
  auto result = running.get();
  EXPECT_LT(SecondsSince(start), 1.0);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kCancelled) << result.error().message;
  // It is gone from the engine too, not only from our side.
  while (value("SELECT count() FROM system.processes WHERE query LIKE '%cityHash64(number)) FROM%' AND query NOT LIKE "
               "'%system.processes%'") != "0") {
    ASSERT_LT(steady_clock::now(), deadline);
  }
}

TEST_P(Contract, AnotherThreadCancelsWithinASecond) {
  ExpectCancelledFromAnotherThread(store(), "SELECT sum(cityHash64(number)) FROM numbers(100000000000)", {});
}

TEST_P(Contract, AnotherThreadCancelsAStatementWithParametersWithinASecond) {
  ExpectCancelledFromAnotherThread(
      store(), "SELECT sum(cityHash64(number)) FROM numbers(100000000000) WHERE number > {least:UInt64}",
      {.parameters = {{"least", "5"}}});
}

TEST_P(Contract, CancelledBeforehandNeverRuns) {
  Cancellation cancellation;
  cancellation.Cancel();
  auto result = store().Query("SELECT sleep(3)", {}, [](std::string_view) { return true; }, &cancellation);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kCancelled);
}

TEST_P(Contract, SettingsHoldForTheirQueryOnly) {
  const auto start = steady_clock::now();
  std::string text;
  auto result = Read("SELECT sum(cityHash64(number)) FROM numbers(100000000000)", text,
                     {.settings = {{"max_execution_time", "1"}}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kDeadlineExceeded) << result.error().message;
  EXPECT_EQ(ClickHouseCode(result.error().message), 159);
  EXPECT_LT(SecondsSince(start), 5);
  EXPECT_EQ(Value("SELECT getSetting('max_execution_time')"), "0");
  EXPECT_EQ(Value("SELECT getSetting('max_execution_time')", {.settings = {{"max_execution_time", "7"}}}), "7");
  EXPECT_EQ(Value("SELECT currentDatabase()", {.settings = {{"database", "test"}}}), "test");
}

TEST_P(Contract, UnknownSettingIsAnError) {
  std::string text;
  auto result = Read("SELECT 1", text, {.settings = {{"no_such_setting", "1"}}});
  ASSERT_FALSE(result);
  EXPECT_EQ(ClickHouseCode(result.error().message), 115) << result.error().message;
}

TEST_P(Contract, MemoryLimitIsAResourceLimit) {
  std::string text;
  auto result =
      Read("SELECT uniqExact(number) FROM numbers(50000000)", text, {.settings = {{"max_memory_usage", "10000000"}}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kResourceExhausted) << result.error().message;
}

TEST_P(Contract, InsertsNativeBlocksAndDropsARepeatedToken) {
  Execute(
      "CREATE TABLE test.t (a UInt64, b String) ENGINE = MergeTree ORDER BY a SETTINGS "
      "non_replicated_deduplication_window = 100");
  const std::string two_blocks = NativeBlock(2).UInt64("a", {1, 2}).String("b", {"x", std::string("\0y", 2)}).Bytes() +
                                 NativeBlock(1).UInt64("a", {3}).String("b", {"z"}).Bytes();
  for (int i = 0; i < 3; ++i) {
    auto done = store().InsertNative("test.t", {"a", "b"}, two_blocks, "writer-1");
    ASSERT_TRUE(done) << done.error().message;
  }
  EXPECT_EQ(Value("SELECT count() FROM test.t"), "3");
  ASSERT_TRUE(store().InsertNative("test.t", {"a", "b"}, two_blocks, "writer-2"));
  EXPECT_EQ(Value("SELECT count() FROM test.t"), "6");
  EXPECT_EQ(Value("SELECT hex(b) FROM test.t WHERE a = 2 LIMIT 1"), "0079");
}

// A search must not depend on which blocks were merged yet (docs/adr/005-log-text.md). The name is the real table's: an
// engine can be told to leave out indexes by name.
TEST_P(Contract, InsertMakesTheIndexesOfItsBlock) {
  Execute(
      "CREATE TABLE test.t (a UInt64, b String, INDEX idx_body lower(b) TYPE ngrambf_v1(5, 16384, 1, 0) GRANULARITY 1) "
      "ENGINE = MergeTree ORDER BY a");
  const std::string native = NativeBlock(1).UInt64("a", {1}).String("b", {"Connection reset"}).Bytes();
  auto done = store().InsertNative("test.t", {"a", "b"}, native, "t");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(
      Value("SELECT data_uncompressed_bytes >= 16384 FROM system.data_skipping_indices WHERE database = 'test' AND "
            "table = 't' AND name = 'idx_body'"),
      "1");
}

TEST_P(Contract, InsertsALargeBlock) {
  Execute("CREATE TABLE test.t (a UInt64, b String) ENGINE = MergeTree ORDER BY a");
  constexpr uint64_t kRows = 50'000;
  std::vector<uint64_t> numbers(kRows);
  for (uint64_t i = 0; i < kRows; ++i) numbers[i] = i;
  const std::string native = NativeBlock(kRows)
                                 .UInt64("a", numbers)
                                 .String("b", std::vector<std::string>(kRows, std::string(400, 'x')))
                                 .Bytes();
  auto done = store().InsertNative("test.t", {"a", "b"}, native, "t");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(Value("SELECT sum(a) + count() FROM test.t"), std::to_string(kRows * (kRows - 1) / 2 + kRows));
}

TEST_P(Contract, BrokenNativeInsertStoresNothing) {
  Execute("CREATE TABLE test.t (a UInt64, b String) ENGINE = MergeTree ORDER BY a");
  const std::string whole = NativeBlock(2).UInt64("a", {1, 2}).String("b", {"x", "y"}).Bytes();
  for (const std::string& broken :
       {whole.substr(0, whole.size() - 1), whole + whole.substr(0, 20), std::string("garbage bytes")}) {
    auto done = store().InsertNative("test.t", {"a", "b"}, broken, fmt::format("t-{}", broken.size()));
    EXPECT_FALSE(done) << broken.size();
  }
  EXPECT_EQ(Value("SELECT count() FROM test.t"), "0");
  ASSERT_TRUE(store().InsertNative("test.t", {"a", "b"}, whole, "good"));
  EXPECT_EQ(Value("SELECT count() FROM test.t"), "2");
}

TEST_P(Contract, InsertIntoAMissingTableIsNotFound) {
  auto done = store().InsertNative("test.missing", {"a"}, NativeBlock(1).UInt64("a", {1}).Bytes(), "t");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kNotFound) << done.error().message;
}

TEST_P(Contract, ManyThreadsShareTheConnections) {
  Execute("CREATE TABLE test.t (a UInt64) ENGINE = MergeTree ORDER BY a");
  std::vector<std::future<int>> threads;
  for (uint64_t thread = 0; thread < 12; ++thread) {
    threads.push_back(std::async(std::launch::async, [&, thread] {
      int failures = 0;
      for (uint64_t i = 0; i < 5; ++i) {
        if (thread % 3 == 0) {
          failures +=
              store().InsertNative("test.t", {"a"}, NativeBlock(1).UInt64("a", {thread * 100 + i}).Bytes(), "") ? 0 : 1;
        } else {
          failures += Value(fmt::format("SELECT {} + 0", thread * 100 + i)) == std::to_string(thread * 100 + i) ? 0 : 1;
        }
      }
      return failures;
    }));
  }
  for (auto& thread : threads) EXPECT_EQ(thread.get(), 0);
  EXPECT_EQ(Value("SELECT count() FROM test.t"), "20");
}

TEST_P(Contract, KeepsDataOverAReopen) {
  Execute("CREATE TABLE test.t (a UInt64) ENGINE = MergeTree ORDER BY a");
  ASSERT_TRUE(store().InsertNative("test.t", {"a"}, NativeBlock(1).UInt64("a", {42}).Bytes(), "t"));
  store_.reset();
  store_ = std::make_unique<testing::TestStore>(GetParam(), directory_->path());
  ASSERT_EQ(store_->error(), "");
  EXPECT_EQ(Value("SELECT a FROM test.t"), "42");
}

}  // namespace
}  // namespace sightline::store
