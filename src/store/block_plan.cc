#include "store/block_plan.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>

namespace sightline::store {
namespace {

constexpr uint32_t kItemsBetweenLooks = 1024;  // at the builder's bytes, which it has to add up

struct Place {
  uint32_t frame = 0, item = 0;
};

// Trace hashes are XXH3 already: hashing them again would cost more than the map.
struct TakeAsIs {
  using is_avalanching = void;
  size_t operator()(uint64_t hash) const { return hash; }
};

// Counting sort by trace in order of first appearance: linear, and keeps the order of arrival within a trace.
std::vector<Place> GroupByTrace(const std::vector<PendingFrame>& frames) {
  size_t items = 0;
  for (const PendingFrame& frame : frames) items += frame.scan.items.size();
  boost::unordered_flat_map<uint64_t, uint32_t, TakeAsIs> group_of_trace;
  group_of_trace.reserve(items / 4);
  std::vector<uint32_t> group_of_item;
  std::vector<uint32_t> group_sizes;
  group_of_item.reserve(items);
  for (const PendingFrame& frame : frames) {
    for (const otlp::ItemRef& item : frame.scan.items) {
      const auto [group, is_new] =
          group_of_trace.try_emplace(item.trace_hash, static_cast<uint32_t>(group_sizes.size()));
      if (is_new) group_sizes.push_back(0);
      ++group_sizes[group->second];
      group_of_item.push_back(group->second);
    }
  }
  std::vector<uint32_t> next_in_group(group_sizes.size());
  for (size_t group = 1; group < group_sizes.size(); ++group) {
    next_in_group[group] = next_in_group[group - 1] + group_sizes[group - 1];
  }
  std::vector<Place> places(items);
  size_t position = 0;
  for (uint32_t frame = 0; frame < frames.size(); ++frame) {
    for (uint32_t item = 0; item < frames[frame].scan.items.size(); ++item) {
      places[next_in_group[group_of_item[position++]]++] = {frame, item};
    }
  }
  return places;
}

}  // namespace

std::unique_ptr<otlp::BlockBuilder> Stream::CreateBuilder(otlp::BlockBuilder::Options options) const {
  return kind == journal::BlockKind::kSpanMetrics ? otlp::BlockBuilder::CreateSpanMetrics(std::move(options))
                                                  : otlp::BlockBuilder::Create(signal, std::move(options));
}

journal::Manifest MakeManifest(uint64_t block, const Stream& stream, const std::vector<PendingFrame>& frames) {
  std::vector<uint64_t> numbers;
  numbers.reserve(frames.size());
  for (const PendingFrame& frame : frames) numbers.push_back(frame.number);
  std::ranges::sort(numbers);
  journal::Manifest manifest{.block = block, .signal = stream.signal, .kind = stream.kind, .frames = {}};
  for (uint64_t number : numbers) {
    if (!manifest.frames.empty() && manifest.frames.back().last + 1 == number) {
      manifest.frames.back().last = number;
    } else {
      manifest.frames.push_back({number, number});
    }
  }
  return manifest;
}

bool AppendFrames(const Stream& stream, const std::vector<PendingFrame>& frames, otlp::BlockBuilder& builder,
                  uint64_t column_bytes_max) {
  for (const PendingFrame& frame : frames) builder.AddGraph(frame.graph);
  uint32_t appended = 0;
  const auto append = [&](const PendingFrame& frame, const otlp::ItemRef& item) {
    otlp::SpanStanding standing;
    if (frame.verdicts) {
      const sample::Verdicts::Verdict verdict = frame.verdicts->Of(item.trace_hash);
      standing = {.adjusted_count = verdict.adjusted_count,
                  .policy = verdict.policy,
                  .is_counted_here = false,
                  .has_trace = verdict.is_decided_here};
    }
    builder.Append(frame.bytes, frame.scan, item, frame.received_unix_nanos, standing);
    return ++appended % kItemsBetweenLooks != 0 || builder.bytes() <= column_bytes_max;
  };
  if (stream.signal == otlp::Signal::kTraces && stream.kind == journal::BlockKind::kItems) {
    return std::ranges::all_of(GroupByTrace(frames), [&](const Place& place) {
      return append(frames[place.frame], frames[place.frame].scan.items[place.item]);
    });
  }
  return std::ranges::all_of(frames, [&](const PendingFrame& frame) {
    return std::ranges::all_of(frame.scan.items, [&](const otlp::ItemRef& item) { return append(frame, item); });
  });
}

}  // namespace sightline::store
