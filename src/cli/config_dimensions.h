// The key span_metrics.dimensions: a list of {name, default}, as the Collector's spanmetrics connector has it.
#pragma once

#include <string>
#include <vector>

#include "base/config.h"
#include "otlp/span_metrics_options.h"

namespace sightline::cli {

// `field` must outlive the key.
ConfigKey DimensionsKey(std::string path, std::vector<otlp::Dimension>& field, std::string doc);

}  // namespace sightline::cli
