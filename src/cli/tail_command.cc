// `sightline tail`: what comes in and matches, as it comes in. Asks a running server again and again for what is new
// since the answer before, so that a server that was away for a while is followed from where it was.
#include <fmt/format.h>
#include <simdjson.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>

#include "cli/api_client.h"
#include "cli/commands.h"
#include "cli/table.h"

namespace sightline::cli {
namespace {

using simdjson::dom::element;
using std::chrono::steady_clock;

constexpr auto kPause = std::chrono::seconds(1);  // new blocks become visible about once a second
constexpr auto kRateOver = std::chrono::seconds(10);

volatile std::sig_atomic_t ended = 0;

// Sleeps in small pieces: Ctrl-C need not wait.
void Pause(steady_clock::duration time) {
  const auto until = steady_clock::now() + time;
  while (ended == 0 && steady_clock::now() < until) std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

std::string TextOf(element object, std::string_view key) {
  std::string_view text;
  return object[key].get(text) == simdjson::SUCCESS ? std::string(text) : "";
}

uint64_t NumberOf(element object, std::string_view key) {
  uint64_t number = 0;
  if (object[key].get(number) == simdjson::SUCCESS) return number;
  const std::string text = TextOf(object, key);
  return text.empty() ? 0 : std::strtoull(text.c_str(), nullptr, 10);
}

std::string BodyText(element record) {
  element body;
  if (record["body"].get(body) != simdjson::SUCCESS) return "";
  std::string_view text;
  return body.get(text) == simdjson::SUCCESS ? std::string(text) : std::string(simdjson::minify(body));
}

std::string SpanLine(element span, const std::vector<std::string>& fields, bool color) {
  const std::string status = TextOf(span, "status");
  std::string line = fmt::format("{} {} {:>8} {} {}",
                                 Colored(TimeText(static_cast<int64_t>(NumberOf(span, "start_unix_nano"))), "2", color),
                                 TextOf(span, "trace_id"), DurationText(NumberOf(span, "duration_nano")),
                                 Colored(Printable(TextOf(span, "service")), "36", color),
                                 Colored(Printable(TextOf(span, "name")), status == "Error" ? "31" : "", color));
  if (status == "Error") line += Colored(" error", "1;31", color);
  size_t i = 0;
  for (element literal : simdjson::dom::array(span["literals"])) {
    if (i == fields.size()) break;
    line += fmt::format(" {}={}", Printable(fields[i++]), Printable(std::string_view(literal)));
  }
  return line;
}

std::string LogLine(element record, bool color) {
  const uint64_t severity = NumberOf(record, "severity_number");
  std::string word = TextOf(record, "severity_text");
  if (word.empty() && severity > 0) word = std::to_string(severity);
  const char* tint = severity >= 17 ? "1;31" : severity >= 13 ? "33" : "2";
  return fmt::format("{} {} {} {}",
                     Colored(TimeText(static_cast<int64_t>(NumberOf(record, "time_unix_nano"))), "2", color),
                     Colored(PadToWidth(Printable(word), 5), tint, color),
                     Colored(Printable(TextOf(record, "service")), "36", color), Printable(BodyText(record)));
}

// Follows until Ctrl-C. Thread: of its owner.
class Tail {
 public:
  explicit Tail(const TailFlags& flags)
      : flags_(flags), terminal_(StdoutTerminal()), shows_status_(terminal_.is_tty && !flags.json) {}

  int Run() {
    while (ended == 0) {
      const auto began = steady_clock::now();
      if (const auto exit_code = Look()) return *exit_code;
      const auto took = steady_clock::now() - began;
      if (took < kPause) Pause(kPause - took);
    }
    ClearStatus();
    std::fprintf(stderr, "%llu %s matched, %llu came in%s\n", static_cast<unsigned long long>(matched_), Noun(),
                 static_cast<unsigned long long>(stored_), NotShown().c_str());
    return kExitDone;
  }

 private:
  const char* Noun() const { return flags_.logs ? "records" : "spans"; }
  std::string NotShown() const { return not_shown_ == 0 ? "" : fmt::format(", {} not shown", not_shown_); }

  // An exit code where there is no going on.
  std::optional<int> Look() {
    auto json = ApiGetUntil(ServerUrl(flags_.server),
                            PathWithQuery(flags_.logs ? "/api/v1/tail/logs" : "/api/v1/tail/spans",
                                          {{"q", flags_.text},
                                           {"select", flags_.select},
                                           {"limit", std::to_string(flags_.limit)},
                                           {"cursor", cursor_}}),
                            [] { return ended != 0; });
    if (ended != 0) return std::nullopt;
    if (!json) return Failed(json.error());
    if (away_) {
      ClearStatus();
      std::fprintf(stderr, "the server answers again\n");
      away_ = false;
    }
    try {
      return Print(*json);
    } catch (const simdjson::simdjson_error& error) {
      return PrintError({Code::kInternal, fmt::format("the server's answer does not read: {}", error.what())});
    }
  }

  // A server that is away or busy comes back; what is wrong with the question stays wrong.
  std::optional<int> Failed(const Error& error) {
    const bool passes = error.code == Code::kUnavailable || error.code == Code::kDeadlineExceeded;
    if (!passes || cursor_.empty()) {
      ClearStatus();
      return PrintError(error);
    }
    if (!away_) {
      ClearStatus();
      PrintError(error);
      std::fprintf(stderr, "trying again; nothing is missed meanwhile\n");
    }
    away_ = true;
    return std::nullopt;
  }

  std::optional<int> Print(const std::string& json) {
    const element root = parser_.parse(json);
    std::vector<std::string> fields;
    if (!flags_.logs) {
      for (element field : simdjson::dom::array(root["fields"])) fields.emplace_back(std::string_view(field));
    }
    ClearStatus();
    size_t shown = 0;
    for (element item : simdjson::dom::array(root[flags_.logs ? "logs" : "spans"])) {
      const std::string line = flags_.json   ? std::string(simdjson::minify(item))
                               : flags_.logs ? LogLine(item, terminal_.color)
                                             : SpanLine(item, fields, terminal_.color);
      std::fprintf(stdout, "%s\n", line.c_str());
      ++shown;
    }
    if (std::fflush(stdout) != 0) return PrintError({Code::kUnavailable, "stdout takes no more"});
    const uint64_t matched = NumberOf(root, "matched");
    Count(matched, NumberOf(root, "stored"), matched - std::min<uint64_t>(matched, shown));
    if (cursor_.empty() && !shows_status_) std::fprintf(stderr, "following\n");
    cursor_ = TextOf(root, "next_cursor");
    ShowStatus();
    return std::nullopt;
  }

  void Count(uint64_t matched, uint64_t stored, uint64_t not_shown) {
    matched_ += matched;
    stored_ += stored;
    not_shown_ += not_shown;
    const auto now = steady_clock::now();
    rates_.push_back({now, matched_, stored_});
    while (rates_.size() > 2 && now - rates_[1].at >= kRateOver) rates_.erase(rates_.begin());
    if (not_shown > 0 && !shows_status_) {
      std::fprintf(stderr, "%llu more matched than are shown\n", static_cast<unsigned long long>(not_shown));
    }
  }

  // "12.0/s match of 340/s", over the last ten seconds.
  void ShowStatus() {
    if (!shows_status_) return;
    const auto& [first, last] = std::pair(rates_.front(), rates_.back());
    const double seconds = std::chrono::duration<double>(last.at - first.at).count();
    const auto rate = [&](uint64_t from, uint64_t to) {
      return seconds > 0 ? static_cast<double>(to - from) / seconds : 0;
    };
    std::fprintf(stderr, "\r\033[K%s",
                 Colored(fmt::format("{:.1f}/s match of {:.1f}/s{}  (Ctrl-C ends)", rate(first.matched, last.matched),
                                     rate(first.stored, last.stored), NotShown()),
                         "2", terminal_.color)
                     .c_str());
    status_shown_ = true;
  }
  void ClearStatus() {
    if (status_shown_) std::fputs("\r\033[K", stderr);
    status_shown_ = false;
  }

  struct Totals {
    steady_clock::time_point at;
    uint64_t matched = 0, stored = 0;
  };

  const TailFlags& flags_;
  const Terminal terminal_;
  const bool shows_status_;
  simdjson::dom::parser parser_;
  std::string cursor_;
  uint64_t matched_ = 0, stored_ = 0, not_shown_ = 0;
  std::vector<Totals> rates_;
  bool away_ = false, status_shown_ = false;
};

}  // namespace

int RunTail(const TailFlags& flags) {
  std::signal(SIGINT, [](int) { ended = 1; });
  std::signal(SIGTERM, [](int) { ended = 1; });
  return Tail(flags).Run();
}

}  // namespace sightline::cli
