#include "state/exception_decisions.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace sightline::state {
namespace {

constexpr size_t kGroupIdDigits = 16;
constexpr const char* kColumns =
    "group_id, state, note, resolved_in_version, version, decided_unix_nanos, regressed_unix_nanos";

ExceptionDecision ReadDecision(const Row& row) {
  ExceptionDecision decision;
  decision.group_id = row.Text(0);
  decision.state = row.Text(1);
  decision.note = row.Text(2);
  decision.resolved_in_version = row.Text(3);
  decision.version = row.Int(4);
  decision.decided_unix_nanos = row.Int(5);
  decision.regressed_unix_nanos = row.Int(6);
  return decision;
}

bool IsGroupId(std::string_view text) {
  return text.size() == kGroupIdDigits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

Result<void> Check(const DecisionContent& content) {
  if (content.state != "open" && content.state != "resolved" && content.state != "ignored") {
    return Fail(Code::kInvalidArgument, "state: {:?} is none of resolved, ignored and open", content.state);
  }
  if (content.note.size() > kDecisionNoteBytesMax) {
    return Fail(Code::kInvalidArgument, "note: {} bytes are more than {}", content.note.size(), kDecisionNoteBytesMax);
  }
  const std::string& version = content.resolved_in_version;
  if (version.size() > kDecisionVersionBytesMax) {
    return Fail(Code::kInvalidArgument, "resolved_in_version: {} bytes are more than {}", version.size(),
                kDecisionVersionBytesMax);
  }
  if (!version.empty() && content.state != "resolved") {
    return Fail(Code::kInvalidArgument, "resolved_in_version: only what is resolved has one");
  }
  return {};
}

// Ids are checked, so that they need no quoting.
std::string IdArray(const std::vector<std::string>& ids) {
  return fmt::format("[{}]", fmt::join(ids, ","));
}

Result<std::optional<ExceptionDecision>> Find(Session& session, const std::string& group_id) {
  std::optional<ExceptionDecision> found;
  SIGHTLINE_TRY(session.Run(fmt::format("SELECT {} FROM exception_decisions WHERE group_id = ?", kColumns).c_str(),
                            {group_id}, [&](const Row& row) { found = ReadDecision(row); }));
  return found;
}

Result<void> MakeRoom(Session& session) {
  int64_t count = 0;
  SIGHTLINE_TRY(
      session.Run("SELECT count(*) FROM exception_decisions", {}, [&](const Row& row) { count = row.Int(0); }));
  if (count < static_cast<int64_t>(kExceptionDecisionsMax)) return {};
  SIGHTLINE_TRY(session.Run(
      "DELETE FROM exception_decisions WHERE group_id = (SELECT group_id FROM exception_decisions WHERE state = 'open' "
      "ORDER BY decided_unix_nanos LIMIT 1)",
      {}));
  SIGHTLINE_TRY(
      session.Run("SELECT count(*) FROM exception_decisions", {}, [&](const Row& row) { count = row.Int(0); }));
  if (count < static_cast<int64_t>(kExceptionDecisionsMax)) return {};
  return Fail(Code::kResourceExhausted, "there are {} decisions about exceptions, which is the most\nreopen some",
              count);
}

}  // namespace

Result<std::map<std::string, ExceptionDecision>> ExceptionDecisions::Of(const std::vector<std::string>& group_ids) {
  std::vector<std::string> quoted;
  for (const std::string& id : group_ids) {
    if (IsGroupId(id)) quoted.push_back("\"" + id + "\"");
  }
  std::map<std::string, ExceptionDecision> decisions;
  if (quoted.empty()) return decisions;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) {
    return session.Run(
        fmt::format("SELECT {} FROM exception_decisions WHERE group_id IN (SELECT value FROM json_each(?))", kColumns)
            .c_str(),
        {IdArray(quoted)}, [&](const Row& row) {
          ExceptionDecision decision = ReadDecision(row);
          decisions[decision.group_id] = std::move(decision);
        });
  }));
  return decisions;
}

Result<ExceptionDecision> ExceptionDecisions::Decide(const std::string& group_id, const DecisionContent& content,
                                                     std::optional<int64_t> seen_version) {
  if (!IsGroupId(group_id)) return Fail(Code::kNotFound, "there is no group of exceptions {:?}", group_id);
  SIGHTLINE_TRY(Check(content));
  ExceptionDecision decision;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) -> Result<void> {
    auto before = Find(session, group_id);
    if (!before) return std::unexpected(before.error());
    const int64_t version = *before ? (*before)->version : 0;
    if (seen_version && *seen_version != version) {
      return Fail(Code::kFailedPrecondition,
                  "somebody else has decided about it meanwhile: it has version {}, not {}\nread it again", version,
                  *seen_version);
    }
    if (!*before) SIGHTLINE_TRY(MakeRoom(session));
    static_cast<DecisionContent&>(decision) = content;
    decision.group_id = group_id;
    decision.version = version + 1;
    decision.decided_unix_nanos = clock_.UnixNanos();
    return session.Run(
        fmt::format("INSERT OR REPLACE INTO exception_decisions ({}) VALUES (?, ?, ?, ?, ?, ?, 0)", kColumns).c_str(),
        {decision.group_id, decision.state, decision.note, decision.resolved_in_version, decision.version,
         decision.decided_unix_nanos});
  }));
  return decision;
}

Result<std::optional<int64_t>> ExceptionDecisions::FirstResolvedUnixNanos() {
  std::optional<int64_t> first;
  SIGHTLINE_TRY(database_.Transaction([&](Session& session) {
    return session.Run(
        "SELECT decided_unix_nanos FROM exception_decisions WHERE state = 'resolved' AND regressed_unix_nanos = 0 "
        "ORDER "
        "BY decided_unix_nanos LIMIT 1",
        {}, [&](const Row& row) { first = row.Int(0); });
  }));
  return first;
}

Result<void> ExceptionDecisions::NoteRegressions(const std::vector<ExceptionDecision>& regressed) {
  if (regressed.empty()) return {};
  return database_.Transaction([&](Session& session) -> Result<void> {
    for (const ExceptionDecision& one : regressed) {
      SIGHTLINE_TRY(session.Run(
          "UPDATE exception_decisions SET regressed_unix_nanos = ? WHERE group_id = ? AND version = ? AND state = "
          "'resolved' AND regressed_unix_nanos = 0",
          {one.regressed_unix_nanos, one.group_id, one.version}));
    }
    return {};
  });
}

}  // namespace sightline::state
