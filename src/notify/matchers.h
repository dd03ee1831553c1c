// Conditions on labels, as routes and silences have them.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "notify/alert_event.h"
#include "state/json_check.h"

namespace re2 {
class RE2;
}

namespace sightline::notify {

// A label that is not there is as an empty one. Never changes. Thread: any.
class Matcher {
 public:
  // {"label": "team", "op": "=", "value": "search"}; also !=, and =~ and !~ with an expression (RE2) for the whole
  // value. What is wrong stands in `check`, and then it must not be asked.
  static Matcher Read(state::JsonCheck& check, const state::JsonCheck::Json& json);

  bool Matches(const Labels& labels) const;

 private:
  std::string label_, value_;
  std::shared_ptr<const re2::RE2> expression_;  // null: the value itself
  bool negated_ = false;
};

std::vector<Matcher> ReadMatchers(state::JsonCheck& check, const state::JsonCheck::Json& json);
// All of them; of none, true.
bool AllMatch(std::span<const Matcher> matchers, const Labels& labels);

}  // namespace sightline::notify
