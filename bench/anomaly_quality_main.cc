// How well the anomaly model tells labelled series (src/alert/testing/labelled_series.h) from a seed, beside a plain
// z-score and STL, over a sweep of sensitivities: JSON, or the tables of docs/anomalies.md.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "alert/testing/labelled_series.h"
#include "anomaly/baselines.h"
#include "anomaly/nab.h"

namespace {

using sightline::alert::LabelledSeries;
using sightline::alert::Quality;
using sightline::alert::Scores;
using sightline::alert::Tally;

constexpr std::array kSensitivities = {2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0};
const std::string kAll = "all";

struct Detector {
  std::string name;
  std::function<Scores(const LabelledSeries&)> score;
};

// By detector, family ("all": every one) and sensitivity.
using Results = std::vector<std::map<std::string, std::map<double, Quality>>>;

void Add(const LabelledSeries& series, const Scores& scores, std::map<std::string, std::map<double, Quality>>& result) {
  for (const double sensitivity : kSensitivities) {
    const Quality quality = QualityOf(series, scores, sensitivity);
    for (const std::string& family : {series.family, kAll}) {
      Quality& sum = result[family][sensitivity];
      sum.points += quality.points, sum.events += quality.events, sum.judged_steps += quality.judged_steps;
    }
  }
}

double Best(const std::map<double, Quality>& by_sensitivity) {
  double best = kSensitivities.front();
  for (const auto& [sensitivity, quality] : by_sensitivity) {
    if (quality.events.f1() > by_sensitivity.at(best).events.f1()) best = sensitivity;
  }
  return best;
}

double FalseAlarmsOfWeek(const Quality& quality) {
  return static_cast<double>(quality.events.wrong) * 7 * 288 / static_cast<double>(quality.judged_steps);
}

void PrintTables(const std::vector<Detector>& detectors, const Results& results) {
  fmt::print(
      "| detector | sensitivity | point precision | recall | F1 | event precision | recall | F1 | false alarms a week "
      "|\n");
  fmt::print("|---|---|---|---|---|---|---|---|---|\n");
  for (size_t i = 0; i < detectors.size(); ++i) {
    for (const auto& [sensitivity, quality] : results[i].at(kAll)) {
      const auto& [points, events, steps] = quality;
      fmt::print("| {} | {} | {:.3f} | {:.3f} | {:.3f} | {:.3f} | {:.3f} | {:.3f} | {:.2f} |\n", detectors[i].name,
                 sensitivity, points.precision(), points.recall(), points.f1(), events.precision(), events.recall(),
                 events.f1(), FalseAlarmsOfWeek(quality));
    }
  }
  fmt::print("\n| family |");
  for (const Detector& detector : detectors) fmt::print(" {} |", detector.name);
  fmt::print("\n|---|");
  for (size_t i = 0; i < detectors.size(); ++i) fmt::print("---|");
  fmt::print("\n");
  for (const auto& [family, by_sensitivity] : results[0]) {
    fmt::print("| {} |", family);
    for (size_t i = 0; i < detectors.size(); ++i) {
      // Each detector with the sensitivity that is best for it over all families.
      const Quality& quality = results[i].at(family).at(Best(results[i].at(kAll)));
      fmt::print(" {:.2f} ({:.2f}, {:.2f}) |", quality.events.f1(), quality.events.precision(),
                 quality.events.recall());
    }
    fmt::print("\n");
  }
}

std::string Json(const Tally& tally) {
  return fmt::format(R"({{"precision":{:.4f},"recall":{:.4f},"f1":{:.4f},"right":{},"wrong":{},"missed":{}}})",
                     tally.precision(), tally.recall(), tally.f1(), tally.right, tally.wrong, tally.missed);
}

void PrintJson(const std::vector<Detector>& detectors, const Results& results) {
  for (size_t i = 0; i < detectors.size(); ++i) {
    for (const auto& [family, by_sensitivity] : results[i]) {
      for (const auto& [sensitivity, quality] : by_sensitivity) {
        fmt::print(
            R"({{"detector":"{}","family":"{}","sensitivity":{},"points":{},"events":{},"false_alarms_a_week":{:.3f}}})",
            detectors[i].name, family, sensitivity, Json(quality.points), Json(quality.events),
            FalseAlarmsOfWeek(quality));
        fmt::print("\n");
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Quality of anomaly detection on labelled series"};
  uint64_t seed = 1;
  size_t of_each_family = 20, refit_steps = sightline::alert::kStepsOfHour;
  bool as_json = false, only_model = false;
  app.add_option("--seed", seed, "of the series");
  app.add_option("--of-each-family", of_each_family, "series");
  app.add_option("--refit-steps", refit_steps, "between fits: of 5 minutes each");
  app.add_flag("--json", as_json, "a line for each detector, family and sensitivity, in place of tables");
  app.add_flag("--only-model", only_model, "without those it is compared with");
  std::string nab;
  app.add_option("--nab", nab, "a copy of github.com/numenta/NAB, in place of series from a seed");
  CLI11_PARSE(app, argc, argv);

  std::vector<Detector> detectors = {
      {"model", [&](const LabelledSeries& series) { return ModelScores(series, refit_steps); }}};
  if (!only_model) {
    detectors.push_back({"z-score", sightline::bench::ZScores});
    detectors.push_back(
        {"STL", [&](const LabelledSeries& series) { return sightline::bench::StlScores(series, refit_steps); }});
    detectors.push_back({"STL with hindsight", sightline::bench::StlHindsightScores});
  }
  std::vector<LabelledSeries> all;
  if (nab.empty()) {
    all = sightline::alert::MakeLabelledSeries(seed, of_each_family);
  } else {
    auto read = sightline::bench::ReadNab(nab);
    if (!read) {
      fmt::print(stderr, "{}\n", read.error().message);
      return 1;
    }
    all = *std::move(read);
  }
  Results results(detectors.size());
  for (const LabelledSeries& series : all) {
    for (size_t i = 0; i < detectors.size(); ++i) Add(series, detectors[i].score(series), results[i]);
  }
  as_json ? PrintJson(detectors, results) : PrintTables(detectors, results);
  return 0;
}
