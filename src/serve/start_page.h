// The page at / for people: what is running, what has arrived, how to send more. One file without outside parts.
#pragma once

#include <string>

#include "serve/program_api.h"

namespace sightline::serve {

std::string StartPage(const ProgramStatus& program);

}  // namespace sightline::serve
