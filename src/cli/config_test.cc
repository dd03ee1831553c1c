#include "cli/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "base/units.h"
#include "cli/config_docs.h"

namespace sightline::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ServeConfig : public testing::Test {
 protected:
  ~ServeConfig() override { ::unlink(file.c_str()); }

  // Loads into `config` anew; problems as text, the file's name shortened to FILE.
  std::vector<std::string> Load(const std::string& yaml, std::vector<std::string> environment = {},
                                std::vector<ConfigSources::Flag> flags = {}) {
    std::ofstream(file) << yaml;
    config = Config();
    std::vector<std::string> out;
    for (const ConfigProblem& problem : LoadConfig({file, std::move(environment), std::move(flags)}, config)) {
      std::string text = problem.Text();
      if (text.starts_with(file)) text.replace(0, file.size(), "FILE");
      out.push_back(std::move(text));
    }
    return out;
  }

  Config config;
  std::string file = testing::TempDir() + "serve_config_" + std::to_string(::getpid()) + ".yaml";
};

TEST_F(ServeConfig, DefaultsAreTheDocumentedOnes) {
  EXPECT_THAT(Load(""), IsEmpty());
  EXPECT_EQ(config.data_dir, "./data");
  EXPECT_EQ(config.otlp.grpc, "127.0.0.1:4317");
  EXPECT_EQ(config.otlp.http, "127.0.0.1:4318");
  EXPECT_EQ(config.http.address, "127.0.0.1:8080");
  EXPECT_EQ(config.clickhouse.url, "");
  EXPECT_EQ(PrintDuration(config.retention.traces_nanos), "30d");
  EXPECT_EQ(PrintDuration(config.retention.logs_nanos), "30d");
  EXPECT_EQ(PrintDuration(config.retention.metrics_nanos), "90d");
  EXPECT_EQ(config.durability, journal::Durability::kProcess);
  EXPECT_EQ(PrintBytes(config.limits.disk_free_bytes_min), "1GiB");
  EXPECT_EQ(config.store.hot_attributes.size(), otlp::DefaultHotAttributes().size());
}

TEST_F(ServeConfig, FileThenEnvironmentThenFlag) {
  const std::string yaml = "data_dir: from-file\nlog: {level: debug}\nlimits: {connections_max: 5}\n";
  EXPECT_THAT(Load(yaml, {"SIGHTLINE_LOG_LEVEL=warning", "SIGHTLINE_LIMITS_CONNECTIONS_MAX=6"},
                   {{"--set", "limits.connections_max", "7"}}),
              IsEmpty());
  EXPECT_EQ(config.data_dir, "from-file");
  EXPECT_EQ(config.log.level, LogLevel::kWarning);
  EXPECT_EQ(config.limits.connections_max, 7u);
}

TEST_F(ServeConfig, EveryKeyHasItsVariable) {
  ConfigSchema schema = MakeConfigSchema();
  Config bound;
  BindConfig(schema, bound);
  EXPECT_EQ(schema.VariableName("limits.disk_free_bytes_min"), "SIGHTLINE_LIMITS_DISK_FREE_BYTES_MIN");
  EXPECT_THAT(Load("", {"SIGHTLINE_LIMITS_DISK_FREE_BYTES_MIN=2GiB", "SIGHTLINE_TEST_FAULT=a=kill"}), IsEmpty());
  EXPECT_EQ(config.limits.disk_free_bytes_min, 2ULL << 30);
  EXPECT_THAT(Load("", {"SIGHTLINE_DATADIR=x"}),
              ElementsAre("SIGHTLINE_DATADIR: unknown variable; the nearest known one is SIGHTLINE_DATA_DIR"));
}

TEST_F(ServeConfig, UnknownKeyNamesLineAndNearestKey) {
  EXPECT_THAT(Load("retention:\n  traces: 7d\n  lgos: 1d\n"),
              ElementsAre("FILE:3:3: retention.lgos: unknown key; the nearest known key is retention.logs"));
  EXPECT_THAT(Load("limits:\n  recv_mesage_bytes_max: 1MiB\n"),
              ElementsAre("FILE:2:3: limits.recv_mesage_bytes_max: unknown key; the nearest known key is "
                          "limits.recv_message_bytes_max"));
}

TEST_F(ServeConfig, WrongValuesNameLineAndWhatWasExpected) {
  EXPECT_THAT(Load("durability: sometimes\n"),
              ElementsAre("FILE:1:13: durability: expected process or disk, found \"sometimes\""));
  EXPECT_THAT(Load("\n\nretention:\n  traces: soon\n"),
              ElementsAre(HasSubstr("FILE:4:11: retention.traces: \"soon\"")));
  EXPECT_THAT(Load("otlp:\n  grpc: 4317\n"), ElementsAre(HasSubstr("FILE:2:9: otlp.grpc: address \"4317\"")));
  EXPECT_THAT(Load("clickhouse: {url: \"localhost:8123\"}\n"), ElementsAre(HasSubstr("FILE:1:19: clickhouse.url")));
  EXPECT_THAT(Load("http: {allowed_origins: [\"https://ok.example\", shop.example]}\n"),
              ElementsAre(HasSubstr("http.allowed_origins: \"shop.example\" is neither")));
}

TEST_F(ServeConfig, RetentionMayBeForever) {
  EXPECT_THAT(Load("retention: {traces: forever, logs: 36h}\n"), IsEmpty());
  EXPECT_EQ(config.retention.traces_nanos, kForeverNanos);
  EXPECT_EQ(config.retention.logs_nanos, 36 * 3600 * kSecondNanos);
}

TEST_F(ServeConfig, HotAttributesReplaceTheDefaultList) {
  EXPECT_THAT(Load(R"(store:
  hot_attributes:
    - key: shop.id
    - {key: cart.items, type: int}
    - {key: query, high_cardinality: true}
)"),
              IsEmpty());
  ASSERT_EQ(config.store.hot_attributes.size(), 3u);
  EXPECT_EQ(config.store.hot_attributes[0].key, "shop.id");
  EXPECT_EQ(config.store.hot_attributes[0].type, otlp::HotAttribute::Type::kString);
  EXPECT_EQ(config.store.hot_attributes[1].type, otlp::HotAttribute::Type::kInt);
  EXPECT_FALSE(config.store.hot_attributes[1].high_cardinality);
  EXPECT_TRUE(config.store.hot_attributes[2].high_cardinality);
  EXPECT_THAT(Load("", {"SIGHTLINE_STORE_HOT_ATTRIBUTES=[{key: a}]"}), IsEmpty());
  EXPECT_EQ(config.store.hot_attributes.at(0).key, "a");
}

TEST_F(ServeConfig, WrongHotAttributesNameTheirPlace) {
  const struct {
    std::string yaml, problem;
  } cases[] = {
      {"a", "FILE:3:5: store.hot_attributes: expected a list, found \"a\""},
      {"- a", "FILE:3:7: store.hot_attributes: expected a map {key, type, high_cardinality}, found \"a\""},
      {"- {type: int}", "FILE:3:7: store.hot_attributes: has no key"},
      {"- {key: a, type: text}",
       "FILE:3:22: store.hot_attributes: type: expected string, int, double or bool, found \"text\""},
      {"- {key: a, high_cardinality: much}",
       "FILE:3:34: store.hot_attributes: high_cardinality: expected true or false, found \"much\""},
      {"- {key: a, kind: int}",
       "FILE:3:16: store.hot_attributes: unknown field \"kind\"; known are key, type and high_cardinality"},
      {"- {key: \"a b\"}",
       "FILE:3:13: store.hot_attributes: key: \"a b\" is not an attribute key of 1 to 200 printable "
       "characters"},
      {"[{key: a}, {key: a}]", "FILE:3:16: store.hot_attributes: a is given twice"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(Load("store:\n  hot_attributes:\n    " + c.yaml + "\n"), ElementsAre(c.problem)) << c.yaml;
  }
}

TEST_F(ServeConfig, TailSamplingIsCompiledAndItsFaultsAreProblems) {
  EXPECT_THAT(Load("sampling:\n  tail_sampling:\n    policies:\n      - {name: a, type: nonsense}\n"),
              ElementsAre(AllOf(HasSubstr("sampling.tail_sampling: line 4: "), HasSubstr("nonsense"))));
  EXPECT_THAT(Load("sampling: {tail_sampling: {policies: [{name: all, type: always_sample}]}}\n"), IsEmpty());
  EXPECT_EQ(CompilePolicies(config).value()->policies().size(), 1u);
  EXPECT_THAT(Load("sampling: {}\n"), IsEmpty());
  EXPECT_EQ(CompilePolicies(config).value(), nullptr);
  EXPECT_THAT(Load("sampling: {head_sampling: 1}\n"), ElementsAre(HasSubstr("unknown key")));
}

TEST_F(ServeConfig, ServicesHaveApdexThresholdsOfTheirOwn) {
  EXPECT_THAT(Load("services: {apdex_threshold: 1s, apdex_thresholds: [{service: pay, threshold: 200ms}]}\n"),
              IsEmpty());
  EXPECT_EQ(config.services.apdex_threshold_nanos, kSecondNanos);
  ASSERT_EQ(config.services.apdex_thresholds.size(), 1u);
  EXPECT_EQ(config.services.apdex_thresholds[0].key, "pay");
  EXPECT_EQ(config.services.apdex_thresholds[0].nanos, 200'000'000);
  const std::pair<std::string, std::string> faults[] = {
      {"service: pay", "has no threshold"},
      {"threshold: 1s", "has no service"},
      {"service: pay, threshold: 0s", "must be more than 0"},
      {"service: pay, threshold: soon", "soon"},
      {"service: pay, threshold: 1s, unit: s", "unknown field"},
      {"service: pay, threshold: 1s}, {service: pay, threshold: 2s", "pay is given twice"}};
  for (const auto& [yaml, fault] : faults) {
    EXPECT_THAT(Load("services: {apdex_thresholds: [{" + yaml + "}]}\n"),
                ElementsAre(AllOf(HasSubstr("services.apdex_thresholds"), HasSubstr(fault))));
  }
}

TEST_F(ServeConfig, LimitsThatCannotBeTogetherAreRefused) {
  EXPECT_THAT(Load("limits:\n  memory_bytes_max: 32MiB\n  recv_decompressed_bytes_max: 16MiB\n"),
              ElementsAre("FILE:2:3: limits.memory_bytes_max: limits.recv_message_bytes_max (64MiB) must not be more "
                          "than limits.memory_bytes_max (32MiB)"));
  EXPECT_THAT(Load("journal: {segment_bytes_max: 2GiB, bytes_max: 1GiB}\n"),
              ElementsAre(HasSubstr("FILE:1:11: journal.segment_bytes_max: ")));
  EXPECT_THAT(Load("limits: {query_memory_bytes_max: 2GB}\n"),
              ElementsAre(HasSubstr("must not be more than clickhouse.memory_bytes_max (1500MB)")));
  EXPECT_THAT(Load("limits: {query_memory_bytes_max: 2GB}\nclickhouse: {url: \"http://a:8123\"}\n"), IsEmpty());
}

TEST_F(ServeConfig, ShownConfigurationLoadsBackUnchanged) {
  Config first;
  ConfigSchema schema = MakeConfigSchema();
  BindConfig(schema, first);
  first.store.hot_attributes = {{"a.b", otlp::HotAttribute::Type::kBool, true}, {"c"}};
  first.retention.logs_nanos = kForeverNanos;
  first.http.allowed_hosts = {"*", "a:1"};
  first.services.apdex_thresholds = {{"a: b", 1'500'000}};
  const std::string shown = schema.ShowYaml();
  EXPECT_THAT(Load(shown), IsEmpty());
  ConfigSchema again = MakeConfigSchema();
  BindConfig(again, config);
  EXPECT_EQ(again.ShowYaml(), shown);
  EXPECT_TRUE(config.store.hot_attributes.at(0).high_cardinality);
}

TEST(ConfigurationDocs, FileIsUpToDate) {
  const std::string path = SIGHTLINE_SOURCE_DIR "/docs/configuration.md";
  std::ifstream file(path, std::ios::binary);
  ASSERT_TRUE(file) << path;
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), ConfigurationMarkdown()) << "run: sightline config docs --output docs/configuration.md";
}

TEST(ConfigurationDocs, EveryKeyHasAMeaningAndItsSectionADoc) {
  Config config;
  ConfigSchema schema = MakeConfigSchema();
  BindConfig(schema, config);
  for (const ConfigKey& key : schema.keys()) {
    EXPECT_TRUE(key.doc.ends_with('.')) << key.path;
    EXPECT_THAT(ConfigurationMarkdown(), HasSubstr("| `" + key.path + "` |"));
    const size_t dot = key.path.find('.');
    if (dot == std::string::npos) continue;
    EXPECT_THAT(schema.sections(), testing::Contains(testing::Key(key.path.substr(0, dot))));
  }
}

}  // namespace
}  // namespace sightline::cli
