// What histograms measured, by group and step. Data: points of streams -> their differences, merged.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>

#include "base/error.h"
#include "query/metric_answers.h"
#include "query/metric_buckets.h"

namespace sightline::query {

// By group * steps + step; without those in which nothing was measured.
template <typename Buckets>
using HistogramCells = boost::unordered_flat_map<uint64_t, Buckets>;

Result<HistogramCells<ExplicitBuckets>> ReadExplicitCells(const MetricQuestion& asked);
Result<HistogramCells<ExponentialBuckets>> ReadExponentialCells(const MetricQuestion& asked);

}  // namespace sightline::query
