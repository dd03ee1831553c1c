// What is stored, counted by signal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "store/clickhouse.h"

namespace sightline::query {

struct SignalStatus {
  std::string signal;  // "traces", "metrics", "logs"
  uint64_t rows = 0, bytes_on_disk = 0;
  int64_t newest_unix_nanos = 0;  // time of the newest item of the last day; 0: none
};

// Always the three signals, in the order above.
Result<std::vector<SignalStatus>> ReadStatus(store::ClickHouse& clickhouse, const std::string& database = "sightline",
                                             store::Cancellation* cancellation = nullptr);

// The first day since 1970 that is not before `day` and of which anything is stored; INT64_MAX: there is none.
Result<int64_t> NextStoredDay(store::ClickHouse& clickhouse, const std::string& database, int64_t day,
                              store::Cancellation* cancellation = nullptr);

}  // namespace sightline::query
