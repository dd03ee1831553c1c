#include "sample/span_condition.h"

#include <re2/re2.h>

#include <algorithm>

namespace sightline::sample {
namespace {

constexpr int64_t kRegexBytesMax = 1 << 20;  // RE2's memory for one expression

}  // namespace

TextMatcher::TextMatcher() = default;
TextMatcher::~TextMatcher() = default;

Result<std::shared_ptr<const TextMatcher>> TextMatcher::Exact(const std::vector<std::string>& values) {
  std::shared_ptr<TextMatcher> matcher(new TextMatcher());
  // The Collector leaves empty values out: they never match.
  std::ranges::copy_if(values, std::back_inserter(matcher->values_), [](const auto& value) { return !value.empty(); });
  std::ranges::sort(matcher->values_);
  return matcher;
}

Result<std::shared_ptr<const TextMatcher>> TextMatcher::Regex(const std::vector<std::string>& values) {
  std::shared_ptr<TextMatcher> matcher(new TextMatcher());
  for (const std::string& value : values) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(kRegexBytesMax);
    auto expression = std::make_unique<re2::RE2>(value, options);
    if (!expression->ok())
      return Fail(Code::kInvalidArgument, "invalid regular expression \"{}\": {}", value, expression->error());
    matcher->expressions_.push_back(std::move(expression));
  }
  return matcher;
}

bool TextMatcher::Matches(std::string_view text) const {
  for (const auto& expression : expressions_) {
    if (re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *expression)) return true;
  }
  return std::ranges::binary_search(values_, text, std::less<>());
}

}  // namespace sightline::sample
