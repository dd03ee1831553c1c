// Chosen items of a request -> a request that holds only those, with their resources and scopes. No bytes below an item
// change. Data: request bytes, Scan and some of its items -> Export{Trace,Metrics,Logs}ServiceRequest.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "otlp/scan.h"

namespace sightline::otlp {

// Requests of one signal may be put one after the other: that is one request with the items of all.
std::string ExtractItems(std::string_view request, const Scan& scan, const std::vector<ItemRef>& items);

}  // namespace sightline::otlp
