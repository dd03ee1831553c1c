// traffic: people who search, at a rate, and say what they think of the answers.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <thread>

#include "demo/common/program.h"
#include "demo/traffic/traffic.h"

namespace {

std::string ScenarioHelp() {
  std::string help = "What goes on:";
  for (const auto& scenario : demo::traffic::Scenarios())
    help += fmt::format("\n  {}: {}", scenario.name, scenario.what);
  return help;
}

int Run(const demo::traffic::TrafficOptions& options) {
  demo::StopSignal signal;
  std::atomic<bool> stop = false, done = false;
  std::jthread watch([&] {
    while (!done && !stop) stop = signal.WaitFor(0.1);
  });
  const auto report = demo::traffic::RunTraffic(options, stop);
  done = true;
  if (!report) {
    fmt::print(stderr, "traffic: {}\n", report.error().message);
    return 1;
  }
  fmt::print("{}\n", report->ToJson());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Sends searches and feedback to the recommender, and prints a report as JSON at its end");
  demo::traffic::TrafficOptions options;
  std::string scenario = "normal";
  bool no_feedback = false;
  app.add_option("--target", options.target, "The recommender")->capture_default_str();
  app.add_option("--scenario", scenario, ScenarioHelp())->capture_default_str();
  app.add_option("--rate", options.rate, "Searches a second")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--seconds", options.seconds, "0: until it is stopped")->check(CLI::NonNegativeNumber);
  app.add_option("--seed", options.seed, "The same seed makes the same searches")->capture_default_str();
  app.add_option("--users", options.users, "Who search")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_flag("--no-feedback", no_feedback, "Only searches");
  CLI11_PARSE(app, argc, argv);
  const auto* found = demo::traffic::FindScenario(scenario);
  if (found == nullptr) {
    fmt::print(stderr, "traffic: there is no scenario {}\n", scenario);
    return 2;
  }
  options.scenario = *found;
  options.feedback = !no_feedback;
  return Run(options);
}
