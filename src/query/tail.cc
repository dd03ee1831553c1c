#include "query/tail.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "query/encoded_field.h"
#include "query/log_sql.h"
#include "query/span_sql.h"

namespace sightline::query {
namespace {

constexpr const char* kDay = "toUInt16(toDate(Timestamp, 'UTC'))";
// Of a query that needs whole traces so many new spans are judged in a look; those that came last.
constexpr uint32_t kJudgedMax = 2000;

// What became visible since `after`, as a condition on the rows; the look that it makes.
struct New {
  TailLook look;
  std::string condition;  // "": nothing
};

// Rows of blocks behind `from`, and of it those of other days than `done`, up to these days of the block `last`: blocks
// before the last are whole. As long whatever was missed. The first part is what the primary key understands.
std::string After(uint64_t from, const std::vector<uint16_t>& done, uint64_t last, const std::vector<uint16_t>& fresh) {
  std::vector<std::string> parts;
  if (last > from) {
    const std::string rest = done.empty() ? "" : fmt::format(" AND {} NOT IN ({})", kDay, fmt::join(done, ", "));
    parts.push_back(fmt::format("(Block = {}{})", from, rest));
    parts.push_back(fmt::format("(Block > {} AND Block < {})", from, last));
  }
  if (!fresh.empty()) parts.push_back(fmt::format("(Block = {} AND {} IN ({}))", last, kDay, fmt::join(fresh, ", ")));
  return fmt::format("Block >= {} AND Block <= {} AND ({})", from, last, fmt::join(parts, " OR "));
}

Result<New> FindNew(Question& question, const std::string& table, const std::optional<TailPosition>& after) {
  struct Block {
    uint64_t number = 0, rows = 0;
    uint16_t day = 0;
  };
  New found;
  if (!after) {
    SIGHTLINE_TRY(question.ForEachRow("SELECT max(Block) FROM " + table, {},
                                      [&](RowReader& row) { found.look.position.block = row.Number<uint64_t>(); }));
  } else {
    found.look.position = *after;
  }
  const uint64_t from = found.look.position.block;
  std::vector<Block> blocks;
  SIGHTLINE_TRY(question.ForEachRow(
      fmt::format("SELECT Block, {0} AS Day, count() FROM {1} WHERE Block >= {2} GROUP BY Block, Day ORDER BY Block",
                  kDay, table, from),
      {}, [&](RowReader& row) {
        Block block;
        block.number = row.Number<uint64_t>();
        block.day = row.Number<uint16_t>();
        block.rows = row.Number<uint64_t>();
        blocks.push_back(block);
      }));
  const std::vector<uint16_t> done = found.look.position.days;
  std::vector<uint16_t> fresh;  // days of the last block that were not seen
  for (const Block& block : blocks) {
    if (block.number > found.look.position.block) found.look.position = {block.number, {}};
    const bool seen = block.number == from && std::ranges::find(done, block.day) != done.end();
    if (block.number == found.look.position.block && !seen) found.look.position.days.push_back(block.day);
    if (!after || seen) continue;
    found.look.stored += block.rows;
    if (block.number == blocks.back().number) fresh.push_back(block.day);
  }
  if (found.look.stored > 0) found.condition = After(from, done, blocks.back().number, fresh);
  return found;
}

Result<void> CheckLimit(uint32_t limit) {
  if (limit >= 1 && limit <= kTailItemsMax) return {};
  return Fail(Code::kInvalidArgument, "limit {} is not within 1 to {}", limit, kTailItemsMax);
}

// Counts what matches, and gives the last `limit` of it to `read`, oldest first.
Result<void> ReadLast(Question& question, const std::string& table, const std::string& columns,
                      const Conditions& conditions, uint32_t limit, uint64_t& matched,
                      const std::function<void(RowReader& row)>& read) {
  SIGHTLINE_TRY(question.ForEachRow(fmt::format("SELECT count() FROM {} WHERE {}", table, conditions.Sql()),
                                    conditions.parameters(),
                                    [&](RowReader& row) { matched = row.Number<uint64_t>(); }));
  if (matched == 0) return {};
  return question.ForEachRow(
      fmt::format(
          "SELECT * FROM (SELECT {} FROM {} WHERE {} ORDER BY Block DESC, Timestamp DESC LIMIT {}) ORDER BY Block, "
          "Timestamp",
          columns, table, conditions.Sql(), limit),
      conditions.parameters(), read);
}

Result<void> ChooseFields(const TailSearch& search, const FieldColumns& columns, Conditions& conditions,
                          std::vector<std::string>& names, std::string& literals) {
  for (const std::string& name : search.select) {
    auto field = ParseField(name, /*of_logs=*/false);
    if (!field) return std::unexpected(field.error());
    auto sql = EncodedField(*field, columns, conditions);
    if (!sql) return std::unexpected(sql.error());
    names.push_back(traceql::PrintField(*field));
    literals += (literals.empty() ? "" : ", ") + *sql;
  }
  if (literals.empty()) literals = "''";
  return {};
}

// Of the candidates those that match in their traces.
Result<void> Judge(ItemSource& source, Question& question, const traceql::Pipeline& pipeline, SpanTail& tail,
                   uint32_t limit) {
  std::vector<SpanPoint> candidates;
  std::set<std::string> traces;
  for (const ListedSpan& span : tail.spans) {
    if (traces.insert(span.span.trace_id).second) candidates.push_back(span.span);
  }
  if (candidates.empty()) return {};
  auto matches = source.Judge(question, pipeline, candidates);
  if (!matches) return std::unexpected(matches.error());
  std::erase_if(tail.spans, [&](const ListedSpan& span) {
    const auto of_trace = matches->find(span.span.trace_id);
    return of_trace == matches->end() ||
           std::ranges::find(of_trace->second, span.span.span_id, &SpanPoint::span_id) == of_trace->second.end();
  });
  tail.matched = tail.spans.size();
  if (tail.spans.size() > limit) tail.spans.erase(tail.spans.begin(), tail.spans.end() - limit);
  return {};
}

}  // namespace

Result<SpanTail> TailReader::ReadSpans(const TailSearch& search, store::Cancellation* cancellation) {
  SIGHTLINE_TRY(CheckLimit(search.limit));
  Question question = source_.Ask(cancellation);
  const std::string table = question.Table("spans");
  SpanTail tail;
  Conditions conditions;
  std::string literals;
  const FieldColumns columns{source_.hot_attributes(), question.Table("attribute_sets")};
  SIGHTLINE_TRY(ChooseFields(search, columns, conditions, tail.fields, literals));
  const bool exact = search.query.spans == nullptr ||
                     search.query.spans->AddCandidates(conditions, source_.hot_attributes(), columns.attribute_sets);
  auto found = FindNew(question, table, search.after);
  if (!found) return std::unexpected(found.error());
  static_cast<TailLook&>(tail) = found->look;
  if (!found->condition.empty()) {
    conditions.Add(found->condition);
    SIGHTLINE_TRY(ReadLast(question, table, fmt::format("{}, Block, [{}] AS Literals", kPointColumns, literals),
                           conditions, exact ? search.limit : kJudgedMax, tail.matched, [&](RowReader& row) {
                             ListedSpan span;
                             span.span = ReadPoint(row);
                             span.block = row.Number<uint64_t>();
                             for (const auto& value : row.Texts()) span.literals.push_back(DecodedField(value));
                             span.literals.resize(tail.fields.size());
                             tail.spans.push_back(std::move(span));
                           }));
    if (!exact) SIGHTLINE_TRY(Judge(source_, question, search.query.spans->pipeline(), tail, search.limit));
  }
  tail.scanned = question.stats();
  return tail;
}

Result<LogTail> TailReader::ReadLogs(const TailSearch& search, store::Cancellation* cancellation) {
  SIGHTLINE_TRY(CheckLimit(search.limit));
  Question question = source_.Ask(cancellation);
  const std::string table = question.Table("logs");
  LogTail tail;
  auto conditions = MatchConditions(LogFilter{.condition = search.query.logs}, question);
  if (!conditions) return std::unexpected(conditions.error());
  auto found = FindNew(question, table, search.after);
  if (!found) return std::unexpected(found.error());
  static_cast<TailLook&>(tail) = found->look;
  if (!found->condition.empty()) {
    conditions->Add(found->condition);
    SIGHTLINE_TRY(ReadLast(question, table, fmt::format("{}, Block", kRecordColumns), *conditions, search.limit,
                           tail.matched, [&](RowReader& row) {
                             LogRecord record = ReadRecord(row);
                             row.Number<uint64_t>();
                             tail.records.push_back(std::move(record));
                           }));
  }
  std::set<std::string> ids;
  for (const LogRecord& record : tail.records) ids.insert({record.resource_id, record.scope_id});
  auto sets = source_.attribute_sets().Read(question, std::move(ids));
  if (!sets) return std::unexpected(sets.error());
  tail.attribute_sets = *std::move(sets);
  tail.scanned = question.stats();
  return tail;
}

}  // namespace sightline::query
