// The key predictions: a list of {span_name, with_attribute, model, version, score, confidence, prediction_id, rank,
// features}.
#pragma once

#include <string>
#include <vector>

#include "base/config.h"
#include "otlp/prediction_rules.h"

namespace sightline::cli {

// `field` must outlive the key.
ConfigKey PredictionsKey(std::string path, std::vector<otlp::PredictionRule>& field, std::string doc);

}  // namespace sightline::cli
