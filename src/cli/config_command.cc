// `sightline config check | show | docs`.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/config.h"
#include "cli/config_docs.h"
#include "cli/config_flags.h"

namespace sightline::cli {
namespace {

int PrintProblems(const std::vector<ConfigProblem>& problems) {
  for (const ConfigProblem& problem : problems) std::fprintf(stderr, "%s\n", problem.Text().c_str());
  return problems.empty() ? kExitDone : kExitWrongUse;
}

}  // namespace

// Only the file counts: whether it is right must not depend on who checks it.
int RunConfigCheck(const std::string& file) {
  Config config;
  const std::vector<ConfigProblem> problems = LoadConfig({.file = file, .environment = {}, .flags = {}}, config);
  if (problems.empty()) std::printf("%s: ok\n", file.c_str());
  return PrintProblems(problems);
}

int RunConfigShow(ConfigSources sources) {
  sources.environment = ConfigEnvironment();
  Config config;
  ConfigSchema schema = MakeConfigSchema();
  BindConfig(schema, config);
  std::vector<ConfigProblem> problems = schema.Load(sources);
  if (problems.empty()) problems = CheckConfig(schema, config);
  if (problems.empty()) std::fputs(schema.ShowYaml().c_str(), stdout);
  return PrintProblems(problems);
}

int RunConfigDocs(const std::string& output) {
  const std::string text = ConfigurationMarkdown();
  if (output.empty()) {
    std::fputs(text.c_str(), stdout);
    return kExitDone;
  }
  std::ofstream file(output, std::ios::binary);
  file << text << std::flush;
  if (file) return kExitDone;
  std::fprintf(stderr, "%s: cannot be written: %s\n", output.c_str(), std::strerror(errno));
  return kExitFailed;
}

}  // namespace sightline::cli
