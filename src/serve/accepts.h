// What a client says it takes, in headers that are lists.
#pragma once

#include <string_view>

namespace sightline::serve {

// One of the comma-separated values of `header` is `wanted`, whatever its weight, unless that is 0.
bool Accepts(std::string_view header, std::string_view wanted);

}  // namespace sightline::serve
