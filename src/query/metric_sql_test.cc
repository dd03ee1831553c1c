// The SQL that questions about metrics become, as snapshots.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <re2/re2.h>

#include <sstream>

#include "query/metric_cardinality.h"
#include "query/metric_heatmap.h"
#include "query/testing/metric_store.h"
#include "traceql/parse.h"
#include "traceql/testing/table_file.h"

namespace sightline::query {
namespace {

using testing::kHour;
using testing::kSecond;

// Keeps what is asked, and asks it. Thread: one at a time.
class RecordingClickHouse final : public store::ClickHouse {
 public:
  explicit RecordingClickHouse(store::ClickHouse& engine) : engine_(engine) {}

  Result<void> Execute(const std::string& sql, const store::QueryOptions& options) override {
    return engine_.Execute(sql, options);
  }
  Result<store::QueryStats> Query(const std::string& sql, const store::QueryOptions& options,
                                  const std::function<bool(std::string_view piece)>& sink,
                                  store::Cancellation* cancellation) override {
    statements_ += (statements_.empty() ? "" : ";\n") + sql;
    for (const auto& [name, value] : options.parameters) statements_ += "\n" + name + " = " + value;
    return engine_.Query(sql, options, sink, cancellation);
  }
  Result<void> InsertNative(const std::string& table, const std::vector<std::string>& columns, std::string_view native,
                            const std::string& token) override {
    return engine_.InsertNative(table, columns, native, token);
  }
  Result<std::string> Version() override { return engine_.Version(); }

  std::string Take() { return std::exchange(statements_, ""); }

 private:
  store::ClickHouse& engine_;
  std::string statements_;
};

class MetricSqlTest : public testing::MetricStoreTest {
 protected:
  void SetUp() override {
    MetricStoreTest::SetUp();
    if (IsSkipped()) return;
    recorder_ = std::make_unique<RecordingClickHouse>(clickhouse());
    for (const char* type : {"gauge", "histogram", "exponential_histogram", "summary"}) {
      Add({.name = type, .type = type, .temporality = 0, .monotonic = false, .attributes = "{'pool': 'x'}"});
    }
    Add({.name = "counter", .attributes = "{'pool': 'x'}"});
    Add({.name = "delta", .temporality = 1, .attributes = "{'pool': 'x'}"});
  }

  // Two hours, in steps of a minute.
  int64_t to() const { return start_ + 2 * kHour; }

  SeriesRequest Request(std::istringstream& words) const {
    SeriesRequest request{.from_unix_nanos = start_, .to_unix_nanos = to()};
    words >> request.name;
    for (std::string word; words >> word;) {
      if (word == "by") {
        words >> request.group_by.emplace_back();
      } else if (word == "over") {
        std::string time, series;
        words >> time >> series;
        request.over_time = ParseAggregation(time);
        request.over_series = ParseAggregation(series);
      } else if (word == "where") {
        std::string condition;
        std::getline(words, condition);
        auto parsed = traceql::ParseSpanCondition(condition);
        EXPECT_TRUE(parsed) << condition;
        if (parsed) request.filter = std::make_shared<const traceql::Expression>(*std::move(parsed));
      } else {
        request.aggregation = ParseAggregation(word);
        EXPECT_TRUE(request.aggregation) << word;
      }
    }
    return request;
  }

  std::string Ask(const std::string& text) {
    std::istringstream words(text);
    std::string what;
    words >> what;
    const auto said = [](const auto& result) { return result ? "" : result.error().message; };
    if (what == "series") return said(MetricReader(*recorder_).GetSeries(Request(words)));
    if (what == "list") {
      MetricSearch search;
      words >> search.text;
      return said(MetricReader(*recorder_).List(search));
    }
    if (what == "heatmap") {
      const SeriesRequest request = Request(words);
      return said(ReadMetricHeatmap(
          *recorder_, "sightline",
          {.name = request.name, .from_unix_nanos = start_, .to_unix_nanos = to(), .filter = request.filter}, nullptr,
          nullptr));
    }
    if (what == "cardinality") {
      return said(ReadMetricCardinality(*recorder_, "sightline", Request(words).name, std::nullopt, start_, nullptr));
    }
    ADD_FAILURE() << "what is " << what << "?";
    return "";
  }

  // Times as they lie to the test's begin.
  std::string Relative(const std::string& sql) const {
    static const re2::RE2 kTime("\\b([0-9]{19}|[0-9]{10})\\b");
    std::string text;
    re2::StringPiece left(sql), found;
    while (kTime.Match(left, 0, left.size(), re2::RE2::UNANCHORED, &found, 1)) {
      text.append(left.data(), static_cast<size_t>(found.data() - left.data()));
      const int64_t number = std::stoll(std::string(found));
      const int64_t unix_nanos = found.size() == 10 ? number * kSecond : number;
      text += fmt::format("T{:+}s", (unix_nanos - start_) / kSecond);
      left.remove_prefix(static_cast<size_t>(found.data() - left.data()) + found.size());
    }
    return text.append(left.data(), left.size());
  }

  std::unique_ptr<RecordingClickHouse> recorder_;
};

TEST_F(MetricSqlTest, QuestionsBecomeTheSameSql) {
  traceql::testing::RunTableFile("query/testdata/metric_sql.test", [&](const std::string& text) {
    const std::string problem = Ask(text);
    return Relative(recorder_->Take()) + (problem.empty() ? "" : "\nrefused: " + problem);
  });
}

}  // namespace
}  // namespace sightline::query
