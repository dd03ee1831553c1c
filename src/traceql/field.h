// What a condition can name: attributes by scope, and intrinsics, which every span (or log record) has.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "traceql/value.h"

namespace sightline::traceql {

// What is asked: the same syntax, other intrinsics.
enum class Subject : uint8_t { kSpans, kLogs };

enum class Scope : uint8_t {
  kNone,  // an attribute without scope: of the span, else its resource, its events, links, instrumentation
  kSpan,
  kResource,
  kEvent,
  kLink,
  kInstrumentation,
  kTrace,  // intrinsics only
  kLog,
  kBody,  // of a log record whose body is JSON: what is within it
};

enum class Intrinsic : uint8_t {
  kNone,
  kDuration,
  kName,
  kStatus,
  kStatusMessage,
  kKind,
  kSpanId,
  kParentId,  // "" of a root
  kChildCount,
  kParent,  // only compared with nil, which a root's is
  kNestedSetLeft,
  kNestedSetRight,
  kNestedSetParent,
  kCriticalPath,  // how long the trace waited for the span itself; ours
  kTraceDuration,
  kRootName,
  kRootService,
  kTraceId,
  kEventName,
  kEventTimeSinceStart,
  kLinkTraceId,
  kLinkSpanId,
  kInstrumentationName,
  kInstrumentationVersion,
  kBody,
  kSeverity,
  kSeverityText,
  kSeverityNumber,
  kLogEventName,
};

struct IntrinsicInfo {
  Intrinsic intrinsic;
  Scope scope;
  std::string_view name;  // in its scope: "rootName" of trace:rootName; "" where there is only the bare form
  std::string_view bare;  // without scope: "rootName"; "" where there is only the scoped form
  Type type;
  bool of_spans, of_logs;
};

std::span<const IntrinsicInfo> Intrinsics();
const IntrinsicInfo& InfoOf(Intrinsic intrinsic);
// Null: there is none with this name.
const IntrinsicInfo* FindIntrinsic(Scope scope, std::string_view name, Subject subject);
const IntrinsicInfo* FindBareIntrinsic(std::string_view name, Subject subject);

std::string_view ScopeName(Scope scope);  // "span"; of kNone ""
std::optional<Scope> FindScope(std::string_view name, Subject subject);
// "resource.", "span:", ... : what can begin a field.
std::vector<std::string> ScopePrefixes(Subject subject);

// An attribute (key) or an intrinsic.
struct Field {
  Scope scope = Scope::kNone;
  Intrinsic intrinsic = Intrinsic::kNone;
  bool of_parent = false;  // of the span's parent: parent.x
  std::string key;
  // Of Scope::kBody the keys from the outermost on, of which `key` is the join: body.a."b c" has {"a", "b c"}.
  std::vector<std::string> path;
  // Other names of the key in older or newer semantic conventions, to be tried in this order after the key itself.
  std::span<const std::string_view> aliases;

  Type type() const { return intrinsic == Intrinsic::kNone ? Type::kAny : InfoOf(intrinsic).type; }
  bool operator==(const Field& other) const;
};

// Of the body's field with these keys, from the outermost on.
Field BodyField(std::vector<std::string> path);

// As it is written: `span:name`, `resource.service.name`, `parent.span."with space"`.
std::string PrintField(const Field& field);

// May stand in an attribute's name without quotes. All that is not ASCII may.
bool IsAttributeCharacter(char c);

}  // namespace sightline::traceql
