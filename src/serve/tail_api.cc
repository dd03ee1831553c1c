#include "serve/tail_api.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>

#include "serve/attribute_json.h"
#include "serve/log_json.h"
#include "serve/span_rows_json.h"

namespace sightline::serve {
namespace {

constexpr uint32_t kTailItemsDefault = 100;

// Days since 1970 of the last block, with spaces between them.
std::optional<std::vector<uint16_t>> ReadDays(std::string_view text) {
  std::vector<uint16_t> days;
  while (!text.empty()) {
    uint16_t day = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), day);
    if (error != std::errc()) return std::nullopt;
    days.push_back(day);
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (text.empty()) break;
    if (text.front() != ' ') return std::nullopt;
    text.remove_prefix(1);
  }
  return days;
}

Result<query::TailSearch> ReadSearch(ApiCall& call, otlp::Signal signal) {
  query::TailSearch search;
  Params& params = call.params;
  const std::string text = params.Text("q");
  search.limit = params.Limit(kTailItemsDefault, query::kTailItemsMax);
  if (signal == otlp::Signal::kTraces) search.select = params.Fields("select", query::kSpanListFieldsMax);
  if (const auto fields = params.Position(2); !fields.empty()) {
    const auto block = static_cast<uint64_t>(params.PositionNumber(fields[0]));
    auto days = ReadDays(fields[1]);
    if (!days) params.Refuse("cursor", {Code::kInvalidArgument, "this is no cursor"});
    search.after = query::TailPosition{block, days.value_or(std::vector<uint16_t>())};
  }
  SIGHTLINE_TRY(params.Check());
  auto parsed = query::ParseItemQuery(signal, text, 0, INT64_MAX);
  if (!parsed) return call.Blame("q", parsed.error());
  search.query = *std::move(parsed);
  return search;
}

void WriteLook(ApiCall& call, const query::TailLook& look, const store::QueryStats& scanned) {
  call.json.Key("matched").UInt(look.matched).Key("stored").UInt(look.stored);
  WriteNextCursor(call.json, call.params.NextCursor({std::to_string(look.position.block),
                                                     fmt::format("{}", fmt::join(look.position.days, " "))}));
  WriteScanned(call.json, scanned);
}

}  // namespace

void TailApi::AddTo(Router& router) {
  router.Add({"GET", "/api/v1/tail/spans", [this](ApiCall& call) { return Spans(call); }});
  router.Add({"GET", "/api/v1/tail/logs", [this](ApiCall& call) { return Logs(call); }});
}

Result<void> TailApi::Spans(ApiCall& call) {
  auto search = ReadSearch(call, otlp::Signal::kTraces);
  if (!search) return std::unexpected(search.error());
  auto tail = reader_.ReadSpans(*search, call.cancellation());
  if (!tail) return call.Blame("select", tail.error());
  call.json.Begin('{');
  WriteSpanRows(call.json, tail->fields, tail->spans);
  WriteLook(call, *tail, tail->scanned);
  call.json.End('}');
  return {};
}

Result<void> TailApi::Logs(ApiCall& call) {
  auto search = ReadSearch(call, otlp::Signal::kLogs);
  if (!search) return std::unexpected(search.error());
  auto tail = reader_.ReadLogs(*search, call.cancellation());
  if (!tail) return call.Blame("q", tail.error());
  call.json.Begin('{').Key("logs").Begin('[');
  for (const auto& record : tail->records) WriteLogRecord(call.json, record);
  call.json.End(']');
  WriteAttributeSets(call.json, tail->attribute_sets);
  WriteLook(call, *tail, tail->scanned);
  call.json.End('}');
  return {};
}

}  // namespace sightline::serve
