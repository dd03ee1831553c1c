// By what an error budget goes: bad events by operation and version, and in what they differ from the good ones. Data:
// span metrics (operations of requests, exact) and stored spans (the rest, by what each stands for) -> shares.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "query/explain.h"
#include "slo/sli_counter.h"
#include "slo/slo_document.h"

namespace sightline::slo {

inline constexpr uint32_t kConsumersMax = 50;  // operations, and versions
inline constexpr uint32_t kDifferencesMax = 20;

struct Consumer {
  std::string name;  // "": it has none
  double bad = 0, total = 0;
};

// A value of an attribute that bad events have more often, or more rarely.
struct Difference {
  std::string field;  // as TraceQL writes it
  query::ExplainedValue value;
};

struct Consumers {
  std::string not_available_because;           // empty: they are
  Consumer all;                                // operations together
  std::vector<Consumer> operations, versions;  // those with the most bad events first
  std::vector<Difference> differences;         // of bad events from all others, the most telling first
};

// Thread: any.
class ConsumerReader {
 public:
  // `clickhouse` must outlive it.
  ConsumerReader(store::ClickHouse& clickhouse, StoredSliOptions options);

  // Of [from, to). SLIs that count spans have them.
  Result<Consumers> Read(const SloDocument& slo, int64_t from_unix_nanos, int64_t to_unix_nanos, int64_t now_unix_nanos,
                         store::Cancellation* cancellation);

 private:
  Result<std::vector<Consumer>> By(const std::string& field, const std::string& all, const std::string& bad,
                                   int64_t from_unix_nanos, int64_t to_unix_nanos, store::Cancellation* cancellation);

  store::ClickHouse& clickhouse_;
  const StoredSliOptions options_;
  query::ItemSource items_;
};

}  // namespace sightline::slo
