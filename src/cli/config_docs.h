// docs/configuration.md, made from the declared keys so that it cannot disagree with the program.
#pragma once

#include <string>

namespace sightline::cli {

std::string ConfigurationMarkdown();

}  // namespace sightline::cli
