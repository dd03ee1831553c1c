// The JSON of answers: base/json_writer.h under the name that endpoints use.
#pragma once

#include "base/json_writer.h"

namespace sightline::serve {

using sightline::JsonWriter;

}  // namespace sightline::serve
