// The command line of the program `sightline`.
#pragma once

namespace sightline::cli {

// Runs the command that the user chose. Returns the exit code: 0 done, 1 failed at run time, 2 wrong use or
// configuration.
int RunCommandLine(int argc, char** argv);

}  // namespace sightline::cli
