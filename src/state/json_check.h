// Checks JSON that people wrote against what it may hold, and says where it is wrong. The first thing that is wrong
// counts.
#pragma once

#include <fmt/format.h>
#include <simdjson.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace sightline::state {

// Thread: of its owner.
class JsonCheck {
 public:
  using Json = simdjson::dom::element;
  // Of one value: calls the functions below.
  using Rule = std::function<void(const Json& value)>;
  struct Member {
    std::string_view key;
    bool required = false;
    Rule rule;
  };

  bool ok() const { return problem_.empty(); }
  Result<void> result() const;

  // "panels[3].title: " is put before what is wrong.
  template <typename... Args>
  void Refuse(fmt::format_string<Args...> format, Args&&... args) {
    if (ok()) problem_ = (path_.empty() ? "document" : path_) + ": " + fmt::format(format, std::forward<Args>(args)...);
  }

  void Object(const Json& value, std::initializer_list<Member> members);
  void Array(const Json& value, size_t size_max, const Rule& item);
  std::string Text(const Json& value, size_t bytes_max, size_t bytes_min = 0);
  // One of the words.
  std::string Word(const Json& value, std::span<const std::string_view> words);
  // A letter or one of `first`, then letters, digits and `rest`.
  std::string Name(const Json& value, size_t bytes_max, std::string_view first, std::string_view rest);
  int64_t Integer(const Json& value, int64_t min, int64_t max);
  void Number(const Json& value);
  bool Bool(const Json& value);

  // What is within, for rules that look at several members.
  void At(std::string_view member, const std::function<void()>& check);

 private:
  std::string path_, problem_;
};

}  // namespace sightline::state
