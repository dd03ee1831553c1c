// The program's version, as CMake's project() states it.
#pragma once

#include <string_view>

namespace sightline {

std::string_view Version();  // "0.1.0"

}  // namespace sightline
