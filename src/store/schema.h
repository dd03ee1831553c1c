// Brings the database to the schema that this program knows: numbered migrations, the retention, the columns of hot
// attributes, the views that other tools read. The DDL is in schema/*.sql (embedded in the build).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "otlp/block_builder.h"
#include "otlp/signal.h"
#include "store/clickhouse.h"

namespace sightline::store {

inline constexpr int64_t kForever = 0;
inline constexpr int64_t kDaySeconds = 86'400;
// Of calls of spans by 10 s: what is older is looked at from farther away. Never longer than those by minute are kept.
inline constexpr int64_t kFineSpanMetricsSeconds = 3 * kDaySeconds;

// One file of DDL with placeholders, "{db}" and the like. Numbers rise by one from 1.
struct Migration {
  uint32_t version = 0;
  std::string_view name;
  std::string_view sql;
};
const std::vector<Migration>& Migrations();
std::string_view ViewsSql();

struct SchemaOptions {
  std::string database = "sightline";  // letters, digits, underscores
  // By otlp::Signal; counted from the item's own time, parts of a day are dropped when all in them is older.
  std::array<int64_t, 3> retention_seconds = {30 * kDaySeconds, 90 * kDaySeconds, 30 * kDaySeconds};
  int64_t rollup_retention_seconds = 400 * kDaySeconds;  // of what is summed up by hour
  int64_t prediction_retention_seconds = 90 * kDaySeconds;
  int64_t future_seconds_max = kDaySeconds;  // how far ahead of its receipt the time of an item may lie
  std::vector<otlp::HotAttribute> hot_attributes = otlp::DefaultHotAttributes();
  bool fsync_inserts = false;  // an insert returns after its part is on the disk: survives power loss
  const std::vector<Migration>* migrations = &Migrations();
};

// Creates or brings up to date what is there. kFailedPrecondition, and nothing changed, when the database has a newer
// schema; kFailedPrecondition also when a hot attribute's column exists with another type. Idempotent, and safe to end
// at any point: what was begun is done again at the next start. When the stored fingerprint says that nothing has
// changed, only the columns are checked (two queries).
// One program at a time may run it on a database.
Result<void> OpenSchema(ClickHouse& clickhouse, const SchemaOptions& options);

// All that have a column, those of earlier configurations too: rows of that time keep their values in it.
Result<std::vector<otlp::HotAttribute>> StoredHotAttributes(ClickHouse& clickhouse, const std::string& database);

// After rows were added to attribute_sets: lets the views see them at once (they do by themselves within a minute).
Result<void> ReloadAttributeSets(ClickHouse& clickhouse, const std::string& database);

}  // namespace sightline::store
