#include "serve/cursor.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "query/services.h"

namespace sightline::serve {
namespace {

constexpr std::string_view kVersion = "1";
constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr size_t kFieldsBeforePosition = 4;  // version, question, from, to

constexpr size_t kIdBytes = query::kRankedIdBits / 8;
static_assert(kIdBytes * 8 == query::kRankedIdBits);

// RFC 4648, 5, without padding.
std::string Base64Url(std::string_view bytes) {
  std::string text;
  uint32_t bits = 0;
  int count = 0;
  for (const char byte : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(byte);
    for (count += 8; count >= 6; count -= 6) text += kDigits[bits >> (count - 6) & 63];
  }
  if (count > 0) text += kDigits[bits << (6 - count) & 63];
  return text;
}

bool FromBase64Url(std::string_view text, std::string& bytes) {
  uint32_t bits = 0;
  int count = 0;
  for (const char digit : text) {
    const size_t value = kDigits.find(digit);
    if (value == kDigits.npos) return false;
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 255);
  }
  return text.size() % 4 != 1 && (bits & ((1U << count) - 1)) == 0;
}

// "3:abc": any bytes, no escaping.
void AppendField(std::string& out, std::string_view field) {
  fmt::format_to(std::back_inserter(out), "{}:", field.size());
  out += field;
}

template <typename T>
bool ParseWhole(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool SplitFields(std::string_view text, std::vector<std::string>& fields) {
  while (!text.empty()) {
    const size_t colon = text.find(':');
    size_t size = 0;
    if (colon == text.npos || !ParseWhole(text.substr(0, colon), size)) return false;
    text.remove_prefix(colon + 1);
    if (size > text.size()) return false;
    fields.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return true;
}

// FNV-1a: a mix-up is what it must find, not an attack.
void Mix(uint64_t& hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  hash = (hash ^ 0x1ff) * 0x100000001b3;  // no byte: "ab","c" is not "a","bc"
}

}  // namespace

uint64_t QuestionHash(const net::HttpRequest& request) {
  auto query = request.query;
  std::erase_if(query, [](const auto& pair) { return pair.first == "cursor" || pair.first == "limit"; });
  std::sort(query.begin(), query.end());
  uint64_t hash = 0xcbf29ce484222325;
  Mix(hash, request.path);
  for (const auto& [name, value] : query) {
    Mix(hash, name);
    Mix(hash, value);
  }
  return hash;
}

std::string EncodeCursor(const Cursor& cursor, uint64_t question) {
  std::string bytes;
  AppendField(bytes, kVersion);
  AppendField(bytes, fmt::format("{:x}", question));
  AppendField(bytes, std::to_string(cursor.from_unix_nanos));
  AppendField(bytes, std::to_string(cursor.to_unix_nanos));
  for (const auto& field : cursor.position) AppendField(bytes, field);
  return Base64Url(bytes);
}

Result<Cursor> DecodeCursor(std::string_view text, uint64_t question) {
  constexpr std::string_view kHint = "give next_cursor of the page before as it is, or none to begin anew";
  std::string bytes;
  std::vector<std::string> fields;
  Cursor cursor;
  if (text.size() > kCursorBytesMax || !FromBase64Url(text, bytes) || !SplitFields(bytes, fields) ||
      fields.size() <= kFieldsBeforePosition || fields[0] != kVersion ||
      !ParseWhole(fields[2], cursor.from_unix_nanos) || !ParseWhole(fields[3], cursor.to_unix_nanos) ||
      cursor.from_unix_nanos < 0 || cursor.to_unix_nanos < cursor.from_unix_nanos) {
    return Fail(Code::kInvalidArgument, "this is no cursor\n{}", kHint);
  }
  if (fields[1] != fmt::format("{:x}", question)) {
    return Fail(Code::kInvalidArgument,
                "this cursor belongs to another question\ngive it with the path and the parameters of the page before");
  }
  cursor.position.assign(std::make_move_iterator(fields.begin() + kFieldsBeforePosition),
                         std::make_move_iterator(fields.end()));
  return cursor;
}

std::string PackIds(const std::vector<uint64_t>& ids) {
  std::string packed;
  for (const uint64_t id : ids) {
    for (size_t byte = 0; byte < kIdBytes; ++byte) packed += static_cast<char>(id >> (8 * byte));
  }
  return packed;
}

bool UnpackIds(std::string_view packed, std::vector<uint64_t>& ids) {
  if (packed.size() % kIdBytes != 0) return false;
  ids.assign(packed.size() / kIdBytes, 0);
  for (size_t i = 0; i < packed.size(); ++i) {
    ids[i / kIdBytes] |= uint64_t{static_cast<uint8_t>(packed[i])} << (8 * (i % kIdBytes));
  }
  return true;
}

Error NoCursor() {
  return {Code::kInvalidArgument, "this is no cursor"};
}

}  // namespace sightline::serve
