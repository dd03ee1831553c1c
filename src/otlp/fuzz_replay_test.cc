// The fuzzers' seeds and every input that once broke something, and seeded mutations of recorded requests.
#include <gtest/gtest.h>

#include <random>

#include "otlp/testing/fuzz_bodies.h"
#include "otlp/testing/requests.h"
#include "otlp/testing/samples.h"

namespace sightline::otlp {
namespace {

using testing::FuzzJson;
using testing::FuzzProtobuf;
using testing::ReadFiles;
using testing::Sample;
using testing::SdkSamples;

void Fuzz(std::string_view fuzzer, std::string_view input) {
  if (fuzzer == "otlp_traces_fuzz") FuzzProtobuf(Signal::kTraces, input);
  if (fuzzer == "otlp_metrics_fuzz") FuzzProtobuf(Signal::kMetrics, input);
  if (fuzzer == "otlp_logs_fuzz") FuzzProtobuf(Signal::kLogs, input);
  if (fuzzer == "otlp_json_fuzz") FuzzJson(input);
}

constexpr std::string_view kFuzzers[] = {"otlp_traces_fuzz", "otlp_metrics_fuzz", "otlp_logs_fuzz", "otlp_json_fuzz"};

TEST(FuzzReplay, Regressions) {
  for (const std::string_view fuzzer : kFuzzers) {
    const auto files = ReadFiles(SIGHTLINE_SOURCE_DIR "/fuzz/regressions/" + std::string(fuzzer));
    EXPECT_FALSE(files.empty()) << fuzzer;
    for (const auto& [name, bytes] : files) {
      SCOPED_TRACE(name);
      Fuzz(fuzzer, bytes);
    }
  }
}

TEST(FuzzReplay, EverySeedInEveryFuzzer) {
  for (const auto& [name, bytes] : ReadFiles(testing::TestDataDirectory()))
    for (const std::string_view fuzzer : kFuzzers) Fuzz(fuzzer, bytes);
}

TEST(FuzzReplay, SdkRequestsAreAcceptedAndStored) {
  for (const Sample& sample : SdkSamples()) {
    SCOPED_TRACE(sample.file);
    if (sample.json) {
      FuzzJson(sample.bytes);
    } else {
      EXPECT_TRUE(FuzzProtobuf(sample.signal, sample.bytes));
    }
  }
}

std::string Mutate(std::string bytes, std::mt19937_64& random) {
  const int changes = 1 + static_cast<int>(random() % 4);
  for (int i = 0; i < changes && !bytes.empty(); ++i) {
    const size_t at = random() % bytes.size();
    switch (random() % 5) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
        break;
      case 2:
        bytes.erase(at, 1 + random() % 8);
        break;
      case 3:
        bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 32));
        break;
      default:
        bytes.resize(at);
        break;
    }
  }
  return bytes;
}

TEST(FuzzReplay, MutatedRequestsKeepThePromises) {
  std::mt19937_64 random(20261122);
  for (const Sample& sample : SdkSamples()) {
    if (sample.bytes.size() > 6000) continue;
    for (int i = 0; i < 60; ++i) {
      const std::string input = Mutate(sample.bytes, random);
      if (sample.json) {
        FuzzJson(input);
      } else {
        FuzzProtobuf(sample.signal, input);
      }
    }
  }
}

}  // namespace
}  // namespace sightline::otlp
