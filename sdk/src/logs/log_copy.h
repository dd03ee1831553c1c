// Log records that own what they refer to.
#pragma once

#include "common/arena.h"
#include "otel/log_data.h"

namespace otel::internal {

// `data` refers to what lies in `arena`.
struct LogCopy {
  LogData data;
  Arena arena;

  void Assign(const LogData& from) {
    data = from;
    data.severity_text = arena.Copy(from.severity_text);
    data.event_name = arena.Copy(from.event_name);
    data.body = arena.Copy(from.body);
    data.attributes = std::span<const Attribute>(arena.Copy(from.attributes));
  }
  // For the next record, whose memory is there already.
  void Clear() {
    data = {};
    arena.Reset();
  }
};

}  // namespace otel::internal
