// What is the state of a group of exceptions now: what people decided, and whether it was seen again since. Data: a
// decision, when each version last threw it, the order in which versions were deployed -> a state.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "state/exception_decisions.h"

namespace sightline::query {

enum class ExceptionState : uint8_t { kOpen, kRegressed, kResolved, kIgnored };
inline constexpr size_t kExceptionStates = 4;
std::string_view NameOf(ExceptionState state);  // "open"

// When versions of services were first seen. Data: service, version -> ns since the epoch.
using DeployedVersions = std::map<std::pair<std::string, std::string>, int64_t>;

// When each version last threw it; "": spans that name none.
using LastOfVersions = std::map<std::string, int64_t>;

// Versions that threw it after it was resolved, where not the version alone says if that counts.
std::set<std::string> VersionsToPlace(const state::ExceptionDecision& decision, const LastOfVersions& last);

// A resolved one was seen again if something after that time is of any version or, where it was resolved in one, of
// that version or of one first seen after it. 0: it was not; else when it was last.
int64_t RegressedAt(const state::ExceptionDecision& decision, const std::string& service, const LastOfVersions& last,
                    const DeployedVersions& deployed);

ExceptionState StateOf(const state::ExceptionDecision& decision);

}  // namespace sightline::query
