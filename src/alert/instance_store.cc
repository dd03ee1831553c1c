#include "alert/instance_store.h"

#include <fmt/format.h>
#include <simdjson.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cmath>

#include "base/json_text.h"

namespace sightline::alert {
namespace {

using state::Row;
using state::Session;
using state::Value;

// SQLite's columns here are whole numbers and texts; "" is no number.
std::string NumberText(double value) {
  return std::isnan(value) ? std::string() : fmt::format("{}", value);
}
double ReadNumber(const std::string& text) {
  return text.empty() ? std::numeric_limits<double>::quiet_NaN() : std::strtod(text.c_str(), nullptr);
}

Labels ReadLabels(const std::string& json) {
  Labels labels;
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(json).get(object) != simdjson::SUCCESS) return labels;
  for (const auto& [key, value] : object) {
    std::string_view text;
    if (value.get(text) == simdjson::SUCCESS) labels.emplace(key, text);
  }
  return labels;
}

// Of the instances of a rule its own, its health, has no labels' text.
constexpr std::string_view kHealthKey;

Result<void> Save(Session& session, const std::string& rule_id, const std::string& key, const Memory& memory,
                  double value) {
  return session.Run(
      "INSERT OR REPLACE INTO alert_instances (rule, labels, state, level, since, breach_since, critical_since, "
      "clear_since, missing_since, resolved, flaps, told, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {rule_id, key, std::string(StateName(memory.state)), static_cast<int64_t>(memory.level), memory.since,
       memory.breach_since, memory.critical_since, memory.clear_since, memory.missing_since, memory.resolved,
       static_cast<int64_t>(memory.flaps), static_cast<int64_t>(memory.told), NumberText(value)});
}

}  // namespace

std::string LabelsJson(const Labels& labels) {
  std::string json = "{";
  for (const auto& [key, value] : labels) {
    if (json.size() > 1) json += ',';
    AppendJsonString(json, key);
    json += ':';
    AppendJsonString(json, value);
  }
  return json + "}";
}

std::string Fingerprint(const std::string& rule_id, const Labels& labels) {
  std::string text = rule_id;
  for (const auto& [key, value] : labels) text += fmt::format("\n{}:{}{}:{}", key.size(), key, value.size(), value);
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

Result<std::map<std::string, KeptRule>> LoadKept(Session& session) {
  std::map<std::string, KeptRule> kept;
  SIGHTLINE_TRY(
      session.Run("SELECT rule, name, meaning, evaluated_unix_nanos FROM alert_rule_states", {}, [&](const Row& row) {
        KeptRule& rule = kept[row.Text(0)];
        rule.name = row.Text(1);
        rule.meaning = static_cast<uint64_t>(row.Int(2));
        rule.evaluated = row.Int(3);
      }));
  SIGHTLINE_TRY(session.Run(
      "SELECT rule, labels, state, level, since, breach_since, critical_since, clear_since, missing_since, resolved, "
      "flaps, told, value FROM alert_instances",
      {}, [&](const Row& row) {
        Memory memory;
        memory.state = ParseState(row.Text(2)).value_or(State::kInactive);
        memory.level = static_cast<Level>(row.Int(3));
        memory.since = row.Int(4);
        memory.breach_since = row.Int(5);
        memory.critical_since = row.Int(6);
        memory.clear_since = row.Int(7);
        memory.missing_since = row.Int(8);
        memory.resolved = row.Int(9);
        memory.flaps = static_cast<uint32_t>(row.Int(10));
        memory.told = row.Int(11) != 0;
        KeptRule& rule = kept[row.Text(0)];
        const std::string key = row.Text(1);
        if (key == kHealthKey) {
          rule.health = memory;
          return;
        }
        Instance instance{.labels = ReadLabels(key), .memory = memory, .value = ReadNumber(row.Text(12))};
        rule.instances.emplace(instance.labels, instance);
      }));
  return kept;
}

Result<void> SaveRule(Session& session, const std::string& rule_id, const KeptRule& kept) {
  SIGHTLINE_TRY(session.Run(
      "INSERT OR REPLACE INTO alert_rule_states (rule, name, meaning, evaluated_unix_nanos) VALUES (?, ?, ?, ?)",
      {rule_id, kept.name, static_cast<int64_t>(kept.meaning), kept.evaluated}));
  return Save(session, rule_id, std::string(kHealthKey), kept.health, std::numeric_limits<double>::quiet_NaN());
}

Result<void> SaveInstance(Session& session, const std::string& rule_id, const Instance& instance) {
  return Save(session, rule_id, LabelsJson(instance.labels), instance.memory, instance.value);
}

Result<void> DeleteInstance(Session& session, const std::string& rule_id, const Labels& labels) {
  return session.Run("DELETE FROM alert_instances WHERE rule = ? AND labels = ?", {rule_id, LabelsJson(labels)});
}

Result<void> DeleteKept(Session& session, const std::string& rule_id) {
  SIGHTLINE_TRY(session.Run("DELETE FROM alert_instances WHERE rule = ?", {rule_id}));
  return session.Run("DELETE FROM alert_rule_states WHERE rule = ?", {rule_id});
}

Result<void> AddTransition(Session& session, const Transition& transition) {
  SIGHTLINE_TRY(session.Run(
      "INSERT INTO alert_transitions (at_unix_nanos, rule, rule_name, fingerprint, labels, from_state, to_state, "
      "severity, value, message) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      {transition.at_unix_nanos, transition.rule_id, transition.rule_name, transition.fingerprint,
       LabelsJson(transition.labels), std::string(StateName(transition.from)), std::string(StateName(transition.to)),
       transition.severity, NumberText(transition.value), transition.message}));
  return session.Run("DELETE FROM alert_transitions WHERE id <= ?", {session.last_id() - kTransitionsMax});
}

Result<std::vector<Transition>> ReadTransitions(state::Database& database, const TransitionSearch& search) {
  std::string sql =
      "SELECT id, at_unix_nanos, rule, rule_name, fingerprint, labels, from_state, to_state, severity, value, message "
      "FROM alert_transitions WHERE at_unix_nanos >= ? AND at_unix_nanos < ?";
  std::vector<Value> values = {search.from_unix_nanos, search.to_unix_nanos};
  if (search.rule_id) sql += " AND rule = ?", values.emplace_back(*search.rule_id);
  if (search.before_id) sql += " AND id < ?", values.emplace_back(*search.before_id);
  sql += " ORDER BY id DESC LIMIT ?";
  values.emplace_back(int64_t{search.limit});
  std::vector<Transition> found;
  SIGHTLINE_TRY(database.Transaction([&](Session& session) {
    return session.Run(sql.c_str(), values, [&](const Row& row) {
      found.push_back({.id = row.Int(0),
                       .at_unix_nanos = row.Int(1),
                       .rule_id = row.Text(2),
                       .rule_name = row.Text(3),
                       .fingerprint = row.Text(4),
                       .labels = ReadLabels(row.Text(5)),
                       .from = ParseState(row.Text(6)).value_or(State::kInactive),
                       .to = ParseState(row.Text(7)).value_or(State::kInactive),
                       .severity = row.Text(8),
                       .value = ReadNumber(row.Text(9)),
                       .message = row.Text(10)});
    });
  }));
  return found;
}

}  // namespace sightline::alert
