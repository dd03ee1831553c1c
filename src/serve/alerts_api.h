// The endpoints on alerts: rules, what they come to now and came to before, and what a rule would have come to.
#pragma once

#include <string>
#include <vector>

#include "alert/evaluator.h"
#include "alert/rule_files.h"
#include "alert/rule_queries.h"
#include "alert/rule_store.h"
#include "serve/api_call.h"
#include "serve/router.h"
#include "state/database.h"

namespace sightline::serve {

// What people and plans have done about an alert.
class AlertMarks {
 public:
  struct Mark {
    bool acknowledged = false;
    std::vector<std::string> silenced_by;  // ids of silences
  };
  virtual ~AlertMarks() = default;
  // One for each of them.
  virtual Result<std::vector<Mark>> Of(const std::vector<alert::Alert>& alerts) = 0;
};

// All must outlive the API.
struct AlertParts {
  alert::RuleStore& rules;
  alert::RuleFiles& files;
  alert::RuleQueries& queries;
  alert::Evaluator& evaluator;
  state::Database& database;
  alert::BurnSource* burns = nullptr;  // null: there are no objectives
  AlertMarks* marks = nullptr;         // null: nothing was done about any
};

// Thread: any.
class AlertsApi {
 public:
  explicit AlertsApi(AlertParts parts) : parts_(parts) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> ListRules(ApiCall& call);
  Result<void> GetRule(ApiCall& call);
  Result<void> CreateRule(ApiCall& call);
  Result<void> UpdateRule(ApiCall& call);
  Result<void> DeleteRule(ApiCall& call);
  Result<void> ListAlerts(ApiCall& call);
  Result<void> History(ApiCall& call);
  Result<void> RunBacktest(ApiCall& call);

  Result<alert::Rule> Find(const std::string& id);
  Result<alert::RuleDocument> Read(const std::string& json);
  void WriteRule(JsonWriter& json, const alert::Rule& rule) const;
  void WriteStatus(JsonWriter& json, const alert::Rule& rule) const;

  const AlertParts parts_;
};

}  // namespace sightline::serve
