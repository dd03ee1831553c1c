// `sightline` as a program: its exit codes, and the commands about the configuration.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>

#include "base/version.h"
#include "cli/config_docs.h"

namespace sightline::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;

struct Done {
  int exit_code = -1;
  std::string output;  // stdout and stderr
};

Done RunProgram(const std::string& arguments, const std::string& variables = "") {
  const std::string command = variables + " '" SIGHTLINE_BIN_DIR "/sightline' " + arguments + " 2>&1";
  Done done;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return done;
  std::array<char, 4096> piece;
  for (size_t n; (n = std::fread(piece.data(), 1, piece.size(), pipe)) > 0;) done.output.append(piece.data(), n);
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) done.exit_code = WEXITSTATUS(status);
  return done;
}

class Program : public testing::Test {
 protected:
  ~Program() override { ::unlink(file.c_str()); }
  void Write(const std::string& text) { std::ofstream(file) << text; }
  std::string file = testing::TempDir() + "program_" + std::to_string(::getpid()) + ".yaml";
};

TEST_F(Program, WrongUseSaysWhatIsWrongAndWhereHelpIs) {
  struct Case {
    std::string arguments, expected;
  };
  const Case cases[] = {
      {"", "sightline: A subcommand is required\n  hint: sightline --help\n"},
      {"trcae",
       "sightline: there is no command trcae: serve gateway sql traces trace query tail export config are known\n  "
       "hint: sightline "
       "--help\n"},
      {"traces --limit 0", "sightline: --limit: Value 0 not in range 1 to 1000\n  hint: sightline traces --help\n"},
      {"trace", "sightline: id is required\n  hint: sightline trace --help\n"},
      {"sql", "sightline: text is required\n  hint: sightline sql --help\n"},
  };
  for (const Case& c : cases) {
    const Done done = RunProgram(c.arguments);
    EXPECT_EQ(done.exit_code, 2) << c.arguments;
    EXPECT_EQ(done.output, c.expected);
  }
}

TEST_F(Program, WithoutAServerEachCommandSaysWhereItLooked) {
  for (const std::string command : {"sql 'SELECT 1'", "traces", "trace 0123456789abcdef0123456789abcdef"}) {
    const Done done = RunProgram(command, "SIGHTLINE_SERVER=127.0.0.1:1");
    EXPECT_EQ(done.exit_code, 1) << command;
    EXPECT_THAT(done.output, AllOf(HasSubstr("sightline: no answer from http://127.0.0.1:1: "),
                                   HasSubstr("  hint: is `sightline serve` running there?")));
  }
}

TEST_F(Program, VariablesOfTheOtherCommandsDoNotStopTheServer) {
  const Done done = RunProgram("config show", "SIGHTLINE_SERVER=a:1 SIGHTLINE_LIBCHDB=/b SIGHTLINE_SHARED_DIR=/c");
  EXPECT_EQ(done.exit_code, 0) << done.output;
}

TEST_F(Program, PrintsVersionAndHelp) {
  const Done version = RunProgram("--version");
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_EQ(version.output, "sightline " + std::string(Version()) + "\n");
  const Done help = RunProgram("--help");
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.output, HasSubstr("config"));
  EXPECT_THAT(RunProgram("config show --help").output, AllOf(HasSubstr("--otlp-grpc"), HasSubstr("[127.0.0.1:4317]")));
}

TEST_F(Program, WrongUseIsExitCode2) {
  for (const std::string arguments : {"", "nosuch", "--nosuch", "config", "config check", "config show --nosuch",
                                      "config show --set nosuch", "config check a b"}) {
    const Done done = RunProgram(arguments);
    EXPECT_EQ(done.exit_code, 2) << arguments;
    EXPECT_NE(done.output, "") << arguments;
  }
}

TEST_F(Program, ConfigCheckPrintsOkOrEveryErrorWithItsLine) {
  Write("retention:\n  traces: 7d\ndurability: disk\n");
  const Done good = RunProgram("config check " + file);
  EXPECT_EQ(good.exit_code, 0);
  EXPECT_EQ(good.output, file + ": ok\n");

  Write("retention:\n  trace: 7d\ndurability: maybe\n");
  const Done bad = RunProgram("config check " + file);
  EXPECT_EQ(bad.exit_code, 2);
  EXPECT_EQ(bad.output, file + ":2:3: retention.trace: unknown key; the nearest known key is retention.traces\n" +
                            file + ":3:13: durability: expected process or disk, found \"maybe\"\n");

  EXPECT_EQ(RunProgram("config check /nowhere.yaml").exit_code, 2);
}

TEST_F(Program, ConfigCheckJudgesTheFileAlone) {
  Write("durability: disk\n");
  EXPECT_EQ(RunProgram("config check " + file, "SIGHTLINE_NOSUCH=1").exit_code, 0);
}

TEST_F(Program, ConfigShowPrintsWhatIsInEffectAndWhy) {
  Write("data_dir: /from-file\nhttp: {address: \"127.0.0.1:1\"}\nlog: {level: debug}\n");
  const Done shown = RunProgram("config show --config " + file + " --http 127.0.0.1:3 --set limits.connections_max=9",
                                "SIGHTLINE_HTTP_ADDRESS=127.0.0.1:2 SIGHTLINE_LOG_LEVEL=error");
  EXPECT_EQ(shown.exit_code, 0) << shown.output;
  EXPECT_THAT(shown.output,
              AllOf(HasSubstr("# Set by " + file + ":1:1; the default is ./data.\ndata_dir: /from-file\n"),
                    HasSubstr("# Set by --http; the default is 127.0.0.1:8080.\n  address: 127.0.0.1:3\n"),
                    HasSubstr("# Set by SIGHTLINE_LOG_LEVEL; the default is info.\n  level: error\n"),
                    HasSubstr("# Set by --set; the default is 1024.\n  connections_max: 9\n")));
  Write(shown.output);
  EXPECT_EQ(RunProgram("config check " + file).exit_code, 0);
}

TEST_F(Program, ConfigShowRefusesWhatServeWouldRefuse) {
  const Done variable = RunProgram("config show", "SIGHTLINE_NOSUCH=1");
  EXPECT_EQ(variable.exit_code, 2);
  EXPECT_THAT(variable.output, HasSubstr("SIGHTLINE_NOSUCH: unknown variable"));
  const Done policies =
      RunProgram("config show --set 'sampling.tail_sampling={policies: [{name: a, type: nonsense}]}'");
  EXPECT_EQ(policies.exit_code, 2);
  EXPECT_THAT(policies.output, HasSubstr("--set: sampling.tail_sampling: "));
}

TEST_F(Program, ConfigDocsPrintsOrWritesTheDocument) {
  EXPECT_EQ(RunProgram("config docs").output, ConfigurationMarkdown());
  EXPECT_EQ(RunProgram("config docs --output " + file).exit_code, 0);
  std::ifstream written(file);
  const std::string text{std::istreambuf_iterator<char>(written), std::istreambuf_iterator<char>()};
  EXPECT_EQ(text, ConfigurationMarkdown());
  EXPECT_EQ(RunProgram("config docs --output /nowhere/at/all.md").exit_code, 1);
}

}  // namespace
}  // namespace sightline::cli
