// Chosen items of a request -> a request that holds only those, with their resources and scopes. No bytes of an item
// change; fields may be put behind them. Data: request bytes, Scan and some of its items ->
// Export{Trace,Metrics,Logs}ServiceRequest.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "otlp/scan.h"

namespace sightline::otlp {

// Serialized fields that go behind those of an item: more of a repeated field, or another value of a single one, as
// protobuf's readers take the last. Good until the next call.
using MoreFields = std::function<std::string_view(const ItemRef&)>;

// Requests of one signal may be put one after the other: that is one request with the items of all.
std::string ExtractItems(std::string_view request, const Scan& scan, std::span<const ItemRef> items,
                         const MoreFields& more_fields = {});

}  // namespace sightline::otlp
