// Named points at which a test may end the process as `kill -9` would, or make a system call fail as a full disk would.
// They are in every build: what is tested is what ships. Cost when unused: one relaxed load.
//
// SIGHTLINE_TEST_FAULT="journal.frame=kill:3" ends the process when the point is passed for the third time;
// "store.insert=error:1-5" makes passes 1 to 5 report a failure (the caller answers as if the operation had failed).
// Several points are separated by ';'. "kill" alone is kill:1, "error" alone every pass, "error:4-" from the fourth on.
// A variable that cannot be read ends the process: a test must not pass because its fault never happened.
#pragma once

#include <string_view>

namespace sightline {

// True when the caller must act as if the step had failed. Does not return when the point is armed to kill.
// Thread: any.
bool FaultPoint(std::string_view name);

// Arms points inside a test program, in place of the variable, and counts passes from zero again; "" disarms all.
void SetFaultsForTest(std::string_view text);

}  // namespace sightline
