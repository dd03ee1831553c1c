#include "sample/decided_frame.h"

#include <cstring>

namespace sightline::sample {
namespace {

// version u8 | policies: count, each length and bytes | dropped: count, each hash u64, policy, spans |
// kept: count, each hash u64, policy, adjusted count f64, spans * 2 + is_late (version 1: spans) | sources: of all kept
// spans, each frame (as the zigzag difference to the one before) and offset | graph: length and bytes | the request
// Numbers without a type are varints; the rest is little-endian.
constexpr uint8_t kVersion = 2, kVersionWithoutLate = 1;

void PutVarint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

template <typename T>
void PutFixed(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void PutText(std::string& out, std::string_view text) {
  PutVarint(out, text.size());
  out.append(text);
}

uint64_t Zigzag(uint64_t difference) {
  return difference << 1 ^ (0 - (difference >> 63));
}
uint64_t Unzigzag(uint64_t value) {
  return value >> 1 ^ (0 - (value & 1));
}

// After the first value that is not there `ok` stays false and all values are 0.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (bytes_.empty()) break;
      const auto byte = static_cast<uint8_t>(bytes_.front());
      bytes_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return Bad();
  }
  uint32_t Varint32() {
    const uint64_t value = Varint();
    return static_cast<uint32_t>(value <= UINT32_MAX ? value : Bad());
  }
  template <typename T>
  T Fixed() {
    T value{};
    if (bytes_.size() < sizeof(T)) {
      Bad();
      return value;
    }
    std::memcpy(&value, bytes_.data(), sizeof(T));
    bytes_.remove_prefix(sizeof(T));
    return value;
  }
  std::string_view Text() {
    const uint64_t size = Varint();
    if (size > bytes_.size()) Bad();
    const std::string_view text = bytes_.substr(0, ok_ ? size : 0);
    bytes_.remove_prefix(text.size());
    return text;
  }
  // Of elements that take at least `bytes_each`: a count that cannot be true is refused before it is allocated.
  uint64_t Count(size_t bytes_each) {
    const uint64_t count = Varint();
    return count <= bytes_.size() / bytes_each ? count : Bad();
  }
  uint64_t Bad() {
    ok_ = false;
    bytes_ = {};
    return 0;
  }
  bool ok() const { return ok_; }
  std::string_view rest() const { return bytes_; }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace

std::string EncodeDecisions(const DecidedFrame& frame) {
  std::string out;
  out.reserve(64 + frame.dropped.size() * 12 + frame.kept.size() * 20 + frame.sources.size() * 6 + frame.graph.size());
  out.push_back(static_cast<char>(kVersion));
  PutVarint(out, frame.policies.size());
  for (const std::string& policy : frame.policies) PutText(out, policy);
  PutVarint(out, frame.dropped.size());
  for (const DecidedFrame::Dropped& trace : frame.dropped) {
    PutFixed(out, trace.trace_hash);
    PutVarint(out, trace.policy);
    PutVarint(out, trace.spans);
  }
  PutVarint(out, frame.kept.size());
  for (const DecidedFrame::Kept& trace : frame.kept) {
    PutFixed(out, trace.trace_hash);
    PutVarint(out, trace.policy);
    PutFixed(out, trace.adjusted_count);
    PutVarint(out, uint64_t{trace.spans} << 1 | (trace.is_late ? 1 : 0));
  }
  uint64_t last = 0;
  for (const SpanSource& source : frame.sources) {
    PutVarint(out, Zigzag(source.frame - last));
    PutVarint(out, source.offset);
    last = source.frame;
  }
  PutText(out, frame.graph);
  return out;
}

std::optional<DecodedFrame> DecodeDecidedFrame(std::string_view bytes) {
  Reader in(bytes);
  const auto version = in.Fixed<uint8_t>();
  if (version != kVersion && version != kVersionWithoutLate) return std::nullopt;
  DecodedFrame decoded;
  DecidedFrame& frame = decoded.decisions;
  for (uint64_t left = in.Count(1); left > 0; --left) frame.policies.emplace_back(in.Text());
  const auto policy = [&] {
    const uint32_t index = in.Varint32();
    return index < frame.policies.size() ? index : static_cast<uint32_t>(in.Bad());
  };
  frame.dropped.resize(in.Count(10));
  for (DecidedFrame::Dropped& trace : frame.dropped) {
    trace.trace_hash = in.Fixed<uint64_t>();
    trace.policy = policy();
    trace.spans = in.Varint32();
  }
  frame.kept.resize(in.Count(18));
  uint64_t sources = 0;
  for (DecidedFrame::Kept& trace : frame.kept) {
    trace.trace_hash = in.Fixed<uint64_t>();
    trace.policy = policy();
    trace.adjusted_count = in.Fixed<double>();
    const uint64_t spans = in.Varint();
    trace.is_late = version == kVersion && (spans & 1) != 0;
    const uint64_t count = version == kVersion ? spans >> 1 : spans;
    trace.spans = static_cast<uint32_t>(count <= UINT32_MAX ? count : in.Bad());
    sources += trace.spans;
  }
  if (sources > in.rest().size() / 2) return std::nullopt;
  frame.sources.resize(sources);
  uint64_t last = 0;
  for (SpanSource& source : frame.sources) {
    source.frame = last + Unzigzag(in.Varint());
    source.offset = in.Varint32();
    last = source.frame;
  }
  frame.graph = in.Text();
  if (!in.ok()) return std::nullopt;
  decoded.request = in.rest();
  return decoded;
}

Verdicts::Verdicts(DecidedFrame frame) : policies_(std::move(frame.policies)) {
  kept_.reserve(frame.kept.size());
  for (const DecidedFrame::Kept& trace : frame.kept) {
    Entry& entry = kept_[trace.trace_hash];
    entry = {trace.policy, trace.adjusted_count, entry.is_decided_here || !trace.is_late};
    spans_ += trace.spans;
  }
}

Verdicts::Verdict Verdicts::Of(uint64_t trace_hash) const {
  const auto found = kept_.find(trace_hash);
  if (found == kept_.end()) return {};
  return {policies_[found->second.policy], found->second.adjusted_count, found->second.is_decided_here};
}

}  // namespace sightline::sample
