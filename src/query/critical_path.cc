#include "query/critical_path.h"

#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "base/hex.h"
#include "otlp/critical_path.h"

namespace sightline::query {
namespace {

// 0 for none.
uint64_t IdOf(std::string_view hex) {
  uint64_t id = 0;
  char bytes[sizeof(id)];
  if (hex.size() == 2 * sizeof(id) && HexDecode(hex, bytes)) std::memcpy(&id, bytes, sizeof(id));
  return id;
}

template <typename AnySpan>
otlp::PathSpan PathSpanOf(const AnySpan& span, int64_t start, uint64_t service) {
  return {.start_unix_nanos = start,
          .duration_nanos = span.duration_nanos,
          .span_id = IdOf(span.span_id),
          .parent_span_id = IdOf(span.parent_span_id),
          .service = service,
          .is_consumer = span.kind == "Consumer"};
}

}  // namespace

std::vector<uint64_t> CriticalPathOf(const std::vector<Span>& spans) {
  std::vector<otlp::PathSpan> path;
  path.reserve(spans.size());
  for (const Span& span : spans) {
    path.push_back(PathSpanOf(span, span.start_unix_nanos, std::hash<std::string_view>()(span.service)));
  }
  return otlp::CriticalPathSelfTimes(path);
}

std::vector<uint64_t> CriticalPathOf(const std::vector<OutlineSpan>& spans) {
  std::vector<otlp::PathSpan> path;
  path.reserve(spans.size());
  for (const OutlineSpan& span : spans) {
    path.push_back(PathSpanOf(span, static_cast<int64_t>(span.offset_nanos), span.service));
  }
  return otlp::CriticalPathSelfTimes(path);
}

}  // namespace sightline::query
