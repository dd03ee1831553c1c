// Typed answers as JSON. Attribute values keep their types: integers are integers, doubles have a point or an exponent,
// arrays and maps are JSON, bytes are {"bytes":"<base64>"}, an empty value is null. 64-bit times are strings.
#pragma once

#include <string>
#include <vector>

#include "query/traces.h"

namespace sightline::serve {

std::string TracesJson(const std::vector<query::TraceSummary>& traces);
std::string TraceJson(const query::Trace& trace);

// What has come in over the receivers since the start.
struct ReceivedSignal {
  std::string signal;  // "traces", ...
  uint64_t items_accepted = 0, items_refused = 0;
  int64_t last_unix_nanos = 0;  // of the last accepted request; 0: none
};

struct ProgramStatus {
  std::string version;
  int64_t start_unix_nanos = 0;
  std::string otlp_grpc_address, otlp_http_address;
  std::string not_ready_reason;  // "": ready
  std::vector<ReceivedSignal> received;
};

std::string StatusJson(const ProgramStatus& program, const std::vector<query::SignalStatus>& stored);

}  // namespace sightline::serve
