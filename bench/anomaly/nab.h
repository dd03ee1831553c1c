// The Numenta Anomaly Benchmark (github.com/numenta/NAB, which is not part of this repository): real series with the
// windows in which people found something wrong.
#pragma once

#include <filesystem>
#include <vector>

#include "alert/testing/labelled_series.h"
#include "base/error.h"

namespace sightline::bench {

// Those of 5-minute steps: of the others the labelled series have no like. The first 15 %, as NAB has it, is history
// only. The family is the folder.
Result<std::vector<alert::LabelledSeries>> ReadNab(const std::filesystem::path& directory);

}  // namespace sightline::bench
