// Resources and scopes, decoded once and remembered: what each row says of them, and the rows of attribute_sets.
// Data: Resource and InstrumentationScope bytes -> ScopeContext for rows, and one attribute_sets row for each content
// that the store has not got today.
#pragma once

#include <xxhash.h>

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "otlp/attribute_columns.h"
#include "otlp/block_builder_tables.h"
#include "otlp/scan.h"

namespace sightline::otlp {

struct Hash128 {
  uint64_t low = 0, high = 0;
  bool operator==(const Hash128&) const = default;
};
Hash128 HashBytes(std::string_view bytes);
struct Hash128Hasher {
  using is_avalanching = void;
  size_t operator()(const Hash128& hash) const { return hash.low; }
};

int32_t DayOf(int64_t unix_nanos);  // days since 1970-01-01 UTC, rounded down

// Which content-keyed rows were written, by content, and on which day last: they are written again each day so that
// Seen advances. Forgets all when full: that costs repeated rows, nothing else. Thread: of its owner.
class Written {
 public:
  explicit Written(size_t remembered_max) : remembered_max_(remembered_max) {}
  // True, and remembers it as written, if it was not written on `day`.
  bool Due(const Hash128& id, int32_t day);
  void Clear() { days_.clear(); }

 private:
  const size_t remembered_max_;
  boost::unordered_flat_map<Hash128, int32_t, Hash128Hasher> days_;
};

// What all rows of one scope of one resource share.
struct ScopeContext {
  uint64_t serial = 0;  // never reused within a process
  std::string service_name;
  std::string resource_id, scope_id;  // 32 hex digits; the scope's is empty if it has only a name and a version
  std::string scope_name, scope_version;
  Marks marks;               // mended in the resource or scope, so in every row that shows them
  int32_t written_day = 0;   // the sets' rows were written (or found written) on this day...
  uint64_t written_era = 0;  // ...and in this era; an era ends with ForgetWritten
};

// Thread: of its owner.
class AttributeSets {
 public:
  AttributeSets(const Limits& limits, size_t remembered_max);

  // The context of an item; good until the next call. Adds the rows of its sets where they are due.
  const ScopeContext& For(std::string_view request, const ScopeRef& scope, int64_t received_unix_nanos);

  void ForgetWritten();
  AttributeSetTable& table() { return table_; }

 private:
  struct Parts {
    std::string_view resource, resource_schema_url, scope, scope_schema_url;
  };
  struct Decoded;
  ScopeContext& Find(const Parts& parts);
  std::unique_ptr<ScopeContext> Decode(const Parts& parts);
  void WriteDue(const Parts& parts, int64_t received_unix_nanos);
  void WriteRow(std::string_view id, const Decoded& set, int64_t received_unix_nanos);
  Decoded DecodeSet(std::string_view message, bool is_resource, std::string_view schema_url, Marks& marks);

  const Limits limits_;
  TextMender mender_;
  Written written_;
  AttributeSetTable table_;
  boost::unordered_flat_map<Hash128, std::unique_ptr<ScopeContext>, Hash128Hasher> contexts_;
  size_t contexts_bytes_ = 0;
  uint64_t era_ = 1;
  // The last context with the bytes it was made of: items come in runs of one scope.
  ScopeContext* last_ = nullptr;
  std::string last_bytes_;
  Parts last_parts_;  // into last_bytes_
};

// The numbers of a scope's texts in a table's interners, looked up only when the scope changes.
void SetScope(ScopeColumns& columns, uint64_t row, const ScopeContext& context);

}  // namespace sightline::otlp
