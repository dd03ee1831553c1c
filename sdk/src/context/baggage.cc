#include "otel/baggage.h"

#include <algorithm>
#include <utility>

#include "context/header_text.h"

namespace otel {
namespace {

using internal::TakeUntil;
using internal::TrimSpace;

// https://www.w3.org/TR/baggage/#definition: printable ASCII without space, `"`, `,`, `;` and `\`.
bool IsBaggageOctet(char c) {
  return c >= 0x21 && c <= 0x7e && c != '"' && c != ',' && c != ';' && c != '\\';
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A `%` that no two digits follow stands for itself.
std::string PercentDecoded(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const int high = HexDigit(text[i + 1]), low = HexDigit(text[i + 2]);
      if (high >= 0 && low >= 0) {
        decoded.push_back(static_cast<char>(high << 4 | low));
        i += 2;
        continue;
      }
    }
    decoded.push_back(text[i]);
  }
  return decoded;
}

void AppendPercentEncoded(std::string_view text, std::string& to) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  for (const char c : text) {
    if (IsBaggageOctet(c) && c != '%') {
      to.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      to.append({'%', kDigits[byte >> 4], kDigits[byte & 0xf]});
    }
  }
}

// Metadata is passed on as it is, unless it would break the header.
bool IsMetadata(std::string_view metadata) {
  return std::ranges::all_of(metadata, [](char c) { return (IsBaggageOctet(c) || c == ' ' || c == '\t' || c == ';'); });
}

void Set(std::vector<Baggage::Entry>& entries, Baggage::Entry entry) {
  const auto found = std::ranges::find(entries, entry.key, &Baggage::Entry::key);
  if (found != entries.end()) {
    *found = std::move(entry);
  } else {
    entries.push_back(std::move(entry));
  }
}

}  // namespace

Baggage::Baggage(std::vector<Entry> entries) {
  if (!entries.empty()) entries_ = std::make_shared<const std::vector<Entry>>(std::move(entries));
}

const std::vector<Baggage::Entry>& Baggage::entries() const {
  static const auto& none = *new std::vector<Entry>;  // never destroyed
  return entries_ ? *entries_ : none;
}

Baggage Baggage::FromHeader(std::string_view header) {
  std::vector<Entry> entries;
  size_t bytes = 0;
  while (!header.empty()) {
    std::string_view metadata = TrimSpace(TakeUntil(header, ','));
    bytes += metadata.size() + 1;
    if (bytes > kHeaderBytesMax + 1) break;
    std::string_view value = TakeUntil(metadata, ';');
    const bool has_value = value.find('=') != std::string_view::npos;
    const std::string_view key = TrimSpace(TakeUntil(value, '='));
    value = TrimSpace(value);
    metadata = TrimSpace(metadata);
    if (!has_value || !internal::IsToken(key) || !std::ranges::all_of(value, IsBaggageOctet) || !IsMetadata(metadata)) {
      continue;
    }
    Set(entries, {std::string(key), PercentDecoded(value), std::string(metadata)});
    if (entries.size() == kHeaderEntriesMax) break;
  }
  return Baggage(std::move(entries));
}

std::string Baggage::ToHeader() const {
  std::string header;
  size_t written = 0;
  for (const Entry& entry : entries()) {
    if (!internal::IsToken(entry.key)) continue;
    std::string member = entry.key + "=";
    AppendPercentEncoded(entry.value, member);
    if (!entry.metadata.empty() && IsMetadata(entry.metadata)) member.append(";").append(entry.metadata);
    if (header.size() + !header.empty() + member.size() > kHeaderBytesMax) continue;
    if (!header.empty()) header.push_back(',');
    header.append(member);
    if (++written == kHeaderEntriesMax) break;
  }
  return header;
}

std::optional<std::string_view> Baggage::Get(std::string_view key) const {
  const auto found = std::ranges::find(entries(), key, &Entry::key);
  if (found == entries().end()) return std::nullopt;
  return found->value;
}

Baggage Baggage::With(std::string_view key, std::string_view value, std::string_view metadata) const {
  if (key.empty()) return *this;
  std::vector<Entry> changed = entries();
  Set(changed, {std::string(key), std::string(value), std::string(metadata)});
  return Baggage(std::move(changed));
}

Baggage Baggage::Without(std::string_view key) const {
  if (!Get(key)) return *this;
  std::vector<Entry> changed = entries();
  std::erase_if(changed, [&](const Entry& entry) { return entry.key == key; });
  return Baggage(std::move(changed));
}

}  // namespace otel
