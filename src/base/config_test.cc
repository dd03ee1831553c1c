#include "base/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>

namespace sightline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

enum class Mode : uint8_t { kFast, kSafe };

struct Settings {
  std::string data_dir = "./data";
  std::string url;
  Mode mode = Mode::kFast;
  bool verbose = false;
  uint32_t items_max = 10;
  uint64_t disk_bytes_min = 1 << 30;
  int64_t keep_nanos = 86'400'000'000'000;
  std::vector<std::string> hosts;
  std::optional<YamlNode> policies;
};

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() {
    schema.Section("limits", "What one request may be.");
    schema.Text("data_dir", settings.data_dir, "Where data is kept.");
    schema.Text("store.url", settings.url, "A server.", {.hides_password = true});
    schema.Choice<Mode>("mode", settings.mode, "How careful.", {{"fast", Mode::kFast}, {"safe", Mode::kSafe}});
    schema.Bool("log.verbose", settings.verbose, "More words.");
    schema.Number<uint32_t>("limits.items_max", settings.items_max, "Items a request.", 1, 1000);
    schema.Bytes("limits.disk_bytes_min", settings.disk_bytes_min, "Room to keep.");
    schema.Duration("retention.traces", settings.keep_nanos, "How long.",
                    {.min_nanos = 1'000'000'000, .may_be_forever = true});
    schema.Texts("http.hosts", settings.hosts, "Names.");
    schema.Tree("sampling.policies", settings.policies, "Read elsewhere.");
  }
  ~ConfigTest() override { ::unlink(file.c_str()); }

  void Write(const std::string& text) { std::ofstream(file) << text; }

  // The problems as text, with the file's name shortened.
  std::vector<std::string> Load(std::vector<std::string> environment = {},
                                std::vector<ConfigSources::Flag> flags = {}) {
    std::vector<std::string> out;
    const bool written = ::access(file.c_str(), F_OK) == 0;
    for (const ConfigProblem& problem : schema.Load({written ? file : "", std::move(environment), std::move(flags)})) {
      std::string text = problem.Text();
      if (text.starts_with(file)) text.replace(0, file.size(), "FILE");
      out.push_back(std::move(text));
    }
    return out;
  }
  std::vector<std::string> LoadFile(const std::string& text) {
    Write(text);
    return Load();
  }

  Settings settings;
  ConfigSchema schema{"APP_"};
  std::string file = testing::TempDir() + "config_test_" + std::to_string(::getpid()) + ".yaml";
};

TEST_F(ConfigTest, NothingGivenLeavesTheDefaults) {
  EXPECT_THAT(Load(), IsEmpty());
  EXPECT_EQ(settings.data_dir, "./data");
  EXPECT_EQ(schema.Find("data_dir")->source, "");
}

TEST_F(ConfigTest, ReadsEveryTypeFromAFile) {
  EXPECT_THAT(LoadFile(R"(
data_dir: "/var/lib/x"
store: {url: http://localhost:8123}
mode: safe
log:
  verbose: true
limits:
  items_max: 25
  disk_bytes_min: 64MiB
retention:
  traces: 1h30m
http:
  hosts: [a.example, b.example]
sampling:
  policies: {errors: {keep: all}}
)"),
              IsEmpty());
  EXPECT_EQ(settings.data_dir, "/var/lib/x");
  EXPECT_EQ(settings.url, "http://localhost:8123");
  EXPECT_EQ(settings.mode, Mode::kSafe);
  EXPECT_TRUE(settings.verbose);
  EXPECT_EQ(settings.items_max, 25u);
  EXPECT_EQ(settings.disk_bytes_min, 64u << 20);
  EXPECT_EQ(settings.keep_nanos, 5'400'000'000'000);
  EXPECT_THAT(settings.hosts, ElementsAre("a.example", "b.example"));
  ASSERT_TRUE(settings.policies.has_value());
  EXPECT_EQ(YamlFlow(*settings.policies), "{errors: {keep: all}}");
  EXPECT_EQ(settings.policies->Find("errors")->key_line, 15) << "a tree keeps its places";
}

TEST_F(ConfigTest, EnvironmentBeatsFileAndFlagBeatsBoth) {
  Write("data_dir: from-file\nmode: safe\nlimits: {items_max: 1}\n");
  EXPECT_THAT(
      Load({"APP_MODE=fast", "APP_LIMITS_ITEMS_MAX=2", "PATH=/bin"}, {{"--items-max", "limits.items_max", "3"}}),
      IsEmpty());
  EXPECT_EQ(settings.data_dir, "from-file");
  EXPECT_EQ(settings.mode, Mode::kFast);
  EXPECT_EQ(settings.items_max, 3u);
  EXPECT_EQ(schema.Find("data_dir")->source, file + ":1:1");
  EXPECT_EQ(schema.Find("mode")->source, "APP_MODE");
  EXPECT_EQ(schema.Find("limits.items_max")->source, "--items-max");
}

TEST_F(ConfigTest, ListsAndTreesComeFromVariablesToo) {
  EXPECT_THAT(Load({"APP_HTTP_HOSTS=a,b", "APP_SAMPLING_POLICIES={x: [1]}"}), IsEmpty());
  EXPECT_THAT(settings.hosts, ElementsAre("a", "b"));
  EXPECT_EQ(YamlFlow(settings.policies.value()), "{x: [1]}");
  EXPECT_THAT(Load({"APP_HTTP_HOSTS=[\"c,d\"]"}), IsEmpty());
  EXPECT_THAT(settings.hosts, ElementsAre("c,d"));
  EXPECT_THAT(Load({"APP_HTTP_HOSTS="}), IsEmpty());
  EXPECT_THAT(settings.hosts, IsEmpty());
}

TEST_F(ConfigTest, UnknownKeyNamesItsPlaceAndTheNearestKey) {
  EXPECT_THAT(LoadFile("data_dir: x\nlimits:\n  item_max: 5\n  nothing_like_it: 1\n"),
              ElementsAre("FILE:3:3: limits.item_max: unknown key; the nearest known key is limits.items_max",
                          "FILE:4:3: limits.nothing_like_it: unknown key"));
}

TEST_F(ConfigTest, KeyInTheWrongSectionIsFoundByItsLastWord) {
  EXPECT_THAT(LoadFile("items_max: 5\nretentions: {traces: 1d}\n"),
              ElementsAre("FILE:1:1: items_max: unknown key; the nearest known key is limits.items_max",
                          "FILE:2:1: retentions: unknown key; the nearest known key is retention.traces"));
  EXPECT_EQ(schema.Nearest("retention.trace"), "retention.traces");
  EXPECT_EQ(schema.Nearest("http.data-dir"), "data_dir");
}

TEST_F(ConfigTest, WrongTypesNameWhatWasExpected) {
  EXPECT_THAT(
      LoadFile(R"(data_dir: [x]
mode: sloppy
log: {verbose: yes}
limits:
  items_max: many
  disk_bytes_min: 5 parsecs
retention: {traces: 30}
http: {hosts: a}
)"),
      ElementsAre("FILE:1:11: data_dir: expected text, found a list",
                  "FILE:2:7: mode: expected fast or safe, found \"sloppy\"",
                  "FILE:3:16: log.verbose: expected true or false, found \"yes\"",
                  "FILE:5:14: limits.items_max: expected a whole number, found \"many\"",
                  "FILE:6:19: limits.disk_bytes_min: \"5 parsecs\" is not a size such as 64MiB, 4GB or a plain number "
                  "of bytes",
                  "FILE:7:21: retention.traces: \"30\" is not a duration such as 500ms, 1h30m, 30d or forever",
                  "FILE:8:15: http.hosts: expected a list of texts, found \"a\""));
  EXPECT_EQ(settings.items_max, 10u);
}

TEST_F(ConfigTest, RangesHold) {
  EXPECT_THAT(LoadFile("limits: {items_max: 1001}"),
              ElementsAre("FILE:1:21: limits.items_max: must be at most 1000, not 1001"));
  EXPECT_THAT(LoadFile("limits: {items_max: 0}"),
              ElementsAre("FILE:1:21: limits.items_max: must be at least 1, not 0"));
  EXPECT_THAT(LoadFile("limits: {items_max: -1}"),
              ElementsAre("FILE:1:21: limits.items_max: expected a whole number, found \"-1\""));
  EXPECT_THAT(LoadFile("retention: {traces: 10ms}"),
              ElementsAre("FILE:1:21: retention.traces: must be at least 1s, not 10ms"));
  EXPECT_THAT(LoadFile("retention: {traces: forever}"), IsEmpty());
  EXPECT_EQ(settings.keep_nanos, kForeverNanos);
}

TEST_F(ConfigTest, SectionMayBeEmptyButNotAValue) {
  EXPECT_THAT(LoadFile("limits:\nlog: {}\n"), IsEmpty());
  EXPECT_THAT(LoadFile("limits: 5\n"), ElementsAre("FILE:1:9: limits: expected a map of keys, found \"5\""));
  EXPECT_THAT(LoadFile("mode:\n"), ElementsAre("FILE:1:1: mode: has no value"));
  EXPECT_THAT(LoadFile("- a\n"), ElementsAre("FILE:1:1: expected a map of keys, found a list"));
  EXPECT_THAT(LoadFile(""), IsEmpty());
}

TEST_F(ConfigTest, BrokenFilesNameTheLine) {
  EXPECT_THAT(LoadFile("mode: fast\nlimits: [1,\n"), ElementsAre(testing::StartsWith("FILE:3:1: not valid YAML")));
  EXPECT_THAT(LoadFile("mode: fast\nmode: safe\n"), ElementsAre("FILE:2:1: the key \"mode\" is given twice"));
  ::unlink(file.c_str());
  const std::vector<ConfigProblem> problems = schema.Load({.file = file, .environment = {}, .flags = {}});
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].Text(), file + ": cannot be read: No such file or directory");
  EXPECT_EQ(schema.Load({.file = "/", .environment = {}, .flags = {}}).at(0).Text(),
            "/: cannot be read: Is a directory");
}

TEST_F(ConfigTest, UnknownVariableIsAProblemUnlessItIsForTests) {
  EXPECT_THAT(Load({"APP_MOD=fast", "APP_SOMETHING_ELSE=1", "APP_TEST_FAULT=x", "OTHER=1"}),
              ElementsAre("APP_MOD: unknown variable; the nearest known one is APP_MODE",
                          "APP_SOMETHING_ELSE: unknown variable"));
}

TEST_F(ConfigTest, WrongVariableAndFlagValuesNameTheirSource) {
  EXPECT_THAT(
      Load({"APP_MODE=x", "APP_SAMPLING_POLICIES=[1"}, {{"--set", "limits.item_max", "1"}, {"--mode", "mode", ""}}),
      ElementsAre("APP_MODE: mode: expected fast or safe, found \"x\"",
                  HasSubstr("APP_SAMPLING_POLICIES: sampling.policies: not valid YAML"),
                  "--set: limits.item_max: unknown key; the nearest known key is limits.items_max",
                  "--mode: mode: expected fast or safe, found \"\""));
}

TEST_F(ConfigTest, CheckOfATextKeyIsAProblemAtItsPlace) {
  std::string name = "a";
  schema.Text("name", name, "One letter.", {.check = [](const std::string& value) -> Result<void> {
                if (value.size() != 1) return Fail(Code::kInvalidArgument, "\"{}\" is not one letter", value);
                return {};
              }});
  EXPECT_THAT(LoadFile("name: abc\n"), ElementsAre("FILE:1:7: name: \"abc\" is not one letter"));
  EXPECT_EQ(name, "a");
}

TEST_F(ConfigTest, ShownYamlExplainsValuesAndLoadsBack) {
  Write("mode: safe\nlimits: {items_max: 25}\nhttp: {hosts: [\"a: b\", c]}\nsampling: {policies: [1, {a: b}]}\n");
  EXPECT_THAT(Load({"APP_RETENTION_TRACES=2d"}), IsEmpty());
  const std::string shown = schema.ShowYaml();
  EXPECT_THAT(shown, HasSubstr("# What one request may be.\nlimits:\n  # Items a request.\n"
                               "  # Set by " +
                               file + ":2:10; the default is 10.\n  items_max: 25\n"));
  EXPECT_THAT(shown, testing::StartsWith("# Where data is kept.\ndata_dir: ./data\n\n"));
  EXPECT_THAT(shown, HasSubstr("# Set by APP_RETENTION_TRACES; the default is 1d.\n  traces: 2d\n"));

  settings = {};
  EXPECT_THAT(LoadFile(shown), IsEmpty());
  EXPECT_EQ(settings.mode, Mode::kSafe);
  EXPECT_EQ(settings.items_max, 25u);
  EXPECT_EQ(settings.keep_nanos, 172'800'000'000'000);
  EXPECT_THAT(settings.hosts, ElementsAre("a: b", "c"));
  EXPECT_EQ(YamlFlow(settings.policies.value()), "[1, {a: b}]");
}

TEST_F(ConfigTest, ShownYamlCommentsOutATreeThatIsNotThere) {
  EXPECT_THAT(schema.ShowYaml(), HasSubstr("  # Read elsewhere.\n  # policies:\n"));
  EXPECT_THAT(LoadFile(schema.ShowYaml()), IsEmpty());
  EXPECT_FALSE(settings.policies.has_value());
}

TEST_F(ConfigTest, ShownYamlHidesPasswords) {
  EXPECT_THAT(Load({"APP_STORE_URL=http://user:se@cret@host:8123/db?x=a@b"}), IsEmpty());
  EXPECT_THAT(schema.ShowYaml(), testing::Not(HasSubstr("cret")));
  EXPECT_THAT(schema.ShowYaml(), HasSubstr("http://user:***@host:8123/db?x=a@b"));
  EXPECT_THAT(Load({"APP_STORE_URL=http://host:8123/a@b"}), IsEmpty());
  EXPECT_THAT(schema.ShowYaml(), HasSubstr("http://host:8123/a@b"));
}

TEST(ConfigSchemaDeathTest, TwoKeysWithOneVariableAreABug) {
  ConfigSchema schema("APP_");
  bool a = false, b = false;
  schema.Bool("x.y_z", a, "");
  EXPECT_DEATH(schema.Bool("x_y.z", b, ""), "check failed");
}

}  // namespace
}  // namespace sightline
