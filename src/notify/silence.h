// When people do not want to hear of alerts: once, or at planned downtimes that come again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "notify/alert_event.h"
#include "notify/matchers.h"
#include "notify/recurrence.h"

namespace sightline::notify {

struct Silence {
  std::vector<Matcher> matchers;
  int64_t starts_unix_nanos = 0, ends_unix_nanos = 0;  // the end is no longer in it
  std::optional<Recurrence> recurrence;                // within these, only then
  std::string json;                                    // the document, minified
};

// {"matchers": […], "starts_unix_nano": "…", "ends_unix_nano": "…", "recurrence": {…}, "comment": "…"}
Result<Silence> ReadSilence(std::string_view document);

// Whether it is a time of it.
bool IsActive(const Silence& silence, int64_t unix_nanos);

}  // namespace sightline::notify
