#include "demo/common/text.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace demo {
namespace {

constexpr auto kStopwords = std::to_array<std::string_view>(
    {"a",    "about", "an",  "and",  "are",  "as",    "at",    "be",  "by",  "can",  "do",     "does", "for", "from",
     "how",  "i",     "in",  "is",   "it",   "me",    "my",    "of",  "on",  "or",   "should", "that", "the", "their",
     "this", "to",    "was", "what", "when", "where", "which", "who", "why", "will", "with",   "you",  "your"});
static_assert(std::ranges::is_sorted(kStopwords));

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool IsSpace(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool IsWord(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (static_cast<unsigned char>(c) & 0x80);
}

int HexDigit(char c) {
  c = Lower(c);
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

std::string NormalizeText(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    if (!IsSpace(c)) {
      result += Lower(c);
    } else if (!result.empty() && result.back() != ' ') {
      result += ' ';
    }
  }
  if (result.ends_with(' ')) result.pop_back();
  return result;
}

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (const char raw : text) {
    const char c = Lower(raw);
    const bool ends_name = (c == '+' || c == '#') && !word.empty();
    if (IsWord(c) || ends_name) {
      word += c;
    } else {
      end_word();
    }
  }
  end_word();
  return words;
}

std::optional<size_t> CountCharacters(std::string_view text) {
  size_t count = 0;
  for (size_t at = 0; at < text.size(); ++count) {
    const auto first = static_cast<unsigned char>(text[at]);
    const size_t length = first < 0x80            ? 1
                          : first >> 5 == 0b110   ? 2
                          : first >> 4 == 0b1110  ? 3
                          : first >> 3 == 0b11110 ? 4
                                                  : 0;
    if (length == 0 || at + length > text.size()) return std::nullopt;
    uint32_t code = length == 1 ? first : first & (0x7Fu >> length);
    for (size_t i = 1; i < length; ++i) {
      const auto next = static_cast<unsigned char>(text[at + i]);
      if (next >> 6 != 0b10) return std::nullopt;
      code = code << 6 | (next & 0x3Fu);
    }
    constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};  // shorter would do: not UTF-8
    if (code < kSmallest[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return std::nullopt;
    at += length;
  }
  return count;
}

bool IsStopword(std::string_view word) {
  return std::ranges::binary_search(kStopwords, word);
}

std::string Stem(std::string_view word) {
  constexpr size_t kStemMin = 3;
  for (const std::string_view ending : {"ings", "ing", "ies", "ed", "es", "s", "e", "y"}) {
    if (word.size() >= ending.size() + kStemMin && word.ends_with(ending)) {
      word.remove_suffix(ending.size());
      break;
    }
  }
  return std::string(word);
}

std::vector<std::string> Stems(std::string_view text) {
  std::vector<std::string> stems;
  for (const auto& word : Words(text)) {
    if (!IsStopword(word)) stems.push_back(Stem(word));
  }
  return stems;
}

std::string PercentEncode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    const char lower = Lower(c);
    const bool unreserved =
        (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
    if (unreserved) {
      result += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      result += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return result;
}

std::string PercentDecode(std::string_view text, bool plus_is_space) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = high >= 0 ? HexDigit(text[i + 2]) : -1;
    if (low >= 0) {
      result += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      result += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return result;
}

}  // namespace demo
