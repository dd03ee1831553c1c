// Texts with names in double braces: "{{service.name}} fails: {{value}}". Nothing is computed.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sightline::notify {

// Spaces around a name do not count. Of a name that `lookup` does not know, the braces stay: it is seen, not missed.
std::string FillTemplate(std::string_view text,
                         const std::function<std::optional<std::string>(std::string_view name)>& lookup);

}  // namespace sightline::notify
