#include "store/schema.h"

#include <fmt/ranges.h>
#include <xxhash.h>

#include <algorithm>
#include <map>
#include <set>

#include "otlp/kept_spans.h"
#include "otlp/predictions.h"
#include "otlp/service_graph_edges.h"
#include "otlp/span_metrics.h"
#include "otlp/sql_quote.h"
#include "store/schema_text.h"
#include "store/sql_text.h"

namespace sightline::store {
namespace {

using otlp::HotAttribute;
using otlp::Signal;

enum class Keep : uint8_t { kTraces, kLogs, kMetrics, kSeries, kPredictions, kFineRollups, kRollups };

// Tables whose rows expire.
struct ExpiringTable {
  std::string_view name;
  Keep keep;
  std::string_view time_column = "Timestamp";
};
constexpr ExpiringTable kExpiringTables[] = {
    {"spans", Keep::kTraces},
    {"logs", Keep::kLogs},
    {"metric_points", Keep::kMetrics},
    {"metric_histograms", Keep::kMetrics},
    {"metric_exponential_histograms", Keep::kMetrics},
    {"metric_summaries", Keep::kMetrics},
    {"metric_series", Keep::kSeries, "Seen"},
    {otlp::PredictionsTable::kName, Keep::kPredictions},
};

// Tables of several resolutions, each with a time of its own. They stay when the spans are gone.
constexpr std::string_view kRollupTables[] = {otlp::SpanMetricsTable::kName, otlp::ServiceGraphEdgesTable::kName,
                                              otlp::KeptSpansTable::kName};

// Of earlier versions, whose rows a migration has put into other tables.
constexpr std::string_view kFormerTables[] = {"span_metric_buckets"};

// Tables that are kept for good. Their rows are as much a part of what was accepted as the others: without a resource
// the rows that name it say nothing.
constexpr std::string_view kLastingTables[] = {"attribute_sets", "hot_keys_in_maps"};

// A series must outlive its points. It is announced again on each day of receipt, so at most a day before a point
// comes; that may be stamped ahead of its receipt, and stays until all of its day has expired and a merge has dropped
// it.
constexpr int64_t kSeriesMarginSeconds = 3 * kDaySeconds;

constexpr std::string_view kViews[] = {"otel_traces",
                                       "otel_traces_trace_id_ts",
                                       "otel_logs",
                                       "otel_metrics_gauge",
                                       "otel_metrics_sum",
                                       "otel_metrics_histogram",
                                       "otel_metrics_summary",
                                       "otel_metrics_exponential_histogram",
                                       "span_metrics",
                                       "span_metric_series",
                                       "span_metric_points",
                                       "span_metric_histograms",
                                       "service_graph",
                                       "kept_spans",
                                       "sightline_predictions"};

struct Column {
  std::string name, type, comment;
};
using Tables = std::map<std::string, std::vector<Column>, std::less<>>;

// docs/adr/002-table-layout.md has the reasons.
std::string MergeTreeSettings(bool fsync_inserts) {
  std::string settings =
      "index_granularity = 4096, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, "
      "merge_with_ttl_timeout = 3600, min_rows_for_wide_part = 100000, auto_statistics_types = '', "
      "min_parts_to_merge_at_once = 30, merge_selector_base = 30, "
      "merge_selector_enable_heuristic_to_lower_max_parts_to_merge_at_once = 0, "
      "non_replicated_deduplication_window = 1000";
  if (fsync_inserts) settings += ", fsync_after_insert = 1, fsync_part_directory = 1";
  return settings;
}

// Rows expire, not only parts.
std::string RollupSettings(bool fsync_inserts) {
  constexpr std::string_view kOnlyParts = "ttl_only_drop_parts = 1";
  std::string settings = MergeTreeSettings(fsync_inserts);
  settings.replace(settings.find(kOnlyParts), kOnlyParts.size(), "ttl_only_drop_parts = 0");
  return settings;
}

bool IsPlainName(std::string_view name) {
  return !name.empty() && name.size() <= 100 && std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  });
}

// Brings one database up to date; lives for one OpenSchema.
class SchemaOpener {
 public:
  SchemaOpener(ClickHouse& clickhouse, const SchemaOptions& options)
      : clickhouse_(clickhouse), options_(options), database_(options.database) {}

  Result<void> Open() {
    auto applied = ReadVersion();
    if (!applied) return std::unexpected(std::move(applied).error());
    const uint32_t newest = options_.migrations->back().version;
    if (applied->version > newest) {
      return Fail(Code::kFailedPrecondition,
                  "the database {} has schema version {}, this program knows versions up to {}: start a newer one",
                  database_, applied->version, newest);
    }
    const std::string fingerprint = Fingerprint();
    bool changed = applied->version < newest || applied->fingerprint != fingerprint;
    SIGHTLINE_TRY(ReadColumns());
    for (const std::string_view view : kViews) changed = changed || !tables_.contains(view);
    if (changed) {
      SIGHTLINE_TRY(Migrate(applied->version));
      SIGHTLINE_TRY(ReadColumns());
      SIGHTLINE_TRY(AddHotColumns());
      SIGHTLINE_TRY(WatchNoMore());
      SIGHTLINE_TRY(AlterSettings());
      SIGHTLINE_TRY(CreateViews());
      SIGHTLINE_TRY(WriteVersion(newest, fingerprint));
    }
    SIGHTLINE_TRY(DropFormerTables());
    return CheckColumns();
  }

 private:
  struct Applied {
    uint32_t version = 0;
    std::string fingerprint;
  };

  Result<std::vector<std::vector<std::string>>> Rows(const std::string& sql) {
    return clickhouse_.Rows(sql, {.parameters = {{"db", database_}}});
  }

  Result<Applied> ReadVersion() {
    auto exists = Rows("SELECT count() FROM system.tables WHERE database = {db:String} AND name = 'schema_version'");
    if (!exists) return std::unexpected(std::move(exists).error());
    if (exists->at(0).at(0) == "0") return Applied{};
    auto rows = Rows("SELECT max(Version), argMax(Fingerprint, Applied) FROM {db:Identifier}.schema_version");
    if (!rows) return std::unexpected(std::move(rows).error());
    return Applied{static_cast<uint32_t>(std::stoul(rows->at(0).at(0))), rows->at(0).at(1)};
  }

  // Of everything that OpenSchema would do, so that an unchanged start does nothing.
  std::string Fingerprint() const {
    std::string all;
    for (const Migration& migration : *options_.migrations) all.append(migration.sql).append("\n");
    all.append(ViewsSql()).append(MergeTreeSettings(options_.fsync_inserts));
    for (const int64_t seconds : options_.retention_seconds) all += fmt::format(" {}", seconds);
    all += fmt::format(" {} {} {}", options_.rollup_retention_seconds, options_.prediction_retention_seconds,
                       options_.future_seconds_max);
    for (const HotAttribute& attribute : options_.hot_attributes) all += " " + HotColumnDefinition(attribute);
    return fmt::format("{:016x}", XXH3_64bits(all.data(), all.size()));
  }

  Result<void> ReadColumns() {
    auto rows = Rows(
        "SELECT table, name, type, comment FROM system.columns WHERE database = {db:String} ORDER BY table, position");
    if (!rows) return std::unexpected(std::move(rows).error());
    tables_.clear();
    for (auto& row : *rows) tables_[row.at(0)].push_back({row.at(1), row.at(2), row.at(3)});
    return {};
  }

  Result<void> Migrate(uint32_t version) {
    SIGHTLINE_TRY(clickhouse_.Execute(fmt::format("CREATE DATABASE IF NOT EXISTS {} ENGINE = Atomic", database_)));
    SIGHTLINE_TRY(
        clickhouse_.Execute(fmt::format("CREATE TABLE IF NOT EXISTS {}.schema_version (Version UInt32, Applied "
                                        "DateTime64(6), Fingerprint String) ENGINE = MergeTree ORDER BY Version",
                                        database_)));
    std::string hot_columns, hot_indexes;
    for (const HotAttribute& attribute : options_.hot_attributes) {
      hot_columns += HotColumnDefinition(attribute) + ",\n";
      if (const std::string index = HotIndexDefinition(attribute); !index.empty()) hot_indexes += ",\n" + index;
    }
    const std::map<std::string, std::string> placeholders = {
        {"db", database_},
        {"hot_columns", hot_columns},
        {"hot_indexes", hot_indexes},
        {"ttl_traces", TtlClause("Timestamp", Seconds(Keep::kTraces))},
        {"ttl_logs", TtlClause("Timestamp", Seconds(Keep::kLogs))},
        {"ttl_metrics", TtlClause("Timestamp", Seconds(Keep::kMetrics))},
        {"ttl_span_metrics", TtlClause("Minute", Seconds(Keep::kMetrics))},
        {"ttl_span_metric_rollups", RollupTtl()},
        {"ttl_service_graph_edges", RollupTtl()},
        {"ttl_kept_span_rollups", RollupTtl()},
        {"ttl_predictions", TtlClause("Timestamp", Seconds(Keep::kPredictions))},
        {"merge_tree_settings", MergeTreeSettings(options_.fsync_inserts)},
        {"rollup_settings", RollupSettings(options_.fsync_inserts)}};
    for (const Migration& migration : *options_.migrations) {
      if (migration.version <= version) continue;
      for (const std::string& statement : RenderStatements(migration.sql, placeholders)) {
        auto done = clickhouse_.Execute(statement);
        if (!done) return Wrap(fmt::format("schema migration {}", migration.name), done.error());
      }
      // Without a fingerprint: if the program ends before the views are made, the next start makes them.
      if (migration.version < options_.migrations->back().version) {
        SIGHTLINE_TRY(WriteVersion(migration.version, ""));
      }
    }
    return {};
  }

  // Columns once made stay; the configuration may add further ones at any start.
  Result<void> AddHotColumns() {
    std::map<std::string, const Column*> existing;
    for (const Column& column : tables_["spans"]) existing[column.name] = &column;
    std::string additions;
    std::vector<std::string> added;
    for (const HotAttribute& attribute : options_.hot_attributes) {
      const auto found = existing.find(HotColumnName(attribute.key));
      if (found != existing.end()) {
        const Column& column = *found->second;
        if (column.type == HotColumnType(attribute) && column.comment == HotColumnComment(attribute)) continue;
        return Fail(Code::kFailedPrecondition,
                    "the hot attribute {} is stored as {} ({}), the configuration says {} ({}): it cannot be changed",
                    attribute.key, column.type, column.comment, HotColumnType(attribute), HotColumnComment(attribute));
      }
      added.push_back(otlp::QuoteString(attribute.key));
      additions += fmt::format("{}ADD COLUMN {}", additions.empty() ? "" : ", ", HotColumnDefinition(attribute));
      if (const std::string index = HotIndexDefinition(attribute); !index.empty()) additions += ", ADD " + index;
    }
    if (additions.empty()) return {};
    SIGHTLINE_TRY(MarkInMaps(added));
    SIGHTLINE_TRY(clickhouse_.Execute(fmt::format("ALTER TABLE {}.spans {}", database_, additions)));
    return ReadColumns();
  }

  // What is stored already has the attributes in its maps.
  Result<void> MarkInMaps(const std::vector<std::string>& keys) {
    return clickhouse_.Execute(
        fmt::format("INSERT INTO {0}.hot_keys_in_maps SELECT arrayJoin([{1}]), First, Last FROM (SELECT "
                    "toInt32(toDate(min(Timestamp), 'UTC')) AS First, toInt32(toDate(max(Timestamp), 'UTC')) AS Last "
                    "FROM {0}.spans HAVING count() > 0)",
                    database_, fmt::join(keys, ", ")));
  }

  // What is not configured any more goes to the maps from now on, whatever the spans' times are.
  Result<void> WatchNoMore() {
    std::vector<std::string> rows;
    for (const Column& column : tables_["spans"]) {
      const auto attribute = HotAttributeOf(column.name, column.type, column.comment);
      if (!attribute) continue;
      const auto& hot = options_.hot_attributes;
      if (std::ranges::find(hot, attribute->key, &HotAttribute::key) != hot.end()) continue;
      rows.push_back(fmt::format("({}, {}, {})", otlp::QuoteString(attribute->key), INT32_MIN, INT32_MAX));
    }
    if (rows.empty()) return {};
    return clickhouse_.Execute(
        fmt::format("INSERT INTO {}.hot_keys_in_maps VALUES {}", database_, fmt::join(rows, ", ")));
  }

  // Retention and durability, which the configuration may change at any start.
  Result<void> AlterSettings() {
    auto rows = Rows("SELECT name, engine_full FROM system.tables WHERE database = {db:String}");
    if (!rows) return std::unexpected(std::move(rows).error());
    std::map<std::string, std::string, std::less<>> engines;
    for (auto& row : *rows) engines[row.at(0)] = row.at(1);
    for (const auto& [name, keep, time_column] : kExpiringTables) {
      const std::string& engine = engines[std::string(name)];
      SIGHTLINE_TRY(AlterTtl(name, engine, TtlClause(time_column, Seconds(keep))));
      SIGHTLINE_TRY(AlterDurability(name, engine));
    }
    for (const std::string_view name : kRollupTables) {
      const std::string& engine = engines[std::string(name)];
      SIGHTLINE_TRY(AlterTtl(name, engine, RollupTtl()));
      SIGHTLINE_TRY(AlterDurability(name, engine));
    }
    for (const std::string_view name : kLastingTables) {
      SIGHTLINE_TRY(AlterDurability(name, engines[std::string(name)]));
    }
    return {};
  }

  // Once the version is written: a migration that reads them does not run again.
  Result<void> DropFormerTables() {
    for (const std::string_view name : kFormerTables) {
      if (!tables_.contains(name)) continue;
      SIGHTLINE_TRY(clickhouse_.Execute(fmt::format("DROP TABLE IF EXISTS {}.{} SYNC", database_, name)));
    }
    return {};
  }

  Result<void> AlterTtl(std::string_view table, const std::string& engine, const std::string& ttl) {
    const bool has_ttl = engine.find(" TTL ") != std::string::npos;
    std::string change;
    if (ttl.empty() && has_ttl) change = "REMOVE TTL";
    if (!ttl.empty() && engine.find(ttl + " ") == std::string::npos) change = "MODIFY " + ttl;
    if (change.empty()) return {};
    return clickhouse_.Execute(fmt::format("ALTER TABLE {}.{} {}", database_, table, change));
  }

  Result<void> AlterDurability(std::string_view table, const std::string& engine) {
    const bool fsync = engine.find("fsync_after_insert = 1") != std::string::npos;
    if (fsync == options_.fsync_inserts) return {};
    const int on = options_.fsync_inserts ? 1 : 0;
    return clickhouse_.Execute(
        fmt::format("ALTER TABLE {}.{} MODIFY SETTING fsync_after_insert = {}, fsync_part_directory = {}", database_,
                    table, on, on));
  }

  Result<void> CreateViews() {
    std::vector<HotAttribute> stored;  // in the table's order, those of earlier configurations too
    for (const Column& column : tables_["spans"]) {
      if (auto attribute = HotAttributeOf(column.name, column.type, column.comment)) stored.push_back(*attribute);
    }
    const std::vector<std::string> statements = RenderStatements(
        ViewsSql(),
        {{"db", database_}, {"hot_map", HotMapExpression(stored)}, {"hot_types", HotTypesExpression(stored)}});
    for (const std::string& statement : statements) {
      auto done = clickhouse_.Execute(statement);
      if (!done) return Wrap("create view", done.error());
    }
    return {};
  }

  Result<void> WriteVersion(uint32_t version, const std::string& fingerprint) {
    return clickhouse_.Execute(fmt::format("INSERT INTO {}.schema_version VALUES ({}, now64(6), {})", database_,
                                           version, otlp::QuoteString(fingerprint)));
  }

  // ClickHouse skips unknown columns of a Native block and fills missing ones silently: a disagreement would lose data.
  Result<void> CheckColumns() {
    for (const Signal signal : otlp::kSignals) {
      for (const auto& [table, columns] : otlp::BlockBuilder::Tables(signal, options_.hot_attributes)) {
        SIGHTLINE_TRY(CheckTable(table, columns));
      }
    }
    return {};
  }

  Result<void> CheckTable(std::string_view table, const std::vector<otlp::ColumnType>& written) {
    std::map<std::string_view, std::string_view> types;
    const auto found = tables_.find(table);
    if (found == tables_.end()) {
      return Fail(Code::kFailedPrecondition, "table {}.{} is missing", database_, table);
    }
    for (const Column& column : found->second) types[column.name] = column.type;
    for (const otlp::ColumnType& column : written) {
      const auto stored = types.find(column.name);
      if (stored == types.end() || stored->second != column.type) {
        return Fail(Code::kFailedPrecondition, "column {}.{}.{} is written as {}, but the table has {}", database_,
                    table, column.name, column.type, stored == types.end() ? "none" : stored->second);
      }
      types.erase(stored);
    }
    for (const auto& [name, type] : types) {
      if (name.starts_with("a.")) continue;  // a hot attribute of an earlier configuration
      return Fail(Code::kFailedPrecondition, "column {}.{}.{} is never written", database_, table, name);
    }
    return {};
  }

  int64_t Seconds(Keep keep) const {
    const auto of = [this](Signal signal) { return options_.retention_seconds[static_cast<size_t>(signal)]; };
    switch (keep) {
      case Keep::kTraces:
        return of(Signal::kTraces);
      case Keep::kLogs:
        return of(Signal::kLogs);
      case Keep::kMetrics:
        return of(Signal::kMetrics);
      case Keep::kSeries:
        return of(Signal::kMetrics) == kForever
                   ? kForever
                   : of(Signal::kMetrics) + options_.future_seconds_max + kSeriesMarginSeconds;
      case Keep::kFineRollups:
        return of(Signal::kMetrics) == kForever ? kFineSpanMetricsSeconds
                                                : std::min(of(Signal::kMetrics), kFineSpanMetricsSeconds);
      case Keep::kPredictions:
        return options_.prediction_retention_seconds;
      case Keep::kRollups:
        break;
    }
    return options_.rollup_retention_seconds;
  }

  // Rows that name a block stay as long as the longest of the others.
  std::string RollupTtl() const {
    const int64_t minutes = Seconds(Keep::kMetrics), hours = Seconds(Keep::kRollups);
    const int64_t longest = minutes == kForever || hours == kForever ? kForever : std::max(minutes, hours);
    return RowTtlClause({{10, Seconds(Keep::kFineRollups)}, {60, minutes}, {3600, hours}, {0, longest}});
  }

  ClickHouse& clickhouse_;
  const SchemaOptions& options_;
  const std::string& database_;
  Tables tables_;
};

}  // namespace

Result<void> OpenSchema(ClickHouse& clickhouse, const SchemaOptions& options) {
  if (!IsPlainName(options.database)) {
    return Fail(Code::kInvalidArgument, "not a plain database name: \"{}\"", options.database);
  }
  SIGHTLINE_CHECK(!options.migrations->empty());
  return SchemaOpener(clickhouse, options).Open();
}

Result<std::vector<HotAttribute>> StoredHotAttributes(ClickHouse& clickhouse, const std::string& database) {
  auto rows = clickhouse.Rows(
      "SELECT name, type, comment FROM system.columns WHERE database = {db:String} AND table = 'spans' ORDER BY "
      "position",
      {.parameters = {{"db", database}}});
  if (!rows) return std::unexpected(rows.error());
  std::vector<HotAttribute> stored;
  for (const auto& row : *rows) {
    if (auto attribute = HotAttributeOf(row[0], row[1], row[2])) stored.push_back(*std::move(attribute));
  }
  return stored;
}

Result<void> ReloadAttributeSets(ClickHouse& clickhouse, const std::string& database) {
  return clickhouse.Execute(fmt::format("SYSTEM RELOAD DICTIONARY {}.attribute_set_dict", database));
}

}  // namespace sightline::store
