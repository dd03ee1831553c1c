// Whether a test may fork a process that has threads and use threads in the child.
#pragma once

namespace otel::testing {

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define OTEL_TESTING_TSAN  // does not support it
#endif
#endif

#ifdef OTEL_TESTING_TSAN
inline constexpr bool kCanFork = false;
#else
inline constexpr bool kCanFork = true;
#endif

}  // namespace otel::testing
