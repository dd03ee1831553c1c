// Frames of a stack trace as text, and what of them tells one failure from another whatever the build, host or address.
// Data: the text of exception.stacktrace -> "function (file)", innermost first.
//
// Known are what Python, Java and Kotlin, .NET, JavaScript, Go, Rust, C++ (GDB, Boost, libbacktrace), Ruby and PHP
// print. Of exceptions that caused one another it is the one that was raised last: Python's last, elsewhere the first.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sightline::query {

inline constexpr size_t kTellingFramesMax = 3;

struct StackFrame {
  std::string function;  // without arguments; "" where the line has none
  std::string file;      // the last two parts of its path; "": none
  bool foreign = false;  // of the runtime or a library

  std::string Text() const;
};

// At most 200 frames.
std::vector<StackFrame> ParseStackTrace(std::string_view text);
// The first of the program's own; of all where none is its own. None: it is no stack trace.
std::vector<std::string> TellingFrames(std::string_view text);

}  // namespace sightline::query
