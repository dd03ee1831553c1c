// What it takes to read an SLO of 90 days, and to write a minute of it, by the traffic: the argument is events a
// minute. Half of the minutes have failures.
#include "slo/slo_reader.h"

#include <benchmark/benchmark.h>

#include <filesystem>

#include "base/clock.h"
#include "slo/budget.h"
#include "slo/rollups.h"

namespace sightline::slo {
namespace {

constexpr int64_t kNowMinute = 30'000'000, kMinutes = 92 * kDayMinutes;

class Filled {
 public:
  explicit Filled(double events) {
    std::string pattern = (std::filesystem::temp_directory_path() / "slo_bench_XXXXXX").string();
    SIGHTLINE_CHECK(mkdtemp(pattern.data()) != nullptr);
    directory_ = pattern;
    database_ = state::Database::Open(directory_ + "/state.sqlite").value();
    slos_ = std::make_unique<Slos>(*database_, "", clock_);
    rollups_ = std::make_unique<Rollups>(*database_);
    reader_ = std::make_unique<SloReader>(*slos_, *rollups_);
    slo_ = slos_
               ->Create(R"({"schema":1,"name":"shop","objective":0.999,"window":{"kind":"rolling","length":"90d"},)"
                        R"("sli":{"kind":"requests","service":"shop","good":"no_error"}})")
               .value();
    progress_.sli = slo_.document.sli_json;
    progress_.definition = slo_.document.json;
    progress_.begin_minute = kNowMinute - kMinutes;
    for (int64_t from = progress_.begin_minute; from < kNowMinute; from += kDayMinutes) {
      std::vector<Tally> day;
      for (int64_t minute = from; minute < from + kDayMinutes; ++minute) {
        const double bad = minute % 2 == 0 ? 0 : static_cast<double>(minute * 7919 % 100);
        day.push_back(
            {events + static_cast<double>(minute * 31 % 1000) - bad, events + static_cast<double>(minute * 31 % 1000)});
      }
      progress_.end_minute = from + kDayMinutes;
      SIGHTLINE_CHECK(rollups_->Write(slo_.id, from, day, progress_, {}).has_value());
    }
  }
  ~Filled() {
    database_.reset();
    std::filesystem::remove_all(directory_);
  }

  int64_t now() const { return kNowMinute * kMinuteNanos + 1; }
  uint64_t bytes() const {
    uint64_t bytes = 0;
    for (const auto& file : std::filesystem::directory_iterator(directory_)) bytes += file.file_size();
    return bytes;
  }

  FakeClock clock_{kNowMinute * kMinuteNanos};
  std::string directory_;
  std::unique_ptr<state::Database> database_;
  std::unique_ptr<Slos> slos_;
  std::unique_ptr<Rollups> rollups_;
  std::unique_ptr<SloReader> reader_;
  Slo slo_;
  SloProgress progress_;
};

void ReadStatus(benchmark::State& state) {
  Filled filled(static_cast<double>(state.range(0)));
  for (auto _ : state) {
    const auto status = filled.reader_->Status(filled.slo_, filled.now());
    SIGHTLINE_CHECK(status && status->measured && status->counted.total > 0);
  }
  state.counters["bytes_a_day"] = static_cast<double>(filled.bytes()) / 92;
}
BENCHMARK(ReadStatus)->Arg(10)->Arg(1000)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

// The chart of it all, in steps of 6 hours.
void ReadHistory(benchmark::State& state) {
  Filled filled(static_cast<double>(state.range(0)));
  for (auto _ : state) {
    const auto history = filled.reader_->History(filled.slo_, filled.now() - 90 * kDayMinutes * kMinuteNanos,
                                                 filled.now(), 6 * kHourSeconds);
    SIGHTLINE_CHECK(history && history->counted.size() >= 360);
  }
}
BENCHMARK(ReadHistory)->Arg(1000)->Unit(benchmark::kMillisecond);

// What an alert asks each minute: two windows of a tier.
void ReadBurnRates(benchmark::State& state) {
  Filled filled(1000);
  for (auto _ : state) {
    for (const int64_t seconds : {int64_t{300}, int64_t{3600}}) {
      SIGHTLINE_CHECK(filled.reader_->Burn(filled.slo_.id, seconds, filled.now())->measured);
    }
  }
}
BENCHMARK(ReadBurnRates)->Unit(benchmark::kMillisecond);

// The last 15 minutes and the current one, synced.
void WriteMinutes(benchmark::State& state) {
  Filled filled(1000);
  double events = 1;
  for (auto _ : state) {
    const std::vector<Tally> minutes(16, Tally{events, events + 1});
    events += 1;
    SIGHTLINE_CHECK(filled.rollups_->Write(filled.slo_.id, kNowMinute - 15, minutes, filled.progress_, {}).has_value());
  }
}
BENCHMARK(WriteMinutes)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sightline::slo
