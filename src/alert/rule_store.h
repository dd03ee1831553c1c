// Rules that people make, in the program's state.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "alert/rule_document.h"
#include "base/clock.h"
#include "base/error.h"
#include "state/database.h"

namespace sightline::alert {

inline constexpr size_t kRulesMax = 5000;

struct Rule {
  std::string id;  // "7", or "file-NAME"
  bool is_file = false;
  int64_t version = 1;  // from 1 on, one more with each change
  int64_t created_unix_nanos = 0, updated_unix_nanos = 0;
  RuleDocument document;
};

// Thread: any.
class RuleStore {
 public:
  // What is borrowed must outlive it.
  explicit RuleStore(state::Database& database, const Clock& clock = Clock::System())
      : database_(database), clock_(clock) {}

  Result<std::vector<Rule>> List();  // by name
  Result<Rule> Get(int64_t id);      // kNotFound
  // kResourceExhausted: there are kRulesMax.
  Result<Rule> Create(RuleDocument document);
  // kNotFound; kFailedPrecondition: somebody else has changed it since `version`.
  Result<Rule> Update(int64_t id, int64_t version, RuleDocument document);
  Result<void> Delete(int64_t id, int64_t version);

 private:
  state::Database& database_;
  const Clock& clock_;
};

}  // namespace sightline::alert
