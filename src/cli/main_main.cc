// The program `sightline`.
#include <cstdio>
#include <exception>

#include "cli/command_line.h"
#include "cli/commands.h"

int main(int argc, char** argv) {
  try {
    return sightline::cli::RunCommandLine(argc, argv);
  } catch (const std::exception& exception) {
    std::fprintf(stderr, "sightline: %s\n", exception.what());
    return sightline::cli::kExitFailed;
  }
}
