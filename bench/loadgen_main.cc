// OTLP load over loopback: a bounded number of items as fast as they are accepted, or at a fixed rate. Prints one JSON
// line: what was accepted, how fast, how long requests took, and what the server's process spent on it.
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/json_text.h"
#include "load/client.h"
#include "load/message.h"

namespace {

using sightline::load::Answer;
using SteadyClock = std::chrono::steady_clock;

struct Options {
  std::string protocol = "grpc", address = "127.0.0.1:4317", signal = "traces";
  uint64_t items = 0;
  double seconds = 0, rate = 0, settle_seconds = 0;
  uint32_t connections = 4, per_request = 512;
  bool gzip = false, shuffled = false, varied_bodies = false;
  double history_seconds = 0;
  uint64_t seed = 1;
  int pid = 0;
  uint64_t ids_every = 0;
  std::string ids_file, notable_file;
};

// Of another process, from /proc. CPU is user + system.
struct Usage {
  double cpu_seconds = 0;
  uint64_t rss_peak_bytes = 0, rss_bytes = 0, anonymous_bytes = 0;
};

Usage ReadUsage(int pid) {
  Usage usage;
  if (pid == 0) return usage;
  std::ifstream stat(fmt::format("/proc/{}/stat", pid));
  std::string line;
  std::getline(stat, line);
  std::istringstream fields(line.substr(std::min(line.rfind(')') + 2, line.size())));
  std::vector<std::string> words(std::istream_iterator<std::string>(fields), {});
  if (words.size() > 12) {
    usage.cpu_seconds = (std::stod(words[11]) + std::stod(words[12])) / static_cast<double>(sysconf(_SC_CLK_TCK));
  }
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string key; status >> key; status.ignore(1 << 10, '\n')) {
    uint64_t* target = key == "VmHWM:"     ? &usage.rss_peak_bytes
                       : key == "VmRSS:"   ? &usage.rss_bytes
                       : key == "RssAnon:" ? &usage.anonymous_bytes
                                           : nullptr;
    uint64_t kilobytes = 0;
    if (target != nullptr && status >> kilobytes) *target = kilobytes << 10;
  }
  return usage;
}

// What all connections share. Thread: any.
struct Progress {
  std::atomic<uint64_t> claimed = 0, accepted = 0, pushed_back = 0, failed_requests = 0;
  std::atomic<bool> stop = false;
};

// A trace that a tail sampler is told to keep: it failed, or its root took more than 1000 whole milliseconds.
struct Notable {
  std::string id;
  bool failed = false;
};
constexpr int64_t kSlowNanosMin = 1'001'000'000;

struct ConnectionResult {
  std::vector<double> latencies_ms;
  std::vector<std::string> trace_ids;
  std::vector<Notable> notable;
  std::string error;
};

sightline::load::Group MakeGroup(const Options& options, std::mt19937_64& random) {
  using namespace sightline::load;
  if (options.signal == "logs") {
    return LogGroup(random, options.per_request, options.varied_bodies ? Bodies::kVaried : Bodies::kShort);
  }
  if (options.signal == "metrics") return MetricGroup(random, options.per_request);
  return TraceGroup(random, options.per_request / 8, options.shuffled ? Shape::kShuffled : Shape::kWhole);
}

std::string Hex(std::string_view bytes) {
  std::string text;
  for (unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

class Connection {
 public:
  Connection(const Options& options, Progress& progress, uint32_t number)
      : options_(options), progress_(progress), random_(options.seed * 1000 + number), number_(number) {
    constexpr int kGroups = 16;
    for (int i = 0; i < kGroups; ++i) groups_.push_back(MakeGroup(options, random_));
    client_ = options.protocol == "http" ? sightline::load::ConnectHttp(options.address, options.gzip)
                                         : sightline::load::ConnectGrpc(options.address, options.gzip);
  }

  void Run() {
    const SteadyClock::time_point start = SteadyClock::now();
    const double requests_per_second = options_.rate / options_.per_request / options_.connections;
    SteadyClock::time_point due =
        start + std::chrono::duration_cast<SteadyClock::duration>(std::chrono::duration<double>(
                    requests_per_second > 0 ? number_ / options_.rate * options_.per_request : 0));
    for (size_t round = 0; !Over(start); ++round) {
      sightline::load::Group& group = groups_[round % groups_.size()];
      Refresh(group, random_, Now());
      for (const auto& request : group.requests) {
        if (requests_per_second > 0) {
          std::this_thread::sleep_until(due);  // open loop: latency counts from when the request was due
        } else {
          due = SteadyClock::now();
        }
        SendOne(request, due);
        if (requests_per_second > 0) {
          due +=
              std::chrono::duration_cast<SteadyClock::duration>(std::chrono::duration<double>(1 / requests_per_second));
        }
      }
      if (!options_.notable_file.empty()) NoteNotable(group);
    }
  }

  ConnectionResult result;

 private:
  // What the items are sent as having happened at, in Unix nanoseconds.
  int64_t Now() const {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const double done =
        static_cast<double>(progress_.claimed.load()) / static_cast<double>(std::max<uint64_t>(options_.items, 1));
    return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count() -
           static_cast<int64_t>(options_.history_seconds * std::max(1 - done, 0.0) * 1e9);
  }

  bool Over(SteadyClock::time_point start) {
    if (progress_.stop) return true;
    if (options_.seconds > 0) return SteadyClock::now() - start > std::chrono::duration<double>(options_.seconds);
    return progress_.claimed.load() >= options_.items;
  }

  // All requests of the group were sent: if one was refused, the run has failed anyway.
  void NoteNotable(const sightline::load::Group& group) {
    for (size_t i = 0; i < group.fails.size(); ++i) {
      const auto& trace = group.made[i];
      if (!group.fails[i] && trace.duration_nanos < kSlowNanosMin) continue;
      const std::string_view id(reinterpret_cast<const char*>(trace.id.data()), sizeof(trace.id));
      result.notable.push_back({Hex(id), group.fails[i]});
    }
  }

  void SendOne(const sightline::load::Group::Request& request, SteadyClock::time_point due) {
    progress_.claimed += request.items;
    for (int attempt = 0; attempt < 600; ++attempt) {
      const Answer answer = client_->Send(options_.signal, request.bytes);
      if (answer == Answer::kAccepted) {
        progress_.accepted += request.items;
        result.latencies_ms.push_back(std::chrono::duration<double, std::milli>(SteadyClock::now() - due).count());
        if (options_.ids_every > 0 && random_() % options_.ids_every == 0 && !request.places.empty()) {
          result.trace_ids.push_back(Hex(std::string_view(request.bytes).substr(request.places.front().offset, 16)));
        }
        return;
      }
      result.error = client_->error();
      if (answer == Answer::kFailed) break;
      ++progress_.pushed_back;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    ++progress_.failed_requests;
    progress_.stop = true;
  }

  const Options& options_;
  Progress& progress_;
  std::mt19937_64 random_;
  const uint32_t number_;
  std::vector<sightline::load::Group> groups_;
  std::unique_ptr<sightline::load::Client> client_;
};

double Quantile(const std::vector<double>& sorted, double q) {
  return sorted.empty()
             ? 0
             : sorted[std::min(sorted.size() - 1, static_cast<size_t>(q * static_cast<double>(sorted.size())))];
}

int Run(const Options& options) {
  Progress progress;
  std::vector<std::unique_ptr<Connection>> connections;
  for (uint32_t i = 0; i < options.connections; ++i)
    connections.push_back(std::make_unique<Connection>(options, progress, i));
  const Usage before = ReadUsage(options.pid);
  const SteadyClock::time_point start = SteadyClock::now();
  std::vector<std::thread> threads;
  for (auto& connection : connections) threads.emplace_back([&connection] { connection->Run(); });
  for (std::thread& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
  std::this_thread::sleep_for(std::chrono::duration<double>(options.settle_seconds));
  const Usage after = ReadUsage(options.pid);

  std::vector<double> latencies;
  std::string error;
  std::ofstream ids(options.ids_file), notable(options.notable_file);
  for (auto& connection : connections) {
    latencies.insert(latencies.end(), connection->result.latencies_ms.begin(), connection->result.latencies_ms.end());
    if (!connection->result.error.empty()) error = connection->result.error;
    for (const std::string& id : connection->result.trace_ids) ids << id << '\n';
    for (const Notable& trace : connection->result.notable)
      notable << trace.id << (trace.failed ? " failed\n" : " slow\n");
  }
  std::ranges::sort(latencies);
  const double cpu = after.cpu_seconds - before.cpu_seconds;
  const auto accepted = static_cast<double>(progress.accepted.load());
  std::string quoted_error;
  sightline::AppendJsonString(quoted_error, progress.failed_requests > 0 ? error : "");
  fmt::print(
      "{{\"signal\":\"{}\",\"protocol\":\"{}\",\"accepted\":{},\"seconds\":{:.3f},\"per_second\":{:.0f},\"pushed_"
      "back\":{},"
      "\"failed_requests\":{},\"p50_ms\":{:.2f},\"p99_ms\":{:.2f},\"server_cpu_seconds\":{:.2f},\"per_cpu_second\":{:."
      "0f},"
      "\"rss_peak_mb\":{},\"rss_mb\":{},\"anonymous_mb\":{},\"error\":{}}}\n",
      options.signal, options.protocol, progress.accepted.load(), seconds, accepted / seconds,
      progress.pushed_back.load(), progress.failed_requests.load(), Quantile(latencies, 0.5), Quantile(latencies, 0.99),
      cpu, cpu > 0 ? accepted / cpu : 0, after.rss_peak_bytes >> 20, after.rss_bytes >> 20, after.anonymous_bytes >> 20,
      quoted_error);
  return progress.accepted > 0 && progress.failed_requests == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("OTLP load generator");
  app.add_option("--protocol", options.protocol, "grpc or http")->check(CLI::IsMember({"grpc", "http"}));
  app.add_option("--address", options.address, "HOST:PORT");
  app.add_option("--signal", options.signal)->check(CLI::IsMember({"traces", "metrics", "logs"}));
  auto* items = app.add_option("--items", options.items, "spans, points or records to send");
  app.add_option("--seconds", options.seconds, "or for how long")->excludes(items);
  app.add_option("--rate", options.rate, "items a second over all connections; 0: as fast as accepted");
  app.add_option("--connections", options.connections, "one request outstanding on each");
  app.add_option("--per-request", options.per_request, "items a request (for traces a multiple of 8)");
  app.add_flag("--gzip", options.gzip);
  app.add_flag("--varied-bodies", options.varied_bodies, "log texts with numbers, ids, paths and addresses");
  app.add_option("--history", options.history_seconds, "with --items: times run from so many seconds ago to now");
  app.add_flag("--shuffled", options.shuffled, "spread each trace's spans over eight requests");
  app.add_option("--seed", options.seed);
  app.add_option("--pid", options.pid, "the server's process, to read its CPU and memory");
  app.add_option("--settle", options.settle_seconds, "seconds to wait before the last reading: deferred work counts");
  app.add_option("--ids-file", options.ids_file, "write trace ids that were accepted");
  app.add_option("--ids-every", options.ids_every, "one request in N gives an id");
  app.add_option("--notable-file", options.notable_file, "write the ids of traces that failed or took over a second");
  CLI11_PARSE(app, argc, argv);
  if (options.items == 0 && options.seconds == 0) options.items = 100'000;
  return Run(options);
}
