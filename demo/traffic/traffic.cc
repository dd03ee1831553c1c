#include "demo/traffic/traffic.h"

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <queue>
#include <utility>

#include "demo/http/client.h"
#include "demo/traffic/load_client.h"
#include "demo/traffic/searcher.h"

namespace demo::traffic {
namespace {

namespace json = boost::json;
using std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;
using TimePoint = steady_clock::time_point;

constexpr auto kRequestTimeout = std::chrono::seconds(30);
constexpr size_t kConnectionsMax = 400;
constexpr auto kTick = std::chrono::milliseconds(100);  // how soon `stop` is seen

TimePoint After(TimePoint time, double seconds) {
  return time + std::chrono::duration_cast<steady_clock::duration>(Seconds(seconds));
}

struct DueFeedback {
  TimePoint due;
  std::string body;
  bool operator>(const DueFeedback& other) const { return due > other.due; }
};

// Thread: one.
class Run {
 public:
  Run(const TrafficOptions& options, const std::atomic<bool>& stop)
      : options_(options),
        stop_(stop),
        searchers_(options.scenario, options.seed, options.users),
        arrivals_(options.seed + 1),
        client_(options.target, kRequestTimeout, kConnectionsMax) {}

  TrafficReport Go() {
    const TimePoint begin = steady_clock::now();
    const TimePoint end = options_.seconds > 0 ? After(begin, options_.seconds) : TimePoint::max();
    TimePoint next = NextArrival(begin, begin);
    while (!stop_) {
      const TimePoint now = steady_clock::now();
      while (next <= now && next < end) {
        SendSearch(next);
        next = NextArrival(begin, next);
      }
      SendFeedbackUntil(now);
      // At the end those who search wait for their answers, but nobody reads on for minutes.
      if (next >= end && now >= end && client_.in_flight() == 0) break;
      const TimePoint due = feedback_.empty() ? next : std::min(next, feedback_.top().due);
      client_.Run(std::min({due, now + kTick, end > now ? end : now + kTick}));
    }
    return std::move(report_);
  }

 private:
  // Exponential gaps: a Poisson process.
  TimePoint NextArrival(TimePoint begin, TimePoint last) {
    const double rate = RateAt(options_.scenario, options_.rate, Seconds(last - begin).count());
    return After(last, arrivals_.Exponential(1.0 / rate));
  }

  void SendSearch(TimePoint due) {
    ++report_.searches;
    auto search = searchers_.Next();
    if (client_.in_flight() >= options_.in_flight_max) {
      ++report_.given_up;
      return;
    }
    client_.Send(search.target, "", [this, due, need = search.query.need](Result<LoadAnswer> answer) {
      TakeAnswer(due, need, std::move(answer));
    });
  }

  void TakeAnswer(TimePoint due, const behaviour::Need& need, Result<LoadAnswer> answer) {
    const TimePoint now = steady_clock::now();
    ++report_.answers[answer ? std::to_string(answer->status) : "error"];
    if (!answer || answer->status != 200) return;
    report_.latencies_ms.push_back(Seconds(now - due).count() * 1000);
    if (!options_.feedback) return;
    const auto parsed = ParseAnswer(answer->body);
    if (!parsed) {
      ++report_.answers["malformed"];
      return;
    }
    ++report_.searches_by_model[parsed->model_version];
    if (parsed->failures > 0 && !parsed->trace_id.empty()) report_.degraded_trace_id = parsed->trace_id;
    for (auto& feedback : searchers_.React(need, *parsed)) {
      if (feedback.kind == "click") ++report_.clicks_by_model[parsed->model_version];
      feedback_.push({After(now, feedback.after_seconds), std::move(feedback.body)});
    }
  }

  void SendFeedbackUntil(TimePoint now) {
    for (; !feedback_.empty() && feedback_.top().due <= now; feedback_.pop()) {
      ++report_.feedback_sent;
      client_.Send("/feedback", feedback_.top().body, [this](const Result<LoadAnswer>& answer) {
        if (!answer || answer->status != 202) ++report_.feedback_refused;
      });
    }
  }

  const TrafficOptions& options_;
  const std::atomic<bool>& stop_;
  Searchers searchers_;
  Random arrivals_;
  TrafficReport report_;
  std::priority_queue<DueFeedback, std::vector<DueFeedback>, std::greater<>> feedback_;
  LoadClient client_;  // the last one: what it calls back uses the others
};

double Percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  return sorted[static_cast<size_t>(share * static_cast<double>(sorted.size() - 1))];
}

json::object ToObject(const std::map<std::string, uint64_t>& counts) {
  return {counts.begin(), counts.end()};
}

Result<std::string> Send(http::Client& client, const std::string& url, const std::string& method, std::string body) {
  const auto answer = client.Send({.url = url, .method = method, .body = std::move(body)});
  if (!answer) return std::unexpected(answer.error());
  if (answer->status != 200)
    return Fail("HTTPError", "{} {} answers {}: {}", method, url, answer->status, answer->body);
  return answer->body;
}

}  // namespace

std::string TrafficReport::ToJson() const {
  std::vector<double> sorted = latencies_ms;
  std::ranges::sort(sorted);
  return json::serialize(json::object{
      {"searches", searches},
      {"given_up", given_up},
      {"answers", ToObject(answers)},
      {"latency_ms",
       {{"p50", Percentile(sorted, 0.5)}, {"p95", Percentile(sorted, 0.95)}, {"p99", Percentile(sorted, 0.99)}}},
      {"searches_by_model", ToObject(searches_by_model)},
      {"clicks_by_model", ToObject(clicks_by_model)},
      {"feedback_sent", feedback_sent},
      {"feedback_refused", feedback_refused},
      {"degraded_trace_id", degraded_trace_id}});
}

Result<TrafficReport> RunTraffic(const TrafficOptions& options, const std::atomic<bool>& stop) {
  http::Client client;
  const std::string chaos_url = options.target + "/chaos/config";
  const auto before = Send(client, chaos_url, "GET", "");
  if (!before) return std::unexpected(before.error());
  if (!options.scenario.chaos.empty()) {
    const auto set = Send(client, chaos_url, "POST", std::string(options.scenario.chaos));
    if (!set) return std::unexpected(set.error());
  }
  TrafficReport report = Run(options, stop).Go();
  if (!options.scenario.chaos.empty()) {
    const auto restored = Send(client, chaos_url, "POST", *before);
    if (!restored) return std::unexpected(restored.error());
  }
  return report;
}

}  // namespace demo::traffic
