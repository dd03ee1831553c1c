// The instrumentation scopes of this process, each once. Records point to them until the program ends.
#pragma once

#include "otel/scope.h"

namespace otel::internal {

// The same for equal ones. Never freed: programs have as many as they have instrumented libraries. Lock-free, as a fork
// may come at any time. Thread: any.
const InstrumentationScope* InternScope(InstrumentationScope scope);

}  // namespace otel::internal
