// Tests as text: files of cases, each an input and what is expected of it.
//
//   # a comment
//   { status = error }
//   ----
//   { span:status = error }
//   <empty line>
//
// With SIGHTLINE_UPDATE_TESTDATA=1 in the environment the file is written anew with what came out, to be looked at.
#pragma once

#include <functional>
#include <string>

namespace sightline::traceql::testing {

// Calls `run` with each case's input and compares what it returns. File: below src.
void RunTableFile(const std::string& file, const std::function<std::string(const std::string& input)>& run);

}  // namespace sightline::traceql::testing
