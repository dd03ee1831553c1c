#include "query/span_read.h"

#include <algorithm>
#include <deque>
#include <set>
#include <string_view>
#include <tuple>

#include "otlp/attribute_columns.h"
#include "otlp/filled_columns.h"
#include "otlp/sql_quote.h"
#include "query/span_sql.h"

namespace sightline::query {
namespace {

// What every span has. Read by ReadSpan, in its order. Columns as they are stored: a function costs the engine more in
// planning than a trace costs in reading.
constexpr const char* kSpanColumns =
    "ParentSpanId, SpanName, SpanKind, ServiceName, StatusCode, Duration, ResourceId, ScopeName, SpanAttributes, "
    "SpanAttributeTypes, Events.Name.size0, Links.TraceId.size0, AdjustedCount, FilledColumns";

// What otlp::MayBeUnfilled names beside hot attributes.
struct RareText {
  std::string_view name;
  std::string Span::* field;
};
constexpr RareText kRareTexts[] = {
    {"TraceState", &Span::trace_state},
    {"StatusMessage", &Span::status_message},
    {"ScopeVersion", &Span::scope_version},
    {"ScopeId", &Span::scope_id},
    {"Repairs", &Span::repairs},
    {"SamplingPolicy", &Span::sampling_policy},
};
struct RareNumber {
  std::string_view name;
  uint32_t Span::* field;
};
constexpr RareNumber kRareNumbers[] = {
    {"Flags", &Span::flags},
    {"DroppedAttributesCount", &Span::dropped_attributes},
    {"DroppedEventsCount", &Span::dropped_events},
    {"DroppedLinksCount", &Span::dropped_links},
};

// Reads of spans without a column after which it is no longer asked for at once: about what a statement for it costs
// more than the column.
constexpr int kForgottenAfterReads = 20;

using Names = std::set<std::string, std::less<>>;

// What ReadEvents and ReadLinks read, in their order.
constexpr const char* kEventColumns =
    "Events.Timestamp, Events.Name, Events.Attributes, Events.AttributeTypes, Events.DroppedAttributesCount";
constexpr const char* kLinkColumns =
    "Links.TraceId, Links.SpanId, Links.TraceState, Links.Attributes, Links.AttributeTypes, "
    "Links.DroppedAttributesCount, Links.Flags";

std::vector<Event> ReadEvents(RowReader& row) {
  auto times = row.Numbers<int64_t>();
  auto names = row.Texts();
  auto attributes = ReadMaps(row);
  auto types = row.Texts();
  auto dropped = row.Numbers<uint32_t>();
  std::vector<Event> events(times.size());
  for (size_t i = 0; i < events.size(); ++i) {
    SetTypes(attributes.at(i), types.at(i));
    events[i] = {times[i], std::move(names.at(i)), std::move(attributes[i]), dropped.at(i)};
  }
  return events;
}

std::vector<Link> ReadLinks(RowReader& row) {
  auto trace_ids = row.Array([&] { return row.Hex(16); });
  auto span_ids = row.Array([&] { return row.Hex(8); });
  auto states = row.Texts();
  auto attributes = ReadMaps(row);
  auto types = row.Texts();
  auto dropped = row.Numbers<uint32_t>();
  auto flags = row.Numbers<uint32_t>();
  std::vector<Link> links(trace_ids.size());
  for (size_t i = 0; i < links.size(); ++i) {
    SetTypes(attributes.at(i), types.at(i));
    links[i] = {std::move(trace_ids[i]), std::move(span_ids.at(i)),
                std::move(states.at(i)), std::move(attributes[i]),
                dropped.at(i),           flags.at(i)};
  }
  return links;
}

// Events and links are as many as there are, still empty. Returns which columns the row fills.
std::string ReadSpan(RowReader& row, Span& span) {
  span.parent_span_id = row.SpanIdOrNone();
  span.name = row.Text();
  span.kind = row.Text();
  span.service = row.Text();
  span.status = row.Text();
  span.duration_nanos = row.Number<uint64_t>();
  span.resource_id = row.Text();
  span.scope_name = row.Text();
  span.attributes = ReadMap(row);
  SetTypes(span.attributes, row.Text());
  span.events.resize(row.Number<uint64_t>());
  span.links.resize(row.Number<uint64_t>());
  span.adjusted_count = row.Number<double>();
  return row.Text();
}

void AddNames(std::string_view filled, Names& names) {
  while (!filled.empty()) {
    const size_t end = std::min(filled.find(otlp::kFilledSeparator), filled.size());
    names.emplace(filled.substr(0, end));
    filled.remove_prefix(std::min(end + 1, filled.size()));
  }
}

}  // namespace

std::set<std::string, std::less<>> FilledLately::Columns() const {
  const std::lock_guard lock(mutex_);
  Names names;
  for (const auto& [name, reads] : unfilled_reads_) names.insert(name);
  return names;
}

void FilledLately::Learn(const std::set<std::string, std::less<>>& filled) {
  const std::lock_guard lock(mutex_);
  for (auto& [name, reads] : unfilled_reads_) ++reads;
  for (const std::string& name : filled) unfilled_reads_[name] = 0;
  std::erase_if(unfilled_reads_, [](const auto& column) { return column.second > kForgottenAfterReads; });
}

// Some of the columns that may be unfilled: which, and how they are read.
class SpanReading::Columns {
 public:
  Columns(const std::vector<otlp::HotAttribute>& hot_attributes,
          const std::function<bool(const std::string&)>& wanted) {
    const auto want = [&](std::string name) {
      if (!wanted(name)) return false;
      names_.insert(std::move(name));
      return true;
    };
    for (const RareText& text : kRareTexts) {
      if (want(std::string(text.name))) texts_.push_back(&text);
    }
    for (const RareNumber& number : kRareNumbers) {
      if (want(std::string(number.name))) numbers_.push_back(&number);
    }
    for (const auto& attribute : hot_attributes) {
      if (want("a." + attribute.key)) hot_.push_back(&attribute);
    }
  }

  bool Contains(const std::string& name) const { return names_.contains(name); }
  bool empty() const { return names_.empty(); }

  // ", a, b" in the order of Read.
  std::string Sql() const {
    std::string sql;
    for (const RareText* text : texts_) sql += fmt::format(", {}", text->name);
    for (const RareNumber* number : numbers_) sql += fmt::format(", {}", number->name);
    for (const auto* attribute : hot_) sql += ", " + otlp::QuoteName("a." + attribute->key);
    return sql;
  }

  void Read(RowReader& row, Span& span) const {
    for (const RareText* text : texts_) span.*text->field = row.Text();
    for (const RareNumber* number : numbers_) span.*number->field = row.Number<uint32_t>();
    for (const auto* attribute : hot_) {
      std::string text = row.Text();  // empty means absent
      if (!text.empty())
        span.attributes.push_back({attribute->key, otlp::TypeLetter(attribute->type), std::move(text)});
    }
  }

  // What was read into `from`.
  void Move(Span& from, Span& to) const {
    for (const RareText* text : texts_) to.*text->field = std::move(from.*text->field);
    for (const RareNumber* number : numbers_) to.*number->field = from.*number->field;
    for (Attribute& attribute : from.attributes) to.attributes.push_back(std::move(attribute));
  }

 private:
  std::vector<const RareText*> texts_;
  std::vector<const RareNumber*> numbers_;
  std::vector<const otlp::HotAttribute*> hot_;
  Names names_;
};

// What tells a span from others of its trace, and their order. A client that got no answer may have sent it twice, so
// not even this is always one row.
struct SpanReading::Place {
  int64_t start_unix_nanos = 0;
  std::string span_id;
  uint64_t block = 0;
  auto operator<=>(const Place&) const = default;

  static constexpr const char* kColumns = "Timestamp, SpanId, Block";
  static Place Read(RowReader& row) {
    Place place;
    place.start_unix_nanos = row.Number<int64_t>();
    place.span_id = row.Hex(8);
    place.block = row.Number<uint64_t>();
    return place;
  }
};

// The spans that the first statement found.
class SpanReading::Spans {
 public:
  void Add(const Place& place, Span span, std::string_view filled) {
    span.span_id = place.span_id;
    span.start_unix_nanos = place.start_unix_nanos;
    by_place_[place].push_back(spans_.size());
    spans_.push_back(std::move(span));
    AddNames(filled, filled_);
    last_start_ = std::max(last_start_, place.start_unix_nanos);
    block_min_ = std::min(block_min_, place.block);
    block_max_ = std::max(block_max_, place.block);
  }

  // For each row of a later statement the span it belongs to, of those that `may_have` a row in it; null if the row
  // came in between. `next` remembers how far it is at each place.
  using Seen = std::map<Place, size_t>;
  Span* Find(const Place& place, Seen& next, auto may_have) {
    const auto found = by_place_.find(place);
    if (found == by_place_.end()) return nullptr;
    for (size_t& position = next[place]; position < found->second.size();) {
      Span& span = spans_[found->second[position++]];
      if (may_have(span)) return &span;
    }
    return nullptr;
  }

  const Names& filled() const { return filled_; }
  size_t size() const { return spans_.size(); }
  bool Any(auto condition) const { return std::ranges::any_of(spans_, condition); }
  int64_t last_start() const { return last_start_; }
  uint64_t block_min() const { return block_min_; }
  uint64_t block_max() const { return block_max_; }

  std::vector<Span> Take() {
    std::vector<Span> in_order;
    in_order.reserve(spans_.size());
    for (const auto& [place, positions] : by_place_) {
      for (const size_t position : positions) in_order.push_back(std::move(spans_[position]));
    }
    for (Span& span : in_order) std::ranges::sort(span.attributes, {}, &Attribute::key);
    return in_order;
  }

 private:
  std::vector<Span> spans_;
  std::map<Place, std::vector<size_t>> by_place_;
  Names filled_;
  int64_t last_start_ = INT64_MIN;
  uint64_t block_min_ = UINT64_MAX, block_max_ = 0;
};

std::string SpanReading::Select(const std::string& columns, const Spans& spans) const {
  // The blocks are the primary key: without them the indexes of all parts would be read again. What was cut off is
  // later.
  return fmt::format(
      "SELECT {}{} FROM {} WHERE Block >= {} AND Block <= {} AND Timestamp <= fromUnixTimestamp64Nano(toInt64({})) AND "
      "{}",
      Place::kColumns, columns, question_.Table("spans"), spans.block_min(), spans.block_max(), spans.last_start(),
      condition_);
}

SpanReading::Columns SpanReading::LatelyFilled() const {
  const Names lately = filled_lately_.Columns();
  const bool all = lately.contains(otlp::kFilledUnknown);
  return Columns(hot_attributes_, [&](const std::string& name) { return all || lately.contains(name); });
}

Result<std::vector<Span>> SpanReading::Read(size_t limit) {
  auto all = ReadAll(limit);
  if (!all) return std::unexpected(all.error());
  if (*all) return std::move(**all);
  const Columns known = LatelyFilled();
  Spans spans;
  SIGHTLINE_TRY(ReadFirst(spans, known, fmt::format("ORDER BY {} LIMIT {}", Place::kColumns, limit)));
  return ReadRest(spans, known);
}

// To order them costs the engine a millisecond, and only where some are cut off it matters which come.
Result<std::optional<std::vector<Span>>> SpanReading::ReadAll(size_t limit) {
  const Columns known = LatelyFilled();
  Spans spans;
  SIGHTLINE_TRY(ReadFirst(spans, known, fmt::format("LIMIT {}", limit + 1)));
  if (spans.size() > limit) return std::nullopt;
  return ReadRest(spans, known);
}

Result<std::vector<Span>> SpanReading::ReadRest(Spans& spans, const Columns& known) {
  if (!spans.filled().empty()) filled_lately_.Learn(spans.filled());
  SIGHTLINE_TRY(ReadMissing(spans, known));
  SIGHTLINE_TRY(ReadLists(spans, kEventColumns, "Events.Name.size0", &Span::events, ReadEvents));
  SIGHTLINE_TRY(ReadLists(spans, kLinkColumns, "Links.TraceId.size0", &Span::links, ReadLinks));
  return spans.Take();
}

Result<void> SpanReading::ReadFirst(Spans& spans, const Columns& known, const std::string& limit) {
  return question_.ForEachRow(
      fmt::format("SELECT {}, {}{}{} FROM {} WHERE {} {}{}", Place::kColumns, kSpanColumns, known.Sql(),
                  of_many_traces_ ? ", TraceId" : "", question_.Table("spans"), condition_, limit, kSkipFirst),
      parameters_, [&](RowReader& row) {
        const Place place = Place::Read(row);
        Span span;
        const std::string filled = ReadSpan(row, span);
        known.Read(row, span);
        if (of_many_traces_) span.trace_id = row.Hex(16);
        spans.Add(place, std::move(span), filled);
      });
}

Result<void> SpanReading::ReadMissing(Spans& spans, const Columns& known) {
  const bool all = spans.filled().contains(otlp::kFilledUnknown);
  const Columns missing(hot_attributes_, [&](const std::string& name) {
    return (all || spans.filled().contains(name)) && !known.Contains(name);
  });
  if (missing.empty()) return {};
  Spans::Seen next;
  return question_.ForEachRow(Select(missing.Sql(), spans) + kSkipFirst, parameters_, [&](RowReader& row) {
    const Place place = Place::Read(row);
    Span read;
    missing.Read(row, read);
    Span* span = spans.Find(place, next, [](const Span&) { return true; });
    if (span != nullptr) missing.Move(read, *span);
  });
}

// Events, or links. `filled` is not 0 in rows that have any.
template <typename List, typename ReadList>
Result<void> SpanReading::ReadLists(Spans& spans, const char* columns, const char* filled, List Span::* list,
                                    ReadList read) {
  const auto has_any = [list](const Span& span) { return !(span.*list).empty(); };
  if (!spans.Any(has_any)) return {};
  Spans::Seen next;
  return question_.ForEachRow(
      Select(fmt::format(", {}", columns), spans) + fmt::format(" AND {} != 0{}", filled, kSkipFirst), parameters_,
      [&](RowReader& row) {
        const Place place = Place::Read(row);
        List read_list = read(row);
        Span* span = spans.Find(place, next, has_any);
        if (span != nullptr) span->*list = std::move(read_list);
      });
}

}  // namespace sightline::query
