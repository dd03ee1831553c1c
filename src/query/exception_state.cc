#include "query/exception_state.h"

#include <algorithm>

namespace sightline::query {

std::string_view NameOf(ExceptionState state) {
  switch (state) {
    case ExceptionState::kRegressed:
      return "regressed";
    case ExceptionState::kResolved:
      return "resolved";
    case ExceptionState::kIgnored:
      return "ignored";
    default:
      return "open";
  }
}

std::set<std::string> VersionsToPlace(const state::ExceptionDecision& decision, const LastOfVersions& last) {
  std::set<std::string> versions;
  if (decision.state != "resolved" || decision.resolved_in_version.empty()) return versions;
  for (const auto& [version, unix_nanos] : last) {
    if (unix_nanos > decision.decided_unix_nanos && !version.empty() && version != decision.resolved_in_version) {
      versions.insert(version);
    }
  }
  return versions;
}

int64_t RegressedAt(const state::ExceptionDecision& decision, const std::string& service, const LastOfVersions& last,
                    const DeployedVersions& deployed) {
  if (decision.state != "resolved") return 0;
  const std::string& resolved_in = decision.resolved_in_version;
  const auto resolving = deployed.find({service, resolved_in});
  const auto counts = [&](const std::string& version) {
    if (resolved_in.empty() || version == resolved_in) return true;
    if (version.empty()) return false;
    const auto of_version = deployed.find({service, version});
    return resolving != deployed.end() && of_version != deployed.end() && of_version->second > resolving->second;
  };
  int64_t regressed = 0;
  for (const auto& [version, unix_nanos] : last) {
    if (unix_nanos > decision.decided_unix_nanos && counts(version)) regressed = std::max(regressed, unix_nanos);
  }
  return regressed;
}

ExceptionState StateOf(const state::ExceptionDecision& decision) {
  if (decision.state == "ignored") return ExceptionState::kIgnored;
  if (decision.state != "resolved") return ExceptionState::kOpen;
  return decision.regressed_unix_nanos > 0 ? ExceptionState::kRegressed : ExceptionState::kResolved;
}

}  // namespace sightline::query
