#include "traceql/field.h"

#include <algorithm>
#include <array>

namespace sightline::traceql {
namespace {

using enum Intrinsic;

constexpr std::array kIntrinsics = {
    IntrinsicInfo{kDuration, Scope::kSpan, "duration", "duration", Type::kDuration, true, false},
    IntrinsicInfo{kName, Scope::kSpan, "name", "name", Type::kString, true, false},
    IntrinsicInfo{kStatus, Scope::kSpan, "status", "status", Type::kStatus, true, false},
    IntrinsicInfo{kStatusMessage, Scope::kSpan, "statusMessage", "statusMessage", Type::kString, true, false},
    IntrinsicInfo{kKind, Scope::kSpan, "kind", "kind", Type::kKind, true, false},
    IntrinsicInfo{kSpanId, Scope::kSpan, "id", "spanID", Type::kString, true, true},
    IntrinsicInfo{kParentId, Scope::kSpan, "parentID", "parentID", Type::kString, true, false},
    IntrinsicInfo{kChildCount, Scope::kSpan, "childCount", "childCount", Type::kInt, true, false},
    IntrinsicInfo{kParent, Scope::kSpan, "", "parent", Type::kNil, true, false},
    IntrinsicInfo{kNestedSetLeft, Scope::kSpan, "", "nestedSetLeft", Type::kInt, true, false},
    IntrinsicInfo{kNestedSetRight, Scope::kSpan, "", "nestedSetRight", Type::kInt, true, false},
    IntrinsicInfo{kNestedSetParent, Scope::kSpan, "", "nestedSetParent", Type::kInt, true, false},
    IntrinsicInfo{kCriticalPath, Scope::kSpan, "criticalPath", "", Type::kDuration, true, false},
    IntrinsicInfo{kTraceDuration, Scope::kTrace, "duration", "traceDuration", Type::kDuration, true, false},
    IntrinsicInfo{kRootName, Scope::kTrace, "rootName", "rootName", Type::kString, true, false},
    IntrinsicInfo{kRootService, Scope::kTrace, "rootService", "rootServiceName", Type::kString, true, false},
    IntrinsicInfo{kTraceId, Scope::kTrace, "id", "traceID", Type::kString, true, true},
    IntrinsicInfo{kEventName, Scope::kEvent, "name", "", Type::kString, true, false},
    IntrinsicInfo{kEventTimeSinceStart, Scope::kEvent, "timeSinceStart", "", Type::kDuration, true, false},
    IntrinsicInfo{kLinkTraceId, Scope::kLink, "traceID", "", Type::kString, true, false},
    IntrinsicInfo{kLinkSpanId, Scope::kLink, "spanID", "", Type::kString, true, false},
    IntrinsicInfo{kInstrumentationName, Scope::kInstrumentation, "name", "", Type::kString, true, true},
    IntrinsicInfo{kInstrumentationVersion, Scope::kInstrumentation, "version", "", Type::kString, true, true},
    IntrinsicInfo{kBody, Scope::kLog, "body", "body", Type::kString, false, true},
    IntrinsicInfo{kSeverity, Scope::kLog, "severity", "severity", Type::kSeverity, false, true},
    IntrinsicInfo{kSeverityText, Scope::kLog, "severityText", "severityText", Type::kString, false, true},
    IntrinsicInfo{kSeverityNumber, Scope::kLog, "severityNumber", "severityNumber", Type::kInt, false, true},
    IntrinsicInfo{kLogEventName, Scope::kLog, "eventName", "eventName", Type::kString, false, true},
};

struct ScopeInfo {
  Scope scope;
  std::string_view name;
  bool of_spans, of_logs;
};

constexpr std::array kScopes = {
    ScopeInfo{Scope::kSpan, "span", true, true},
    ScopeInfo{Scope::kResource, "resource", true, true},
    ScopeInfo{Scope::kEvent, "event", true, false},
    ScopeInfo{Scope::kLink, "link", true, false},
    ScopeInfo{Scope::kTrace, "trace", true, true},
    ScopeInfo{Scope::kLog, "log", false, true},
    ScopeInfo{Scope::kBody, "body", false, true},
    ScopeInfo{Scope::kInstrumentation, "instrumentation", true, true},
};

template <typename Info>
bool IsOf(const Info& info, Subject subject) {
  return subject == Subject::kLogs ? info.of_logs : info.of_spans;
}

// `part`: of a path, in which a point outside of quotes leads to the next key.
std::string PrintKey(const std::string& key, bool part = false) {
  // A digit behind the point would begin a number.
  // And a no-break space counts as space.
  const bool plain = !key.empty() && (key[0] < '0' || key[0] > '9') && !key.contains("\xC2\xA0") &&
                     !(part && key.contains('.')) &&
                     std::ranges::all_of(key, [](char c) { return IsAttributeCharacter(c) && c != '"'; });
  if (plain) return key;
  std::string quoted = "\"";
  for (const char c : key) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

std::span<const IntrinsicInfo> Intrinsics() {
  return kIntrinsics;
}

const IntrinsicInfo& InfoOf(Intrinsic intrinsic) {
  return *std::ranges::find(kIntrinsics, intrinsic, &IntrinsicInfo::intrinsic);
}

const IntrinsicInfo* FindIntrinsic(Scope scope, std::string_view name, Subject subject) {
  for (const auto& info : kIntrinsics)
    if (info.scope == scope && !name.empty() && info.name == name && IsOf(info, subject)) return &info;
  return nullptr;
}

const IntrinsicInfo* FindBareIntrinsic(std::string_view name, Subject subject) {
  for (const auto& info : kIntrinsics)
    if (!name.empty() && info.bare == name && IsOf(info, subject)) return &info;
  return nullptr;
}

std::string_view ScopeName(Scope scope) {
  const auto found = std::ranges::find(kScopes, scope, &ScopeInfo::scope);
  return found == kScopes.end() ? "" : found->name;
}

std::optional<Scope> FindScope(std::string_view name, Subject subject) {
  const auto found = std::ranges::find(kScopes, name, &ScopeInfo::name);
  if (found == kScopes.end() || !IsOf(*found, subject)) return std::nullopt;
  return found->scope;
}

std::vector<std::string> ScopePrefixes(Subject subject) {
  std::vector<std::string> prefixes;
  for (const auto& info : kScopes) {
    if (!IsOf(info, subject)) continue;
    if (info.scope != Scope::kTrace) prefixes.push_back(std::string(info.name) + ".");
    if (info.scope != Scope::kResource && info.scope != Scope::kBody) prefixes.push_back(std::string(info.name) + ":");
  }
  return prefixes;
}

bool Field::operator==(const Field& other) const {
  return scope == other.scope && intrinsic == other.intrinsic && of_parent == other.of_parent && key == other.key &&
         path == other.path;
}

std::string PrintField(const Field& field) {
  std::string text = field.of_parent ? "parent." : "";
  if (field.intrinsic != kNone) {
    const IntrinsicInfo& info = InfoOf(field.intrinsic);
    if (field.of_parent || info.name.empty() || info.scope == Scope::kLog) return text + std::string(info.bare);
    return text + std::string(ScopeName(info.scope)) + ":" + std::string(info.name);
  }
  text += ScopeName(field.scope);
  if (field.scope == Scope::kBody) {
    for (const std::string& key : field.path) text += "." + PrintKey(key, /*part=*/true);
    return text;
  }
  if (!text.ends_with('.')) text += '.';
  return text + PrintKey(field.key);
}

Field BodyField(std::vector<std::string> path) {
  Field field;
  field.scope = Scope::kBody;
  for (const std::string& key : path) field.key += (&key == path.data() ? "" : ".") + key;
  field.path = std::move(path);
  return field;
}

bool IsAttributeCharacter(char c) {
  return static_cast<unsigned char>(c) > ' ' && std::string_view("{}()=~!<>&|^,\x7f").find(c) == std::string_view::npos;
}

}  // namespace sightline::traceql
