#include "state/json_check.h"

#include <algorithm>

namespace sightline::state {
namespace {

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

Result<void> JsonCheck::result() const {
  if (ok()) return {};
  return std::unexpected(Error{Code::kInvalidArgument, problem_});
}

void JsonCheck::At(std::string_view member, const std::function<void()>& check) {
  if (!ok()) return;
  const size_t length = path_.size();
  if (!path_.empty() && !member.starts_with('[')) path_ += '.';
  path_ += member;
  check();
  path_.resize(length);
}

void JsonCheck::Object(const Json& value, std::initializer_list<Member> members) {
  simdjson::dom::object object;
  if (value.get(object) != simdjson::SUCCESS) return Refuse("an object is wanted");
  std::vector<std::string_view> seen;
  for (const auto& [key, inner] : object) {
    const auto member = std::ranges::find(members, key, &Member::key);
    if (member == members.end()) return Refuse("there is no member {:?}", key);
    if (std::ranges::find(seen, key) != seen.end()) return Refuse("{:?} is there twice", key);
    seen.push_back(key);
    At(key, [&] { member->rule(inner); });
    if (!ok()) return;
  }
  for (const Member& member : members) {
    if (member.required && std::ranges::find(seen, member.key) == seen.end()) {
      return Refuse("{} is wanted", member.key);
    }
  }
}

void JsonCheck::Array(const Json& value, size_t size_max, const Rule& item) {
  simdjson::dom::array array;
  if (value.get(array) != simdjson::SUCCESS) return Refuse("a list is wanted");
  if (array.size() > size_max) return Refuse("{} are more than {}", array.size(), size_max);
  size_t index = 0;
  for (const Json inner : array) {
    At(fmt::format("[{}]", index++), [&] { item(inner); });
    if (!ok()) return;
  }
}

std::string JsonCheck::Text(const Json& value, size_t bytes_max, size_t bytes_min) {
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return Refuse("a text is wanted"), "";
  if (text.size() < bytes_min) Refuse("it is empty");
  if (text.size() > bytes_max) Refuse("{} bytes are more than {}", text.size(), bytes_max);
  return std::string(text);
}

std::string JsonCheck::Word(const Json& value, std::span<const std::string_view> words) {
  const std::string text = Text(value, std::numeric_limits<size_t>::max());
  if (ok() && std::ranges::find(words, text) == words.end()) {
    Refuse("{:?} is none of {}", text, fmt::join(words, ", "));
  }
  return text;
}

std::string JsonCheck::Name(const Json& value, size_t bytes_max, std::string_view first, std::string_view rest) {
  const std::string text = Text(value, bytes_max, 1);
  if (!ok()) return text;
  const bool begins = IsLetter(text.front()) || first.find(text.front()) != first.npos;
  const bool goes_on = std::ranges::all_of(text, [&](char c) {
    return IsLetter(c) || IsDigit(c) || first.find(c) != first.npos || rest.find(c) != rest.npos;
  });
  if (!begins || !goes_on) Refuse("{:?} is no name: letters, digits and {:?} are", text, rest);
  return text;
}

int64_t JsonCheck::Integer(const Json& value, int64_t min, int64_t max) {
  int64_t number = 0;
  if (value.get(number) != simdjson::SUCCESS) return Refuse("a whole number is wanted"), min;
  if (number < min || number > max) Refuse("{} is not between {} and {}", number, min, max);
  return number;
}

void JsonCheck::Number(const Json& value) {
  double number = 0;
  if (value.get(number) != simdjson::SUCCESS) Refuse("a number is wanted");
}

bool JsonCheck::Bool(const Json& value) {
  bool truth = false;
  if (value.get(truth) != simdjson::SUCCESS) Refuse("true or false is wanted");
  return truth;
}

}  // namespace sightline::state
