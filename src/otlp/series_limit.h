// How many series of calls there may be. Data: hashes of a service and of a series -> whether it may have rows of its
// own.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>

namespace sightline::otlp {

// Names with ids in them would else make as many rows as there are spans, and rows are kept longer. The first of an
// hour are admitted, in the order in which they come: so a service whose names change with each release is not shut out
// for ever. Thread: of its owner.
class SeriesLimit {
 public:
  SeriesLimit(uint32_t per_service_max, uint32_t max) : per_service_max_(per_service_max), max_(max) {}

  // Of receipt. A later one than before begins anew; what comes late from the hour before does not, as the two alternate
  // when an hour ends.
  void SetHour(int64_t hour) {
    if (hour == hour_ || hour + 1 == hour_) [[likely]]
      return;
    hour_ = hour;
    admitted_.clear();
    of_service_.clear();
  }

  bool Admit(uint64_t service, uint64_t series) {
    if (admitted_.contains(series)) return true;
    uint32_t& of_service = of_service_[service];
    if (of_service >= per_service_max_ || admitted_.size() >= max_) return false;
    ++of_service;
    admitted_.insert(series);
    return true;
  }

 private:
  const uint32_t per_service_max_, max_;
  int64_t hour_ = 0;
  boost::unordered_flat_set<uint64_t> admitted_;
  boost::unordered_flat_map<uint64_t, uint32_t> of_service_;
};

}  // namespace sightline::otlp
