// The key store.hot_attributes: a list of {key, type, high_cardinality}.
#pragma once

#include <string>
#include <vector>

#include "base/config.h"
#include "otlp/block_builder.h"

namespace sightline::cli {

// `field` must outlive the key.
ConfigKey HotAttributesKey(std::string path, std::vector<otlp::HotAttribute>& field, std::string doc);

}  // namespace sightline::cli
