// What a set of items is made of: for each of the attributes that matter the most frequent values, with their counts.
// Data: TraceQL and a range of time -> ClickHouse -> counts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "query/item_set.h"
#include "store/clickhouse.h"

namespace sightline::query {

inline constexpr uint32_t kFacetValuesMax = 100;  // of a facet
inline constexpr size_t kFacetFieldsMax = 30;     // that may be asked for

// Each field is counted without what the query asks of it alone (own_condition.h): what else could be chosen is seen.
struct FacetSearch {
  ItemQuery query;
  // As TraceQL writes them; empty: those that matter, and the attributes that the items have most often.
  std::vector<std::string> fields;
  uint32_t values_max = 10;  // 1 to kFacetValuesMax
};

struct FacetValue {
  std::string literal;  // as TraceQL writes it
  double items = 0;
};

struct Facet {
  std::string field;               // as TraceQL writes it; attributes that were renamed stand under the new name
  double items = 0;                // that have it, as far as values were looked at
  std::vector<FacetValue> values;  // most items first
  bool is_cut = false;             // there are more values
  double one_in = 1;               // of so many items one was looked at; counts are for all
};

struct FacetAnswer {
  double items = 0;   // of the query
  double one_in = 1;  // as above
  std::vector<Facet> facets;
  store::QueryStats scanned;
};

// Thread: any.
class FacetReader {
 public:
  // `source` must outlive it.
  explicit FacetReader(ItemSource& source) : source_(source) {}

  // Spans count as often as their AdjustedCount says. Items are looked at as they are up to 125,000, of more a
  // sample; of attributes without a column a smaller one. kInvalidArgument: a limit out of bounds, no field, or one
  // that is calculated.
  Result<FacetAnswer> Read(const FacetSearch& search, store::Cancellation* cancellation = nullptr);

 private:
  ItemSource& source_;
};

}  // namespace sightline::query
