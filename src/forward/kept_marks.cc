#include "forward/kept_marks.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

#include "otlp/wire_fields.h"
#include "otlp/wire_writer.h"

namespace sightline::forward {
namespace {

namespace field = otlp::field;

constexpr uint64_t kFull = 1ULL << 56;  // thresholds and randomness have 56 bits
constexpr size_t kHexDigits = 14;
constexpr size_t kMembersMax = 32;  // of a trace state

std::string_view Trim(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t end = text.find(separator);
    if (const std::string_view part = Trim(text.substr(0, end)); !part.empty()) parts.push_back(part);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return parts;
}

// A threshold's trailing zeros may be left out; randomness has all digits.
std::optional<uint64_t> Hex56(std::string_view text, bool pads) {
  if (text.empty() || text.size() > kHexDigits || (!pads && text.size() != kHexDigits)) return std::nullopt;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value << 4 * (kHexDigits - text.size());
}

uint64_t RandomnessOf(std::string_view trace_id) {
  uint64_t value = 0;
  for (const char byte : trace_id.substr(trace_id.size() - std::min<size_t>(7, trace_id.size()))) {
    value = value << 8 | static_cast<uint8_t>(byte);
  }
  return value;
}

std::string ThresholdText(uint64_t threshold) {
  std::string text = fmt::format("{:014x}", threshold);
  text.resize(std::max<size_t>(1, text.find_last_not_of('0') + 1));
  return text;
}

// 0 for no sampling; the largest there is for counts beyond what 56 bits can say.
uint64_t ThresholdOf(uint64_t before, double adjusted_count) {
  const double kept = static_cast<double>(kFull - before) / adjusted_count;
  return kFull - std::clamp<uint64_t>(static_cast<uint64_t>(std::llround(kept)), 1, kFull);
}

}  // namespace

std::string WithThreshold(std::string_view trace_state, std::string_view trace_id, double adjusted_count) {
  if (!(adjusted_count > 1)) return std::string(trace_state);
  std::vector<std::string_view> members = Split(trace_state, ',');
  std::vector<std::string_view> others;  // of the ot member
  uint64_t before = 0;
  std::optional<uint64_t> randomness;
  const auto ot = std::ranges::find_if(members, [](std::string_view member) { return member.starts_with("ot="); });
  if (ot != members.end()) {
    for (const std::string_view part : Split(ot->substr(3), ';')) {
      if (part.starts_with("th:")) {
        before = Hex56(part.substr(3), true).value_or(0);
      } else if (part.starts_with("rv:")) {
        randomness = Hex56(part.substr(3), false);
      } else {
        others.push_back(part);
      }
    }
    members.erase(ot);
  }
  const uint64_t threshold = ThresholdOf(before, adjusted_count);
  const uint64_t random = randomness.value_or(RandomnessOf(trace_id));
  std::string out = "ot=th:" + ThresholdText(threshold);
  if (random < threshold) {
    out += fmt::format(";rv:{:014x}", threshold + random % (kFull - threshold));
  } else if (randomness) {
    out += fmt::format(";rv:{:014x}", *randomness);
  }
  for (const std::string_view other : others) out.append(";").append(other);
  if (members.size() >= kMembersMax) members.resize(kMembersMax - 1);
  for (const std::string_view member : members) out.append(",").append(member);
  return out;
}

std::string KeptMarks(std::string_view span, const sample::Verdicts::Verdict& verdict) {
  otlp::WireWriter out;
  if (verdict.adjusted_count > 1) {
    std::string_view trace_state, trace_id;
    for (otlp::FieldReader fields(span); fields.Next();) {
      if (fields.tag() == field::span::kTraceState) trace_state = fields.bytes();
      if (fields.tag() == field::span::kTraceId) trace_id = fields.bytes();
    }
    out.Bytes(field::span::kTraceState, WithThreshold(trace_state, trace_id, verdict.adjusted_count));
  }
  if (!verdict.policy.empty()) {
    const size_t attribute = out.Begin(field::span::kAttributes);
    out.Bytes(field::key_value::kKey, kPolicyAttribute);
    const size_t value = out.Begin(field::key_value::kValue);
    out.Bytes(field::any_value::kString, verdict.policy);
    out.End(value);
    out.End(attribute);
  }
  return out.Take();
}

}  // namespace sightline::forward
