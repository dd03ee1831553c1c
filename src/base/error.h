// Errors as values. Every fallible function returns Result<T>; a message says what failed, on which value, against
// which limit. Codes are mapped to gRPC and HTTP only at the edge (receive/, serve/).
#pragma once

#include <fmt/core.h>

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace sightline {

enum class Code {
  kInvalidArgument,  // the caller's input is wrong and stays wrong
  kNotFound,
  kAlreadyExists,
  kFailedPrecondition,  // right input, wrong state: a newer schema, a directory in use
  kResourceExhausted,   // a named limit was met
  kUnavailable,         // try again later
  kDeadlineExceeded,
  kCancelled,
  kUnimplemented,
  kDataLoss,  // stored bytes do not read back
  kInternal,  // ours to mend
};

std::string_view CodeName(Code code);  // "INVALID_ARGUMENT", ...

struct Error {
  Code code = Code::kInternal;
  std::string message;
};

template <typename T>
using Result = std::expected<T, Error>;

// `return Fail(Code::kNotFound, "no trace {}", id);` converts to any Result<T>.
template <typename... Args>
std::unexpected<Error> Fail(Code code, fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Error{code, fmt::format(format, std::forward<Args>(args)...)});
}

// The same error with what was being done in front: "open journal: no space left on device".
std::unexpected<Error> Wrap(std::string_view doing, const Error& error);

// For our own bugs, never for outside data: prints the condition and aborts.
#define SIGHTLINE_CHECK(condition)                                              \
  do {                                                                          \
    if (!(condition)) ::sightline::CheckFailed(#condition, __FILE__, __LINE__); \
  } while (false)
[[noreturn]] void CheckFailed(const char* condition, const char* file, int line);

// Returns the error of a Result<void> expression from the enclosing function.
#define SIGHTLINE_TRY(expression)                                                               \
  do {                                                                                          \
    auto sightline_try_result = (expression);                                                   \
    if (!sightline_try_result) return std::unexpected(std::move(sightline_try_result).error()); \
  } while (false)

}  // namespace sightline
