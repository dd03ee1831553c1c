#include "store/block_inserter.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "base/fault.h"
#include "base/log.h"
#include "otlp/kept_spans.h"
#include "otlp/predictions.h"
#include "otlp/service_graph_edges.h"
#include "otlp/span_metrics.h"
#include "store/schema.h"

namespace sightline::store {
namespace {

constexpr std::string_view kAttributeSetsTable = "attribute_sets";

// The column that the day of a row is taken from.
std::string_view TimeColumn(std::string_view table) {
  return IsDerivedTable(table) && table != otlp::PredictionsTable::kName ? "Time" : "Timestamp";
}

uint64_t ToNumber(const std::string& text) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

BlockInserter::BlockInserter(ClickHouse& clickhouse, std::string database,
                             const std::vector<otlp::HotAttribute>& hot_attributes, MetricsRegistry& metrics,
                             const std::string& fault_step)
    : clickhouse_(clickhouse),
      database_(std::move(database)),
      metrics_(metrics),
      fault_begin_(fault_step + ".begin"),
      fault_refused_(fault_step + ".refused"),
      fault_end_(fault_step + ".end") {
  for (otlp::Signal signal : otlp::kSignals) {
    for (const auto& table : otlp::BlockBuilder::Tables(signal, hot_attributes)) {
      auto [entry, is_new] = columns_.try_emplace(std::string(table.table));
      if (!is_new) continue;  // attribute_sets belongs to all signals
      for (const otlp::ColumnType& column : table.columns) {
        entry->second.push_back(column.name);
        if (column.name == "Block") block_tables_.emplace_back(table.table);
      }
    }
  }
}

Result<void> BlockInserter::Insert(uint64_t block, const std::vector<otlp::TableBlock>& tables, bool may_exist) {
  for (const otlp::TableBlock& table : tables) {
    if (may_exist && table.day != otlp::kNoDay) {
      Result<bool> stored = IsStored(block, table);
      if (!stored) return std::unexpected(stored.error());
      if (*stored) continue;
    }
    SIGHTLINE_TRY(InsertPart(block, table));
  }
  return {};
}

bool IsDerivedTable(std::string_view table) {
  return table == otlp::SpanMetricsTable::kName || table == otlp::ServiceGraphEdgesTable::kName ||
         table == otlp::KeptSpansTable::kName || table == otlp::PredictionsTable::kName;
}

Result<PartialInsert> BlockInserter::InsertWhatIsTaken(uint64_t block, const std::vector<otlp::TableBlock>& tables) {
  PartialInsert outcome;
  std::optional<Error> missing_sets;
  // Why a part is refused without being tried; null if it is to be tried.
  const auto refusal_before = [&](const otlp::TableBlock& table) -> const Error* {
    if (missing_sets) return &*missing_sets;
    if (!IsDerivedTable(table.table)) return nullptr;
    const auto source = std::ranges::find_if(
        outcome.refused, [&](const RefusedPart& part) { return part.day == table.day && !IsDerivedTable(part.table); });
    return source == outcome.refused.end() ? nullptr : &source->error;
  };
  for (const otlp::TableBlock& table : tables) {
    const bool is_keyed_by_content = table.day == otlp::kNoDay;
    if (!is_keyed_by_content) {
      Result<bool> stored = IsStored(block, table);
      if (!stored) return std::unexpected(stored.error());
      if (*stored) {
        outcome.is_partly_stored = true;
        continue;
      }
    }
    const Error* before = refusal_before(table);
    const Result<void> inserted = before ? std::unexpected(*before) : InsertPart(block, table);
    if (inserted) {
      outcome.is_partly_stored |= !is_keyed_by_content;
      continue;
    }
    if (inserted.error().code != Code::kInvalidArgument) return std::unexpected(inserted.error());
    if (is_keyed_by_content) missing_sets = inserted.error();
    outcome.refused.push_back({table.table, table.day, table.rows, inserted.error()});
  }
  return outcome;
}

Result<void> BlockInserter::InsertPart(uint64_t block, const otlp::TableBlock& table) {
  SIGHTLINE_TRY(InsertOne(block, table));
  // The dictionary must know a resource before the first row that names it can be selected.
  if (table.table == kAttributeSetsTable) SIGHTLINE_TRY(ReloadAttributeSets(clickhouse_, database_));
  return {};
}

Result<void> BlockInserter::InsertOne(uint64_t block, const otlp::TableBlock& table) {
  if (FaultPoint(fault_begin_)) return Fail(Code::kUnavailable, "insert into {}: injected fault", table.table);
  if (FaultPoint(fault_refused_)) {
    return Fail(Code::kInvalidArgument, "insert into {}: injected refusal", table.table);
  }
  const std::string token = fmt::format("{}-{}-{}", table.table, block, table.day);
  const auto columns = columns_.find(table.table);
  SIGHTLINE_CHECK(columns != columns_.end());
  Result<void> inserted =
      clickhouse_.InsertNative(fmt::format("{}.{}", database_, table.table), columns->second, table.native, token);
  if (!inserted) return Wrap(fmt::format("insert {} rows into {}", table.rows, table.table), inserted.error());
  metrics_.GetCounter("sightline.store.rows", "{row}", "Rows inserted.", {{"table", std::string(table.table)}})
      .Add(table.rows);
  if (FaultPoint(fault_end_)) return Fail(Code::kUnavailable, "insert into {}: injected fault", table.table);
  return {};
}

Result<bool> BlockInserter::IsStored(uint64_t block, const otlp::TableBlock& table) {
  QueryOptions options;
  options.parameters = {{"block", fmt::format("{}", block)}, {"day", fmt::format("{}", table.day)}};
  auto rows = clickhouse_.Rows(fmt::format("SELECT count() FROM {}.{} WHERE Block = {{block:UInt64}} AND "
                                           "toDate({}, 'UTC') = toDate({{day:Int32}})",
                                           database_, table.table, TimeColumn(table.table)),
                               std::move(options));
  if (!rows) return Wrap(fmt::format("look for block {} in {}", block, table.table), rows.error());
  const uint64_t stored = rows->empty() ? 0 : ToNumber(rows->front().front());
  if (stored != 0 && stored != table.numbered_rows) {
    // An insert is atomic for each day, so this is not ours to explain; adding the rows again would double those that
    // are there.
    Log(LogLevel::kError, "a block is stored in part; it is left as it is",
        {{"table", table.table}, {"block", block}, {"rows_stored", stored}, {"rows_expected", table.numbered_rows}});
    metrics_.GetCounter("sightline.store.partial_blocks", "{block}", "Blocks found stored in part on recovery.").Add(1);
  }
  return stored != 0;
}

Result<uint64_t> BlockInserter::BlockMax(uint64_t known) {
  uint64_t block_max = known;
  for (const std::string& table : block_tables_) {
    auto rows =
        clickhouse_.Rows(fmt::format("SELECT max(Block) FROM {}.{} WHERE Block > {{known:UInt64}}", database_, table),
                         {.parameters = {{"known", fmt::format("{}", known)}}});
    if (!rows) return Wrap("find the last block", rows.error());
    if (!rows->empty()) block_max = std::max(block_max, ToNumber(rows->front().front()));
  }
  return block_max;
}

}  // namespace sightline::store
