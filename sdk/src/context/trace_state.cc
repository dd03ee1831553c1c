#include <algorithm>
#include <vector>

#include "context/header_text.h"
#include "otel/span_context.h"

namespace otel {
namespace {

using internal::IsDigit;
using internal::IsLowerLetter;

constexpr size_t kKeyBytesMax = 256, kTenantBytesMax = 241, kSystemBytesMax = 14, kValueBytesMax = 256;

struct Entry {
  std::string_view key;
  std::string_view value;
};

// `simple-key` begins with a letter; so does the system's part of `tenant@system`, whose tenant may begin with a digit.
bool IsKey(std::string_view key) {
  const auto valid = [](std::string_view part, size_t bytes_max, bool digit_first) {
    if (part.empty() || part.size() > bytes_max) return false;
    if (!IsLowerLetter(part.front()) && !(digit_first && IsDigit(part.front()))) return false;
    return std::ranges::all_of(
        part, [](char c) { return IsLowerLetter(c) || IsDigit(c) || c == '_' || c == '-' || c == '*' || c == '/'; });
  };
  const size_t at = key.find('@');
  if (at == std::string_view::npos) return valid(key, kKeyBytesMax, false);
  return valid(key.substr(0, at), kTenantBytesMax, true) && valid(key.substr(at + 1), kSystemBytesMax, false);
}

// Printable ASCII without `,` and `=`, and no space at the end.
bool IsValue(std::string_view value) {
  return !value.empty() && value.size() <= kValueBytesMax && value.back() != ' ' &&
         std::ranges::all_of(value, [](char c) { return c >= 0x20 && c <= 0x7e && c != ',' && c != '='; });
}

std::optional<std::vector<Entry>> Parse(std::string_view header) {
  std::vector<Entry> entries;
  while (!header.empty()) {
    std::string_view member = internal::TrimSpace(internal::TakeUntil(header, ','));
    if (member.empty()) continue;  // the grammar allows it
    const bool has_value = member.find('=') != std::string_view::npos;
    const std::string_view key = internal::TakeUntil(member, '=');
    if (!has_value || !IsKey(key) || !IsValue(member)) return std::nullopt;
    if (std::ranges::find(entries, key, &Entry::key) != entries.end()) return std::nullopt;
    if (entries.size() == TraceState::kEntriesMax) return std::nullopt;
    entries.push_back({key, member});
  }
  return entries;
}

std::shared_ptr<const std::string> ToShared(const std::vector<Entry>& entries) {
  if (entries.empty()) return nullptr;
  std::string header;
  for (const Entry& entry : entries) {
    if (!header.empty()) header.push_back(',');
    header.append(entry.key).append("=").append(entry.value);
  }
  return std::make_shared<const std::string>(std::move(header));
}

std::vector<Entry> ParsedWithout(std::string_view header, std::string_view key) {
  std::vector<Entry> entries = Parse(header).value_or(std::vector<Entry>());
  std::erase_if(entries, [&](const Entry& entry) { return entry.key == key; });
  return entries;
}

}  // namespace

std::optional<TraceState> TraceState::FromHeader(std::string_view header) {
  const auto entries = Parse(header);
  if (!entries) return std::nullopt;
  TraceState state;
  state.header_ = ToShared(*entries);
  return state;
}

std::optional<std::string_view> TraceState::Get(std::string_view key) const {
  std::string_view rest = ToHeader();
  while (!rest.empty()) {
    std::string_view member = internal::TakeUntil(rest, ',');
    if (internal::TakeUntil(member, '=') == key) return member;
  }
  return std::nullopt;
}

TraceState TraceState::With(std::string_view key, std::string_view value) const {
  if (!IsKey(key) || !IsValue(value)) return *this;
  std::vector<Entry> entries = ParsedWithout(ToHeader(), key);
  entries.insert(entries.begin(), {key, value});
  if (entries.size() > kEntriesMax) entries.pop_back();
  TraceState state;
  state.header_ = ToShared(entries);
  return state;
}

TraceState TraceState::Without(std::string_view key) const {
  TraceState state;
  state.header_ = ToShared(ParsedWithout(ToHeader(), key));
  return state;
}

}  // namespace otel
