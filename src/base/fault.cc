#include "base/fault.h"

#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace sightline {
namespace {

struct Rule {
  bool kill = false;
  uint64_t first = 1, last = UINT64_MAX;  // passes, counted from 1, inclusive
};

struct Point {
  uint64_t passes = 0;
  std::vector<Rule> rules;
};

enum State : int { kUnread, kOff, kArmed };
constinit std::atomic<int> state = kUnread;

struct Faults {
  std::mutex mutex;
  std::map<std::string, Point, std::less<>> points;  // guarded by mutex
};

Faults& AllFaults() {
  static Faults& faults = *new Faults;  // lives until the very end: threads may pass points while statics die
  return faults;
}

std::optional<uint64_t> ParsePass(std::string_view text) {
  uint64_t pass = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pass);
  if (error != std::errc() || end != text.data() + text.size() || pass == 0) return std::nullopt;
  return pass;
}

// "kill", "kill:3", "error", "error:2", "error:1-5", "error:4-"
std::optional<Rule> ParseRule(std::string_view text) {
  const size_t colon = text.find(':');
  const std::string_view action = text.substr(0, colon);
  Rule rule{.kill = action == "kill"};
  if (!rule.kill && action != "error") return std::nullopt;
  if (colon == std::string_view::npos) return rule;
  const std::string_view passes = text.substr(colon + 1);
  const size_t dash = passes.find('-');
  const std::optional<uint64_t> first = ParsePass(passes.substr(0, dash));
  if (!first) return std::nullopt;
  rule.first = rule.last = *first;
  if (dash == std::string_view::npos) return rule;
  const std::string_view rest = passes.substr(dash + 1);
  const std::optional<uint64_t> last = rest.empty() ? UINT64_MAX : ParsePass(rest);
  if (rule.kill || !last || *last < *first) return std::nullopt;
  rule.last = *last;
  return rule;
}

void Arm(std::string_view text) {
  Faults& faults = AllFaults();
  const std::lock_guard lock(faults.mutex);
  faults.points.clear();
  const std::string_view whole = text;
  while (!text.empty()) {
    const size_t end = text.find(';');
    const std::string_view entry = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    const size_t equals = entry.find('=');
    const std::optional<Rule> rule =
        equals == std::string_view::npos || equals == 0 ? std::nullopt : ParseRule(entry.substr(equals + 1));
    if (!rule) {
      std::fprintf(stderr, "SIGHTLINE_TEST_FAULT: cannot read \"%.*s\" in \"%.*s\"\n", static_cast<int>(entry.size()),
                   entry.data(), static_cast<int>(whole.size()), whole.data());
      std::abort();
    }
    faults.points[std::string(entry.substr(0, equals))].rules.push_back(*rule);
  }
  state.store(faults.points.empty() ? kOff : kArmed, std::memory_order_relaxed);
}

bool PassArmed(std::string_view name) {
  Faults& faults = AllFaults();
  const std::lock_guard lock(faults.mutex);
  const auto it = faults.points.find(name);
  if (it == faults.points.end()) return false;
  Point& point = it->second;
  ++point.passes;
  bool fail = false;
  for (const Rule& rule : point.rules) {
    if (point.passes < rule.first || point.passes > rule.last) continue;
    if (rule.kill) std::raise(SIGKILL);
    fail = true;
  }
  return fail;
}

}  // namespace

bool FaultPoint(std::string_view name) {
  const int now = state.load(std::memory_order_relaxed);
  if (now == kOff) return false;
  if (now == kUnread) {
    static std::once_flag once;
    std::call_once(once, [] {
      const char* text = std::getenv("SIGHTLINE_TEST_FAULT");
      if (state.load() == kUnread) Arm(text == nullptr ? "" : text);
    });
  }
  return PassArmed(name);
}

void SetFaultsForTest(std::string_view text) {
  Arm(text);
}

}  // namespace sightline
