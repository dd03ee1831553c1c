// What the fuzzers of this folder do with one input, for libFuzzer and for the ordinary tests that replay seeds and
// regressions. Any bytes may come; a broken promise ends the program.
#pragma once

#include <algorithm>
#include <numeric>
#include <string>
#include <string_view>

#include "base/error.h"
#include "otlp/block_builder.h"
#include "otlp/json.h"
#include "otlp/scan.h"

namespace sightline::otlp::testing {

inline constexpr int64_t kFuzzReceived = 1'795'400'000'000'000'000;  // 2026-11-23

// Inputs of odd size meet tight limits, so that cutting and refusing is tried too.
inline Limits FuzzLimits(size_t size) {
  if (size % 2 == 0) return {};
  return {.value_depth_max = 3,
          .attributes_per_item_max = 2,
          .value_bytes_max = 5,
          .name_bytes_max = 4,
          .events_per_span_max = 1,
          .links_per_span_max = 1,
          .buckets_per_point_max = 4};
}

inline void CheckScan(std::string_view request, const Scan& scan) {
  SIGHTLINE_CHECK(scan.items_seen == scan.items_accepted + scan.refused.size());
  SIGHTLINE_CHECK(std::accumulate(scan.refused_by_reason.begin(), scan.refused_by_reason.end(), size_t{0}) ==
                  scan.refused.size());
  SIGHTLINE_CHECK(scan.refused.empty() == scan.refusal_message.empty());
  SIGHTLINE_CHECK(std::adjacent_find(scan.refused.begin(), scan.refused.end(), std::greater_equal<>()) ==
                  scan.refused.end());
  const auto inside = [&](Slice slice) { return uint64_t{slice.offset} + slice.size <= request.size(); };
  for (const ItemRef& item : scan.items)
    SIGHTLINE_CHECK(inside(item.message) && item.scope < scan.scopes.size() && item.first_ordinal < scan.items_seen);
  for (const ScopeRef& scope : scan.scopes)
    SIGHTLINE_CHECK(inside(scope.resource) && inside(scope.resource_schema_url) && inside(scope.scope) &&
                    inside(scope.scope_schema_url));
}

inline bool SamePlace(const Slice& a, const Slice& b) {
  return a.offset == b.offset && a.size == b.size;
}

// After a crash the same items are found from the refused ordinals alone.
inline void CheckRescan(Signal signal, std::string_view request, const Scan& scan) {
  auto again = Rescan(signal, request, scan.refused);
  SIGHTLINE_CHECK(again.has_value());
  SIGHTLINE_CHECK(again->items_seen == scan.items_seen && again->items_accepted == scan.items_accepted);
  SIGHTLINE_CHECK(again->refused == scan.refused);
  SIGHTLINE_CHECK(again->items.size() == scan.items.size() && again->scopes.size() == scan.scopes.size());
  for (size_t i = 0; i < scan.items.size(); ++i)
    SIGHTLINE_CHECK(SamePlace(again->items[i].message, scan.items[i].message) &&
                    again->items[i].scope == scan.items[i].scope &&
                    again->items[i].first_ordinal == scan.items[i].first_ordinal &&
                    again->items[i].trace_hash == scan.items[i].trace_hash);
  for (size_t i = 0; i < scan.scopes.size(); ++i)
    SIGHTLINE_CHECK(SamePlace(again->scopes[i].resource, scan.scopes[i].resource) &&
                    SamePlace(again->scopes[i].scope, scan.scopes[i].scope));
}

// What the scan accepts, the block builder stores.
inline void CheckStored(Signal signal, std::string_view request, const Scan& scan, const Limits& limits) {
  auto builder = BlockBuilder::Create(signal, {.limits = limits});
  for (const ItemRef& item : scan.items) builder->Append(request, scan, item, kFuzzReceived);
  SIGHTLINE_CHECK(builder->rows() == scan.items_accepted);
  uint64_t rows = 0;
  for (const TableBlock& block : builder->Finish(1)) {
    const bool has_a_row_for_each_item = block.day != kNoDay && !block.table.starts_with("span_metric_rollups");
    rows += has_a_row_for_each_item ? block.rows : 0;
  }
  SIGHTLINE_CHECK(rows >= scan.items_accepted);
  SIGHTLINE_CHECK(builder->rows() == 0);
}

// True when the request was accepted as a whole.
inline bool FuzzProtobuf(Signal signal, std::string_view request) {
  const Limits limits = FuzzLimits(request.size());
  const TimeRules times{.received_unix_nanos = kFuzzReceived, .oldest_unix_nanos = 1'000'000'000};
  auto scan = ScanRequest(signal, request, limits, times);
  if (!scan) {
    SIGHTLINE_CHECK(scan.error().code == Code::kInvalidArgument && !scan.error().message.empty());
    return false;
  }
  CheckScan(request, *scan);
  CheckRescan(signal, request, *scan);
  CheckStored(signal, request, *scan, limits);
  return true;
}

// The same JSON as a request of each signal. What is translated is always well-formed.
inline void FuzzJson(std::string_view json) {
  for (const Signal signal : kSignals) {
    auto request = JsonToProtobuf(signal, json, FuzzLimits(json.size()));
    if (!request) {
      SIGHTLINE_CHECK(request.error().code == Code::kInvalidArgument && !request.error().message.empty());
      continue;
    }
    SIGHTLINE_CHECK(FuzzProtobuf(signal, *request));
  }
}

}  // namespace sightline::otlp::testing
