// Batches -> the Export...ServiceRequest of their signal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "otel/log_data.h"
#include "otel/metric_data.h"
#include "otel/span_data.h"

namespace otel::internal {

enum class Encoding : uint8_t { kProtobuf, kJson };

// The request lies in `buffer`, whose memory the next one uses again.
std::string_view Encode(const SpanBatch& batch, Encoding encoding, std::string* buffer);
std::string_view Encode(const LogBatch& batch, Encoding encoding, std::string* buffer);
std::string_view Encode(const MetricBatch& batch, Encoding encoding, std::string* buffer);

}  // namespace otel::internal
