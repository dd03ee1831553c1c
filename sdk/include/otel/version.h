// The SDK's version. CMakeLists.txt reads it from here.
#pragma once

#include <string_view>

namespace otel {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace otel
