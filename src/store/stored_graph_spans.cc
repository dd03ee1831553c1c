#include "store/stored_graph_spans.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/hex.h"
#include "otlp/http_status.h"
#include "otlp/span_metrics.h"
#include "otlp/sql_quote.h"
#include "store/schema.h"
#include "store/schema_text.h"
#include "store/sql_text.h"

namespace sightline::store {
namespace {

constexpr size_t kTextBytesMax = 1 << 20;  // of rows that are parsed at a time

// The value of a string or integer attribute as text, '' if there is none: in its own column, or in the map.
std::string AttributeSql(std::string_view key, const std::vector<otlp::HotAttribute>& hot) {
  const std::string quoted = otlp::QuoteString(key);
  const std::string in_map = fmt::format(
      "if(substring(SpanAttributeTypes, indexOf(mapKeys(SpanAttributes), {0}), 1) IN ('s', 'i'), SpanAttributes[{0}], "
      "'')",
      quoted);
  if (std::ranges::find(hot, key, &otlp::HotAttribute::key) == hot.end()) return in_map;
  const std::string column = otlp::QuoteName(HotColumnName(key));
  return fmt::format("if({0} != '', toString({0}), {1})", column, in_map);
}

// As sample::GraphNoter chooses.
std::string FirstOf(std::string_view key, std::string_view older_key, const std::vector<otlp::HotAttribute>& hot) {
  const std::string value = AttributeSql(key, hot);
  return fmt::format("if({0} != '', {0}, {1})", value, AttributeSql(older_key, hot));
}

// As otlp::HttpStatusNote reads it: 0 for what is not one to three digits.
std::string HttpStatusSql(const std::vector<otlp::HotAttribute>& hot) {
  const auto number = [&](std::string_view key) {
    return fmt::format("toUInt16OrZero(extract({}, '^[0-9][0-9]?[0-9]?$'))", AttributeSql(key, hot));
  };
  const std::string status = number("http.response.status_code");
  return fmt::format("if({0} != 0, {0}, {1})", status, number("http.status_code"));
}

// In the order of `Field`.
std::string SpansSql(const std::string& database, const std::vector<otlp::HotAttribute>& hot) {
  return fmt::format(
      "SELECT Block, hex(TraceId), reinterpretAsUInt64(SpanId), reinterpretAsUInt64(ParentSpanId), "
      "intDiv(toUnixTimestamp64Nano(Timestamp), 1000000000), Duration, "
      "indexOf(['Server', 'Client', 'Producer', 'Consumer'], toString(SpanKind)) + 1 AS Kind, StatusCode = 'Error', "
      "{}, "
      "TraceState, ServiceName, {}, {}, if(Kind = 4, {}, ''), {} "
      "FROM {}.spans PREWHERE Block > {{after:UInt64}} AND Block <= {{to:UInt64}} AND SamplingPolicy = '' "
      "AND SpanKind IN ('Server', 'Client', 'Producer', 'Consumer') "
      "ORDER BY Block SETTINGS max_threads = 1, max_bytes_before_external_sort = 100000000",
      HttpStatusSql(hot), FirstOf("db.system.name", "db.system", hot), FirstOf("db.namespace", "db.name", hot),
      AttributeSql("messaging.system", hot), FirstOf("peer.service", "server.address", hot), database);
}
enum Field : uint8_t {
  kBlock,
  kTraceId,
  kSpanId,
  kParentSpanId,
  kSecond,
  kDuration,
  kKind,
  kIsError,
  kHttpStatus,
  kTraceState,
  kService,
  kSystem,
  kDatabase,
  kMessaging,
  kOther,
  kFields,
};

sample::CallMatcher::Span ReadSpan(const std::vector<std::string>& row, sample::GraphNames& names) {
  char trace_id[16] = {};
  if (row[kTraceId].size() == 2 * sizeof(trace_id)) HexDecode(row[kTraceId], trace_id);
  const sample::Peer peer = sample::PeerOf(row[kSystem], row[kDatabase], row[kMessaging], row[kOther]);
  sample::GraphSpan span{
      .span_id = ToNumber(row[kSpanId]),
      .parent_span_id = ToNumber(row[kParentSpanId]),
      .duration_nanos = ToNumber(row[kDuration]),
      .start_second = static_cast<uint32_t>(std::min<uint64_t>(ToNumber(row[kSecond]), UINT32_MAX)),
      .service = names.Number(row[kService]),
      .weight = static_cast<float>(otlp::SpanWeight(row[kTraceState])),
      .kind = static_cast<uint8_t>(ToNumber(row[kKind])),
      .failed = row[kIsError] == "1" || otlp::IsServerError(static_cast<uint16_t>(ToNumber(row[kHttpStatus])))};
  if (sample::CallCounter::IsCaller(span)) {
    span.peer = names.Number(peer.name);
    span.peer_connection = peer.connection;
  }
  return {XXH3_64bits(trace_id, sizeof(trace_id)), span};  // as otlp::ItemRef::trace_hash
}

}  // namespace

uint64_t ToNumber(std::string_view text) {
  uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

Result<StoredGraphSpans> StoredGraphSpans::Open(ClickHouse& clickhouse, std::string database,
                                                sample::GraphNames& names) {
  // Those that were configured at any time: a column stays.
  const auto hot = StoredHotAttributes(clickhouse, database);
  if (!hot) return std::unexpected(hot.error());
  return StoredGraphSpans(clickhouse, names, SpansSql(database, *hot));
}

Result<void> StoredGraphSpans::ForEach(
    uint64_t after, uint64_t to,
    const std::function<bool(uint64_t block, const sample::CallMatcher::Span& span)>& visit) const {
  if (after >= to) return {};
  std::string text;
  bool is_stopped = false, is_odd = false;
  const auto visit_lines = [&](size_t bytes) {
    for (const auto& row : ParseTabSeparated(std::string_view(text).substr(0, bytes))) {
      is_odd = row.size() != kFields;
      is_stopped = is_odd || !visit(ToNumber(row[kBlock]), ReadSpan(row, *names_));
      if (is_stopped) return;
    }
    text.erase(0, bytes);
  };
  const auto stats = clickhouse_->Query(
      sql_,
      {.parameters = {{"after", fmt::format("{}", after)}, {"to", fmt::format("{}", to)}}, .format = "TabSeparated"},
      [&](std::string_view piece) {
        text += piece;
        if (text.size() >= kTextBytesMax) visit_lines(text.rfind('\n') + 1);
        return !is_stopped;
      });
  if (stats && !is_stopped) visit_lines(text.size());
  if (is_odd) return Fail(Code::kInternal, "the store's answer about spans has other columns than were asked for");
  if (is_stopped) return Fail(Code::kCancelled, "stopped while reading stored spans");
  if (!stats) return Wrap("read stored spans for the service graph", stats.error());
  return {};
}

}  // namespace sightline::store
