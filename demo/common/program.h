// What the demo's programs have in common.
#pragma once

#include <string_view>

namespace demo {

// Blocks SIGINT and SIGTERM in this thread and those it starts, so call it first; Wait returns when one has come.
// Thread: the main one.
class StopSignal {
 public:
  StopSignal();
  void Wait();
  bool WaitFor(double seconds);  // true: it has come
};

// The line that says that a program is ready, for scripts: {"address":"127.0.0.1:8000"}.
void PrintReady(std::string_view address, int port);

}  // namespace demo
