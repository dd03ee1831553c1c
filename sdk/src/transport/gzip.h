#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace otel::internal {

// Nothing where there is no memory for it.
std::optional<std::string> Gzip(std::string_view bytes);

}  // namespace otel::internal
