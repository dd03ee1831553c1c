// What the parts of the demo return where something can fail.
#pragma once

#include <fmt/format.h>

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace demo {

// `type` is what telemetry calls exception.type: few values, no data in them ("TimeoutError", "ModelError").
struct Error {
  std::string type;
  std::string message;
};

template <typename T>
using Result = std::expected<T, Error>;

template <typename... Args>
std::unexpected<Error> Fail(std::string_view type, fmt::format_string<Args...> format, Args&&... args) {
  return std::unexpected(Error{std::string(type), fmt::format(format, std::forward<Args>(args)...)});
}

}  // namespace demo
