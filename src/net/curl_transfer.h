// One transfer of libcurl, which stays out of headers.
#pragma once

#include <functional>

#include "base/error.h"

namespace sightline::net {

void InitializeCurl();  // before anything else of libcurl; again: nothing happens. Thread: any.

// Runs `easy` (a CURL*) on `multi` (a CURLM*) until it ends, and gives its CURLcode. `cancelled` is polled about ten
// times a second; true: kCancelled. Thread: one at a time on a `multi`.
Result<int> RunTransfer(void* multi, void* easy, const std::function<bool()>& cancelled);

}  // namespace sightline::net
