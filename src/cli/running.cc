#include "cli/running.h"

#include <chrono>
#include <cstdlib>
#include <vector>

#include "base/log.h"
#include "cli/commands.h"

namespace sightline::cli {
namespace {

constexpr std::chrono::seconds kStopTimeMax{9};

}  // namespace

ExitDeadline::~ExitDeadline() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void ExitDeadline::Wait() {
  std::unique_lock lock(mutex_);
  if (wake_.wait_for(lock, kStopTimeMax, [this] { return stopped_; })) return;
  Log(LogLevel::kWarning, "stopped without waiting for what does not end: a query, or the disk");
  std::_Exit(kExitDone);
}

void Reload(const ConfigSources& sources, const std::function<void(const Config&)>& use,
            const std::function<void(std::string problem)>& refuse) {
  Config config;
  const std::vector<ConfigProblem> problems = LoadConfig(sources, config);
  for (const ConfigProblem& problem : problems) {
    Log(LogLevel::kError, "the new configuration is not used", {{"problem", problem.Text()}});
  }
  if (problems.empty()) {
    use(config);
  } else if (refuse) {
    refuse(problems.front().Text());
  }
}

}  // namespace sightline::cli
