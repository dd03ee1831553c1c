#include "query/message_shape.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace sightline::query {
namespace {

constexpr size_t kHexIdMin = 8, kWordIdMin = 16, kDigitsInWordIdMin = 4, kDigitsAtEndMin = 3;
constexpr size_t kCodeDigitsMax = 5;
constexpr size_t kQuotedMax = 200;
constexpr std::array<std::string_view, 6> kBeforeCodes = {"http", "grpc", "status", "code", "errno", "error"};
constexpr std::string_view kSignsBeforeCodes = " :=(/[#";

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsHex(char c) {
  return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}
bool IsAlnum(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}
bool IsSpace(char c) {
  return std::isspace(static_cast<unsigned char>(c)) != 0;
}
size_t CountDigits(std::string_view word) {
  return static_cast<size_t>(std::ranges::count_if(word, IsDigit));
}

// Writes the shape while it goes over the message once. Thread: of its owner.
class ShapeWriter {
 public:
  explicit ShapeWriter(std::string_view message) : rest_(message) {}

  std::string Write() {
    while (!rest_.empty() && shape_.size() <= kMessageShapeBytesMax) {
      if (IsSpace(rest_.front())) {
        Skip();
      } else if (!Quoted() && !Uuid() && !Word()) {
        shape_ += rest_.front();
        Advance(1);
      }
    }
    while (!shape_.empty() && shape_.back() == ' ') shape_.pop_back();
    return Cut();
  }

 private:
  void Advance(size_t bytes) {
    before_ = rest_[bytes - 1];
    rest_.remove_prefix(bytes);
  }

  void Skip() {
    while (!rest_.empty() && IsSpace(rest_.front())) Advance(1);
    if (!shape_.empty()) shape_ += ' ';
  }

  // An apostrophe within a word opens nothing.
  bool Quoted() {
    const char quote = rest_.front();
    if ((quote != '\'' && quote != '"' && quote != '`') || IsAlnum(before_)) return false;
    for (size_t end = 1; end < std::min(rest_.size(), kQuotedMax); ++end) {
      if (rest_[end] != quote || (end + 1 < rest_.size() && IsAlnum(rest_[end + 1]))) continue;
      if (end > 1)
        shape_.append(1, quote).append("…").append(1, quote);
      else
        shape_.append(2, quote);
      Advance(end + 1);
      return true;
    }
    return false;
  }

  bool Uuid() {
    constexpr std::string_view kForm = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";
    if (IsAlnum(before_) || rest_.size() < kForm.size()) return false;
    for (size_t i = 0; i < kForm.size(); ++i) {
      if (kForm[i] == 'h' ? !IsHex(rest_[i]) : rest_[i] != '-') return false;
    }
    if (rest_.size() > kForm.size() && IsAlnum(rest_[kForm.size()])) return false;
    Vary(kForm.size());
    return true;
  }

  // A run of letters and digits.
  bool Word() {
    const auto length = static_cast<size_t>(std::ranges::find_if_not(rest_, IsAlnum) - rest_.begin());
    if (length == 0) return false;
    const std::string_view word = rest_.substr(0, length);
    const size_t digits = CountDigits(word);
    const size_t in_front = word.find_first_not_of("0123456789");
    const bool is_hex = std::ranges::all_of(word, IsHex);
    const bool is_literal = word.size() > 2 && word.starts_with("0x") && std::ranges::all_of(word.substr(2), IsHex);
    if (digits == length && SaysWhat(word)) {
      shape_ += word;
      Advance(length);
    } else if (is_literal || (is_hex && digits > 0 && length >= kHexIdMin) ||
               (length >= kWordIdMin && digits >= kDigitsInWordIdMin)) {
      Vary(length);
    } else if (in_front != 0) {
      Number(in_front == word.npos ? length : in_front, in_front == word.npos);
    } else {
      const size_t letters = word.find_last_not_of("0123456789") + 1;
      shape_ += length - letters >= kDigitsAtEndMin ? std::string(word.substr(0, letters)) + "#" : std::string(word);
      Advance(length);
    }
    return true;
  }

  // `digits` of them, and what follows behind points, commas and colons.
  void Number(size_t digits, bool may_go_on) {
    while (may_go_on && digits + 1 < rest_.size() && std::string_view(".,:").contains(rest_[digits]) &&
           IsDigit(rest_[digits + 1])) {
      ++digits;
      while (digits < rest_.size() && IsDigit(rest_[digits])) ++digits;
    }
    Vary(digits);
  }

  void Vary(size_t bytes) {
    shape_ += '#';
    Advance(bytes);
  }

  // A code: what stands before it says so.
  bool SaysWhat(std::string_view number) const {
    if (number.size() > kCodeDigitsMax) return false;
    const size_t end = shape_.find_last_not_of(kSignsBeforeCodes);
    if (end == shape_.npos || end + 1 == shape_.size()) return false;
    size_t begin = end + 1;
    while (begin > 0 && std::isalpha(static_cast<unsigned char>(shape_[begin - 1])) != 0) --begin;
    std::string word = shape_.substr(begin, end + 1 - begin);
    std::ranges::transform(word, word.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return std::ranges::find(kBeforeCodes, word) != kBeforeCodes.end();
  }

  // At the end of a character of UTF-8.
  std::string Cut() {
    if (shape_.size() <= kMessageShapeBytesMax) return std::move(shape_);
    size_t end = kMessageShapeBytesMax;
    while (end > 0 && (static_cast<unsigned char>(shape_[end]) & 0xC0) == 0x80) --end;
    shape_.resize(end);
    return shape_ + "…";
  }

  std::string_view rest_;
  char before_ = ' ';  // what stood in front of rest_
  std::string shape_;
};

}  // namespace

std::string MessageShape(std::string_view message) {
  return ShapeWriter(message).Write();
}

}  // namespace sightline::query
