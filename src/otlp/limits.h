// Limits and rules that decide what a request's items may be. Configuration fills them; docs/oddities.md explains them.
#pragma once

#include <cstdint>

namespace sightline::otlp {

struct Limits {
  uint32_t value_depth_max = 32;           // nesting of AnyValue; a deeper item is refused
  uint32_t attributes_per_item_max = 512;  // further ones are cut, added to the dropped count, and marked
  uint32_t value_bytes_max =
      256 * 1024;  // a longer string, bytes or serialized array is cut (at a UTF-8 boundary) and marked
  // Names of services, spans, events, scopes and metrics, keys, units, severity texts: a longer one is cut likewise.
  uint32_t name_bytes_max = 1024;
  uint32_t events_per_span_max = 4096;  // further ones are cut, added to the dropped count, and marked
  uint32_t links_per_span_max = 4096;
  uint32_t buckets_per_point_max = 16384;  // a data point with more is refused
};

// What time may be, seen from the moment of receipt.
struct TimeRules {
  int64_t received_unix_nanos = 0;
  int64_t oldest_unix_nanos = 0;  // items older than the retention are refused; 0: nothing is too old
  int64_t future_nanos_max =
      24 * 3600 * 1'000'000'000LL;  // a later time is clamped to received + this, the original kept beside it
};

}  // namespace sightline::otlp
