#include "demo/common/program.h"

#include <fmt/format.h>
#include <signal.h>

#include <cmath>
#include <cstdio>

namespace demo {
namespace {

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

StopSignal::StopSignal() {
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void StopSignal::Wait() {
  const sigset_t signals = StopSignals();
  int which = 0;
  sigwait(&signals, &which);
}

bool StopSignal::WaitFor(double seconds) {
  const sigset_t signals = StopSignals();
  const double whole = std::floor(seconds);
  const timespec timeout = {.tv_sec = static_cast<time_t>(whole),
                            .tv_nsec = static_cast<long>((seconds - whole) * 1e9)};
  return sigtimedwait(&signals, nullptr, &timeout) > 0;
}

void PrintReady(std::string_view address, int port) {
  fmt::print("{{\"address\":\"{}:{}\"}}\n", address, port);
  std::fflush(stdout);
}

}  // namespace demo
