// How a forwarded span says what it stands for: its W3C trace state gets the sampling threshold that OpenTelemetry's
// probability sampling has for its adjusted count, and an attribute names the policy that kept it.
// https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/ ; docs/gateway.md is for users.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sample/decided_frame.h"

namespace sightline::forward {

inline constexpr std::string_view kPolicyAttribute = "tailsampling.policy";  // the Collector's name

// `trace_state` with the `ot` member of a span that stands for `adjusted_count` times what it stood for before. The
// same text where that is 1. `trace_id`: 16 bytes. Where the randomness of the trace (`rv`, or the trace id's last 56
// bits) is below the new threshold, as the decision was made by another hash, `rv` gets one above it, the same for all
// spans of the trace: else samplers that follow would call the threshold wrong.
std::string WithThreshold(std::string_view trace_state, std::string_view trace_id, double adjusted_count);

// Fields to put behind those of a Span message: trace state and attribute.
std::string KeptMarks(std::string_view span, const sample::Verdicts::Verdict& verdict);

}  // namespace sightline::forward
