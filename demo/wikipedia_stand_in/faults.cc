#include "demo/wikipedia_stand_in/faults.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace demo::wikipedia_stand_in {
namespace {

constexpr int kDelayMillisecondsMax = 60'000;

std::optional<int> ParseNumber(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool Add(std::string_view word, Fault& fault) {
  if (word.empty() || word == "none") return true;
  if (word == "malformed") return fault.malformed = true;
  if (word == "slow") word = "slow=6000";  // longer than clients wait
  if (word.starts_with("slow=")) {
    const auto milliseconds = ParseNumber(word.substr(5));
    fault.delay = std::chrono::milliseconds(milliseconds.value_or(0));
    return milliseconds && *milliseconds >= 0 && *milliseconds <= kDelayMillisecondsMax;
  }
  const auto status = ParseNumber(word);
  fault.status = status.value_or(0);
  return status && *status >= 400 && *status <= 599;
}

}  // namespace

Result<Fault> ParseFault(std::string_view text) {
  Fault fault;
  for (bool more = true; more;) {
    const auto word = text.substr(0, text.find(','));
    if (!Add(word, fault)) return Fail("ValueError", "there is no fault \"{}\"", word);
    more = word.size() < text.size();
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  return fault;
}

void FaultPlan::Set(Fault fault, double share) {
  const std::lock_guard lock(mutex_);
  fault_ = fault;
  share_ = share;
}

Fault FaultPlan::Draw() {
  const std::lock_guard lock(mutex_);
  return random_.Chance(share_) ? fault_ : Fault();
}

}  // namespace demo::wikipedia_stand_in
