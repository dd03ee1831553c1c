#include "alert/rule_store.h"

#include <fmt/format.h>

#include <utility>

namespace sightline::alert {
namespace {

using state::Row;
using state::Session;
using state::Value;

constexpr const char* kColumns = "id, document, version, created_unix_nanos, updated_unix_nanos";

// What was kept was checked; a document that no longer passes is one of a newer program.
Result<Rule> ReadRow(const Row& row) {
  Rule rule{.id = std::to_string(row.Int(0))};
  auto document = ReadRule(row.Text(1));
  if (!document) return Fail(Code::kInternal, "rule {} cannot be read: {}", rule.id, document.error().message);
  rule.document = *std::move(document);
  rule.version = row.Int(2);
  rule.created_unix_nanos = row.Int(3);
  rule.updated_unix_nanos = row.Int(4);
  return rule;
}

// All rows; the first that does not read ends it.
Result<std::vector<Rule>> Read(Session& session, const std::string& sql, const std::vector<Value>& values) {
  std::vector<Rule> found;
  Result<void> all;
  SIGHTLINE_TRY(session.Run(sql.c_str(), values, [&](const Row& row) {
    auto rule = ReadRow(row);
    if (rule) {
      found.push_back(*std::move(rule));
    } else if (all) {
      all = std::unexpected(rule.error());
    }
  }));
  SIGHTLINE_TRY(all);
  return found;
}

Result<Rule> Find(Session& session, int64_t id) {
  auto found = Read(session, fmt::format("SELECT {} FROM alert_rules WHERE id = ?", kColumns), {id});
  if (!found) return std::unexpected(found.error());
  if (found->empty()) return Fail(Code::kNotFound, "there is no rule {}", id);
  return std::move(found->front());
}

Result<Rule> FindUnchanged(Session& session, int64_t id, int64_t version) {
  auto rule = Find(session, id);
  if (!rule || rule->version == version) return rule;
  return Fail(Code::kFailedPrecondition, "{:?} was changed meanwhile: it has version {}, not {}\nread it again",
              rule->document.name, rule->version, version);
}

}  // namespace

Result<std::vector<Rule>> RuleStore::List() {
  Result<std::vector<Rule>> list;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    list = Read(session, fmt::format("SELECT {} FROM alert_rules ORDER BY name COLLATE NOCASE, id", kColumns), {});
    if (!list) return std::unexpected(list.error());
    return {};
  }));
  return list;
}

Result<Rule> RuleStore::Get(int64_t id) {
  Result<Rule> rule;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    rule = Find(session, id);
    if (!rule) return std::unexpected(rule.error());
    return {};
  }));
  return rule;
}

Result<Rule> RuleStore::Create(RuleDocument document) {
  Rule rule{.document = std::move(document)};
  rule.created_unix_nanos = rule.updated_unix_nanos = clock_.UnixNanos();
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    int64_t count = 0;
    SIGHTLINE_TRY(session.Run("SELECT count(*) FROM alert_rules", {}, [&](const Row& row) { count = row.Int(0); }));
    if (count >= static_cast<int64_t>(kRulesMax)) {
      return Fail(Code::kResourceExhausted, "there are {} rules, which is the most\ndelete some", count);
    }
    SIGHTLINE_TRY(
        session.Run("INSERT INTO alert_rules (name, document, version, created_unix_nanos, updated_unix_nanos) VALUES "
                    "(?, ?, 1, ?, ?)",
                    {rule.document.name, rule.document.json, rule.created_unix_nanos, rule.updated_unix_nanos}));
    rule.id = std::to_string(session.last_id());
    return {};
  }));
  return rule;
}

Result<Rule> RuleStore::Update(int64_t id, int64_t version, RuleDocument document) {
  Rule rule;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    auto before = FindUnchanged(session, id, version);
    if (!before) return std::unexpected(before.error());
    rule = *std::move(before);
    rule.document = std::move(document);
    rule.version = version + 1;
    rule.updated_unix_nanos = clock_.UnixNanos();
    return session.Run(
        "UPDATE alert_rules SET name = ?, document = ?, version = ?, updated_unix_nanos = ? WHERE id = ?",
        {rule.document.name, rule.document.json, rule.version, rule.updated_unix_nanos, id});
  }));
  return rule;
}

Result<void> RuleStore::Delete(int64_t id, int64_t version) {
  return database_.Transaction([&](Session& session) -> Result<void> {
    auto rule = FindUnchanged(session, id, version);
    if (!rule) return std::unexpected(rule.error());
    return session.Run("DELETE FROM alert_rules WHERE id = ?", {id});
  });
}

}  // namespace sightline::alert
