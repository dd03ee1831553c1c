#include "forward/outgoing.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "forward/kept_marks.h"
#include "otlp/extract.h"
#include "otlp/scan.h"
#include "sample/decided_frame.h"

namespace sightline::forward {
namespace {

// Of the items from `first` on, how many fit into a request: their resources and scopes are counted with each change.
size_t CountThatFit(const otlp::Scan& scan, std::span<const otlp::ItemRef> items, size_t more_bytes,
                    uint64_t bytes_max) {
  uint64_t bytes = 0;
  uint32_t scope = UINT32_MAX;
  for (size_t i = 0; i < items.size(); ++i) {
    constexpr uint64_t kFrames = 16;  // tags and lengths
    bytes += items[i].message.size + more_bytes + kFrames;
    if (items[i].scope != scope) {
      scope = items[i].scope;
      const otlp::ScopeRef& ref = scan.scopes[scope];
      bytes += ref.resource.size + ref.resource_schema_url.size + ref.scope.size + ref.scope_schema_url.size + kFrames;
    }
    if (bytes > bytes_max && i > 0) return i;
  }
  return items.size();
}

}  // namespace

std::vector<OutgoingRequest> Merged(std::vector<OutgoingRequest> requests, uint64_t bytes_max) {
  std::vector<OutgoingRequest> merged;
  for (OutgoingRequest& request : requests) {
    if (merged.empty() || merged.back().bytes.size() + request.bytes.size() > bytes_max) {
      merged.push_back(std::move(request));
      continue;
    }
    merged.back().bytes.append(request.bytes);
    merged.back().items += request.items;
  }
  return merged;
}

Result<OutgoingFrame> ReadOutgoing(const journal::Journal::Frame& frame, uint64_t items, uint64_t bytes_max) {
  OutgoingFrame out;
  std::string_view request = frame.bytes;
  std::optional<sample::Verdicts> verdicts;
  if (frame.header.kind == journal::FrameKind::kDecided) {
    std::optional<sample::DecodedFrame> decoded = sample::DecodeDecidedFrame(frame.bytes);
    if (!decoded) return Fail(Code::kDataLoss, "journal frame {} does not hold decisions", frame.number);
    request = decoded->request;
    out.graph = std::move(decoded->decisions.graph);
    verdicts.emplace(std::move(decoded->decisions));
  }
  if (request.empty()) return out;
  const bool as_it_is = !verdicts && frame.header.refused.empty() && request.size() <= bytes_max;
  if (as_it_is && items != 0) {
    out.requests.push_back({std::string(request), items});
    return out;
  }
  const Result<otlp::Scan> scan = otlp::Rescan(frame.header.signal, request, frame.header.refused);
  if (!scan) return Wrap(fmt::format("read journal frame {}", frame.number), scan.error());
  if (as_it_is) {
    out.requests.push_back({std::string(request), scan->items_accepted});
    return out;
  }
  std::string marks;
  const auto more_fields = [&](const otlp::ItemRef& item) -> std::string_view {
    if (!verdicts) return {};
    marks = KeptMarks(item.message.In(request), verdicts->Of(item.trace_hash));
    return marks;
  };
  constexpr size_t kMarkBytes = 128;  // about what a policy's name and a trace state take
  const bool is_metrics = frame.header.signal == otlp::Signal::kMetrics;
  for (std::span<const otlp::ItemRef> left(scan->items); !left.empty();) {
    const size_t count = CountThatFit(*scan, left, verdicts ? kMarkBytes : 0, bytes_max);
    const bool is_last = count == left.size();
    // An item of metrics has several points, whose numbers are between its first and the next item's.
    const uint64_t points = (is_last ? scan->items_seen : left[count].first_ordinal) - left[0].first_ordinal;
    out.requests.push_back(
        {otlp::ExtractItems(request, *scan, left.first(count), more_fields), is_metrics ? points : count});
    left = left.subspan(count);
  }
  return out;
}

}  // namespace sightline::forward
