// What is left of a request whose spans are only counted: their names, trace states and resources, each text once; and
// the whole messages of spans that may be predictions.
// A second's requests wait for their block of span metrics; whole, they were most of the memory of a store that
// samples, and each name a miss of the cache. Data: a request and its scan -> a small text, and the scan's places in
// it.
#pragma once

#include <string>
#include <string_view>

#include "otlp/prediction_rules.h"
#include "otlp/scan.h"
#include "otlp/span_metrics_options.h"

namespace sightline::otlp {

// `scan` has heads. Afterwards names, trace states, dimensions, resources and scopes are to be read in the returned
// text with it, and the messages of items whose names `predictions` match; the places of other items and of trace ids
// mean nothing any more.
std::string TakeWhatIsCounted(std::string_view request, Scan& scan, const PredictionNames& predictions,
                              const std::vector<Dimension>& dimensions = {});

}  // namespace sightline::otlp
