#include "notify/matchers.h"

#include <re2/re2.h>

#include <algorithm>

namespace sightline::notify {
namespace {

using Json = state::JsonCheck::Json;

constexpr std::string_view kOps[] = {"=", "!=", "=~", "!~"};
constexpr size_t kLabelBytesMax = 200, kValueBytesMax = 1000, kMatchersMax = 20;
constexpr int64_t kExpressionMemoryMax = 1 << 20;

std::shared_ptr<const re2::RE2> Compile(const std::string& text, std::string* problem) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kExpressionMemoryMax);
  auto expression = std::make_shared<const re2::RE2>(text, options);
  if (expression->ok()) return expression;
  *problem = expression->error();
  return nullptr;
}

}  // namespace

Matcher Matcher::Read(state::JsonCheck& check, const Json& json) {
  Matcher matcher;
  std::string op;
  check.Object(json,
               {
                   {"label", true, [&](const Json& value) { matcher.label_ = check.Text(value, kLabelBytesMax, 1); }},
                   {"op", true, [&](const Json& value) { op = check.Word(value, kOps); }},
                   {"value", true, [&](const Json& value) { matcher.value_ = check.Text(value, kValueBytesMax); }},
               });
  if (!check.ok()) return matcher;
  matcher.negated_ = op.starts_with('!');
  if (op.ends_with('~')) {
    check.At("value", [&] {
      std::string problem;
      matcher.expression_ = Compile(matcher.value_, &problem);
      if (matcher.expression_ == nullptr) check.Refuse("{:?} is no regular expression: {}", matcher.value_, problem);
    });
  }
  return matcher;
}

bool Matcher::Matches(const Labels& labels) const {
  const auto label = labels.find(label_);
  const std::string_view value = label == labels.end() ? std::string_view() : std::string_view(label->second);
  const bool equals =
      expression_ == nullptr ? value == value_ : re2::RE2::FullMatch({value.data(), value.size()}, *expression_);
  return equals != negated_;
}

std::vector<Matcher> ReadMatchers(state::JsonCheck& check, const Json& json) {
  std::vector<Matcher> matchers;
  check.Array(json, kMatchersMax, [&](const Json& item) { matchers.push_back(Matcher::Read(check, item)); });
  return matchers;
}

bool AllMatch(std::span<const Matcher> matchers, const Labels& labels) {
  return std::ranges::all_of(matchers, [&](const Matcher& matcher) { return matcher.Matches(labels); });
}

}  // namespace sightline::notify
