// Batches -> the Export...ServiceRequest of their signal.
#pragma once

#include <cstdint>
#include <string>

#include "otel/log_data.h"
#include "otel/metric_data.h"
#include "otel/span_data.h"

namespace otel::internal {

enum class Encoding : uint8_t { kProtobuf, kJson };

std::string Encode(const SpanBatch& batch, Encoding encoding);
std::string Encode(const LogBatch& batch, Encoding encoding);
std::string Encode(const MetricBatch& batch, Encoding encoding);

}  // namespace otel::internal
