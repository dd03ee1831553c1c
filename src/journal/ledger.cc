#include "journal/ledger.h"

#include <algorithm>
#include <utility>

namespace sightline::journal {
namespace {

bool SameFrames(const Manifest& a, const Manifest& b) {
  return a.signal == b.signal &&
         std::ranges::equal(a.frames, b.frames, [](const Manifest::Range& x, const Manifest::Range& y) {
           return x.first == y.first && x.last == y.last;
         });
}

}  // namespace

void Ledger::AddSegment(uint64_t sequence, uint64_t first_frame) {
  SIGHTLINE_CHECK(first_frame >= next_frame_);
  if (!segments_.empty()) {
    AddLostFramesBefore(first_frame);
    FreeIfFinished(segments_.back());
  }
  next_frame_ = first_frame;
  segments_.push_back({.sequence = sequence, .first_frame = first_frame});
}

void Ledger::AddFrame(const FrameHeader& header, uint32_t offset, size_t head_bytes) {
  Segment& segment = segments_.back();
  const bool decided = header.kind == FrameKind::kDecided;
  segment.has_decided |= decided;
  // Member by member: GCC 12 takes no designated initializers where an enumeration is a bit-field.
  Frame& frame = segment.frames.emplace_back();
  frame.offset = offset;
  frame.head_bytes = static_cast<uint16_t>(std::min<size_t>(head_bytes, kHeadBytesUnknown));
  frame.signal = header.signal;
  frame.decided = decided;
  frame.undecided_spans = header.undecided_spans;
  frame.counts = header.kind == FrameKind::kCounts;
  frame.held = header.undecided_spans;
  if (header.from_block != 0 && handed_over_) handed_over_->push_back({next_frame_, header.from_block, header.kind});
  ++segment.unfinished_frames;
  ++unfinished_frames_;
  ++next_frame_;
}

void Ledger::AddLostFramesBefore(uint64_t number) {
  for (; next_frame_ < number; ++next_frame_) {
    segments_.back().frames.emplace_back().state = State::kFinished;
  }
}

template <typename Segments, typename Visit>
void Ledger::VisitFrames(Segments& segments, const Manifest& manifest, const Visit& visit) {
  for (const auto& range : manifest.frames) {
    for (auto& segment : segments) {
      const uint64_t end = segment.first_frame + segment.frames.size();
      uint64_t number = std::max(range.first, segment.first_frame);
      for (; number < end && number <= range.last; ++number) {
        auto& frame = segment.frames[number - segment.first_frame];
        if (!frame.BelongsTo(manifest)) continue;
        if (!visit(number, frame)) return;
      }
    }
  }
}

template <typename Segments>
auto Ledger::FindIn(Segments& segments, uint64_t number) {
  using Pair = std::pair<decltype(&segments.front()), decltype(&segments.front().frames.front())>;
  auto after = std::ranges::upper_bound(segments, number, {}, &Segment::first_frame);
  if (after == segments.begin()) return Pair{nullptr, nullptr};
  auto& segment = *--after;
  const uint64_t index = number - segment.first_frame;
  return index < segment.frames.size() ? Pair{&segment, &segment.frames[index]} : Pair{nullptr, nullptr};
}

Result<void> Ledger::CheckManifest(const Manifest& manifest) const {
  uint64_t last = 0;
  for (const auto& range : manifest.frames) {
    if (range.first <= last || range.last < range.first) {
      return Fail(Code::kInvalidArgument, "manifest of block {}: range {}-{} does not follow {}", manifest.block,
                  range.first, range.last, last);
    }
    last = range.last;
  }
  if (const auto known = blocks_.find(manifest.block); known != blocks_.end()) {
    if (SameFrames(known->second.manifest, manifest)) return {};
    return Fail(Code::kAlreadyExists, "block {} has another manifest", manifest.block);
  }
  uint64_t taken = 0;
  VisitFrames(segments_, manifest, [&](uint64_t number, const Frame& frame) {
    if (frame.state != State::kWaiting) taken = number;
    return taken == 0;
  });
  if (taken == 0) return {};
  return Fail(Code::kFailedPrecondition, "manifest of block {}: frame {} is in another block", manifest.block, taken);
}

void Ledger::AddManifest(const Manifest& manifest) {
  SawBlock(manifest.block);
  if (!blocks_.emplace(manifest.block, Block{manifest, segments_.back().sequence}).second) return;
  ++segments_.back().open_manifests;
  VisitFrames(segments_, manifest, [](uint64_t, Frame& frame) {
    frame.state = State::kInBlock;
    return true;
  });
}

void Ledger::AddDone(uint64_t block) {
  SawBlock(block);
  const auto found = blocks_.find(block);
  if (found == blocks_.end()) return;
  const Block done = std::move(found->second);
  blocks_.erase(found);
  for (const uint64_t number : FramesIn(done.manifest)) {
    const auto [segment, frame] = FindIn(segments_, number);
    if (frame->held && frame->state != State::kDone) {
      frame->state = State::kDone;
      ++segment->kept_by_hold;
    } else if (!frame->held) {
      Finish(*segment, *frame);
    }
  }
  for (Segment& segment : segments_) {
    if (segment.sequence == done.segment) --segment.open_manifests;
    FreeIfFinished(segment);
  }
}

void Ledger::Withdraw(uint64_t number) {
  const auto [segment, frame] = FindIn(segments_, number);
  if (segment == nullptr) return;
  frame->held = false;
  Finish(*segment, *frame);
  frame->offset = 0;
  FreeIfFinished(*segment);
  if (handed_over_) std::erase_if(*handed_over_, [&](const auto& made) { return made.frame == number; });
}

void Ledger::Release(std::span<const uint64_t> frames) {
  for (const uint64_t number : frames) {
    const auto [segment, frame] = FindIn(segments_, number);
    if (segment == nullptr || !frame->held) continue;
    frame->held = false;
    if (frame->state != State::kDone) continue;
    --segment->kept_by_hold;
    Finish(*segment, *frame);
    FreeIfFinished(*segment);
  }
}

void Ledger::ForgetDecided() {
  remembers_decided_ = false;
  for (Segment& segment : segments_) FreeIfFinished(segment);
}

std::vector<Unfinished::HandedOver> Ledger::TakeHandedOver() {
  std::vector<Unfinished::HandedOver> taken = std::move(handed_over_).value_or(std::vector<Unfinished::HandedOver>());
  handed_over_.reset();
  return taken;
}

void Ledger::SawBlock(uint64_t block) {
  block_max_ = std::max(block_max_, block);
}

void Ledger::Finish(Segment& segment, Frame& frame) {
  if (frame.state == State::kFinished) return;
  frame.state = State::kFinished;
  --segment.unfinished_frames;
  --unfinished_frames_;
}

void Ledger::FreeIfFinished(Segment& segment) {
  const bool newest = &segment == &segments_.back();
  if (segment.has_decided && remembers_decided_) return;
  if (!newest && segment.unfinished_frames == 0) std::vector<Frame>().swap(segment.frames);
}

std::optional<Ledger::Location> Ledger::Find(uint64_t number) const {
  const auto [segment, frame] = FindIn(segments_, number);
  if (segment == nullptr || frame->offset == 0) return std::nullopt;
  Location location{.segment = segment->sequence, .offset = frame->offset};
  if (frame->head_bytes != kHeadBytesUnknown) location.head_bytes = frame->head_bytes;
  return location;
}

std::vector<uint64_t> Ledger::FramesIn(const Manifest& manifest) const {
  std::vector<uint64_t> numbers;
  VisitFrames(segments_, manifest, [&](uint64_t number, const Frame&) {
    numbers.push_back(number);
    return true;
  });
  return numbers;
}

std::vector<Manifest> Ledger::OpenBlocks() const {
  std::vector<Manifest> manifests;
  for (const auto& [number, block] : blocks_) manifests.push_back(block.manifest);
  std::ranges::sort(manifests, {}, &Manifest::block);
  return manifests;
}

template <typename Wanted>
std::vector<uint64_t> Ledger::FramesThat(const Wanted& wanted) const {
  std::vector<uint64_t> numbers;
  for (const Segment& segment : segments_) {
    for (size_t i = 0; i < segment.frames.size(); ++i) {
      if (wanted(segment.frames[i])) numbers.push_back(segment.first_frame + i);
    }
  }
  return numbers;
}

std::vector<uint64_t> Ledger::FramesWithoutBlock() const {
  return FramesThat([](const Frame& frame) { return frame.state == State::kWaiting; });
}

std::vector<uint64_t> Ledger::HeldFrames() const {
  return FramesThat([](const Frame& frame) { return frame.held; });
}

std::vector<uint64_t> Ledger::DecidedFrames() const {
  return FramesThat([](const Frame& frame) { return frame.decided && frame.offset != 0; });
}

bool Ledger::OldestIsFinished() const {
  if (segments_.size() < 2) return false;
  const Segment& oldest = segments_.front();
  return oldest.unfinished_frames == 0 && oldest.open_manifests == 0;
}

std::optional<uint64_t> Ledger::OldestHeldUntil() const {
  if (segments_.size() < 2) return std::nullopt;
  const Segment& oldest = segments_.front();
  if (oldest.kept_by_hold == 0 || oldest.unfinished_frames != oldest.kept_by_hold || oldest.open_manifests != 0) {
    return std::nullopt;
  }
  return segments_[1].first_frame - 1;
}

}  // namespace sightline::journal
