// A table of OTLP's messages: every field with number, kind and names. The scan checks wire types by it, the JSON
// translation finds fields by it, errors take names from it. What is read in hot loops is also named in wire_fields.h.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "otlp/signal.h"
#include "otlp/wire.h"

namespace sightline::otlp {

enum class Message : uint8_t {
  kTracesRequest,
  kResourceSpans,
  kScopeSpans,
  kSpan,
  kEvent,
  kLink,
  kStatus,
  kLogsRequest,
  kResourceLogs,
  kScopeLogs,
  kLogRecord,
  kMetricsRequest,
  kResourceMetrics,
  kScopeMetrics,
  kMetric,
  kGauge,
  kSum,
  kHistogram,
  kExponentialHistogram,
  kSummary,
  kNumberDataPoint,
  kHistogramDataPoint,
  kExponentialHistogramDataPoint,
  kBuckets,
  kSummaryDataPoint,
  kValueAtQuantile,
  kExemplar,
  kResource,
  kEntityRef,
  kInstrumentationScope,
  kKeyValue,
  kAnyValue,
  kArrayValue,
  kKeyValueList,
  kNone,  // the number of messages; "no message" in FieldInfo
};
inline constexpr size_t kMessages = static_cast<size_t>(Message::kNone);

enum class FieldKind : uint8_t {
  kUnknown,
  kMessage,
  kString,
  kBytes,
  kId,  // bytes; hex in JSON
  kBool,
  kEnum,
  kInt64,
  kUint32,
  kSint32,
  kFixed32,
  kFixed64,
  kSfixed64,
  kDouble,
  kFixed64s,  // repeated; these three come packed or one by one
  kDoubles,
  kUint64s,
};

// Nesting of values is walked by recursion: a larger limits.value_depth_max counts as this.
inline constexpr uint32_t kValueDepthCap = 256;

inline constexpr uint32_t kFieldNumberMax = 16;  // of the fields known here

struct FieldInfo {
  FieldKind kind = FieldKind::kUnknown;
  Message message = Message::kNone;  // of kMessage
  uint8_t wire_types = 0;            // bit n: wire type n is right; 0: no such field
  std::string_view name;             // "start_time_unix_nano"
  std::array<char, 24> json_name{};  // "startTimeUnixNano"
  uint8_t json_name_size = 0;        // 0: ignored in JSON
  bool repeated = false;

  bool Accepts(uint32_t tag) const { return (wire_types >> (tag & 7) & 1) != 0; }
};

struct MessageInfo {
  std::string_view name;                                // "Span"
  std::array<FieldInfo, kFieldNumberMax + 1> fields{};  // by number
};

extern const std::array<MessageInfo, kMessages> kMessageInfos;
inline const MessageInfo& Info(Message message) {
  return kMessageInfos[static_cast<size_t>(message)];
}

constexpr Message RequestMessage(Signal signal) {
  constexpr Message kRequests[] = {Message::kTracesRequest, Message::kMetricsRequest, Message::kLogsRequest};
  return kRequests[static_cast<uint8_t>(signal)];
}

}  // namespace sightline::otlp
