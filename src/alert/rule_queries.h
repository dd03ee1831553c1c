// What a rule asks. Data: its queries at a range of steps -> readers of query/ -> groups of values; formulas over them.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "alert/rule_document.h"
#include "base/error.h"
#include "query/item_set.h"
#include "query/metrics.h"
#include "query/silent_failures.h"
#include "query/sql.h"
#include "store/clickhouse.h"

namespace sightline::alert {

// Steps [from, from + step), [from + step, from + 2 * step), ... until `to`. A window is one step exactly.
struct Steps {
  int64_t from_unix_nanos = 0, to_unix_nanos = 0, step_seconds = 0;
  size_t count() const {
    return static_cast<size_t>((to_unix_nanos - from_unix_nanos) / (step_seconds * 1'000'000'000));
  }
};

struct Group {
  Labels labels;
  std::vector<double> values;  // of each step; NaN: none
};
struct Groups {
  std::vector<Group> groups;
  bool counts = false;  // a group that is not there has the value 0
  bool is_cut = false;  // there are more groups than were read
  std::string unit;
  store::QueryStats scanned;
};

struct QueryOptions {
  std::string database = "sightline";
  std::vector<otlp::HotAttribute> hot_attributes = otlp::DefaultHotAttributes();
  query::SqlLimits sql;
  int64_t rollup_minute_seconds = 0;  // as of SilentFailureReader
};

// Steps that a source is asked for one by one: each is a statement.
inline constexpr size_t kSingleStepsMax = 200;
// Whether the source answers many steps in about the time of one.
bool AnswersSteps(const RuleDocument& rule);

// Not for source slo. Thread: any.
class RuleQueries {
 public:
  // `clickhouse` must outlive it.
  RuleQueries(store::ClickHouse& clickhouse, QueryOptions options);

  // What only the engine can tell of a document: whether its SQL is allowed. kInvalidArgument: "queries[0].query: …".
  Result<void> Check(const RuleDocument& rule);

  // What the rule watches. kInvalidArgument: an answer that says no groups of numbers.
  Result<Groups> Ask(const RuleDocument& rule, const Steps& steps, int64_t now_unix_nanos,
                     store::Cancellation* cancellation = nullptr);

 private:
  struct Answer;
  Result<Answer> AskOne(const RuleQuery& one, const Steps& steps, int64_t now_unix_nanos,
                        store::Cancellation* cancellation);
  Result<Answer> AskSpans(const RuleQuery& one, const Steps& steps, store::Cancellation* cancellation);
  Result<Answer> AskLogs(const RuleQuery& one, const Steps& steps, store::Cancellation* cancellation);
  Result<Answer> AskMetric(const RuleQuery& one, const Steps& steps, store::Cancellation* cancellation);
  Result<Answer> AskSingly(const RuleQuery& one, const Steps& steps, int64_t now_unix_nanos,
                           store::Cancellation* cancellation);
  Result<Answer> AskSql(const RuleQuery& one, const Steps& step, store::Cancellation* cancellation);
  Result<Answer> AskSilent(const RuleQuery& one, const Steps& step, int64_t now_unix_nanos,
                           store::Cancellation* cancellation);

  // Formulas that are wanted, added to the answers.
  static void Compute(const RuleDocument& rule, const std::set<std::string>& wanted, size_t steps,
                      std::map<std::string, Answer>& answers);

  query::ItemSource items_;
  query::MetricReader metrics_;
  query::SilentFailureReader silent_;
  query::SqlRunner sql_;
};

// ---- for rule_queries*.cc, and tests --------------------------------------------------------------------------------

// Labels as people write them in silences and annotations: service.name of resource.service.name, shop of "shop";
// without those that are nil.
Labels PlainLabels(const std::vector<std::pair<std::string, std::string>>& labels);

// SQL with $from, $to and $step (in seconds) in the text.
std::string WithTimes(std::string_view sql, const Steps& steps);
// ClickHouse's JSONCompact: texts are labels; the number called value, else the only one, is the value; of rows of one
// group with a time the newest counts. kInvalidArgument: it is none of that.
Result<std::vector<Group>> ReadSqlAnswer(std::string_view json);

}  // namespace sightline::alert
