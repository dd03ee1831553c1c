#include "forward/span_counts.h"

#include "otlp/wire.h"
#include "otlp/wire_writer.h"

namespace sightline::forward {
namespace {

constexpr uint32_t kCalls = otlp::Tag(1, otlp::WireType::kBytes);
constexpr uint32_t kGraph = otlp::Tag(2, otlp::WireType::kBytes);

}  // namespace

void SpanCounts::Clear() {
  calls.Clear();
  graph.Clear();
}

void SpanCounts::Merge(const SpanCounts& other) {
  calls.Merge(other.calls);
  if (!other.graph.empty()) graph.Merge(other.graph.Encode());
}

std::string SpanCounts::Encode() const {
  otlp::WireWriter out;
  if (!calls.empty()) out.Bytes(kCalls, calls.Encode());
  if (!graph.empty()) out.Bytes(kGraph, graph.Encode());
  return out.Take();
}

bool SpanCounts::Merge(std::string_view encoded) {
  bool all_read = true;
  otlp::FieldReader fields(encoded);
  while (fields.Next()) {
    if (fields.tag() == kCalls) all_read &= calls.Merge(fields.bytes());
    if (fields.tag() == kGraph) all_read &= graph.Merge(fields.bytes());
  }
  return all_read && fields.fault() == otlp::WireFault::kNone;
}

}  // namespace sightline::forward
