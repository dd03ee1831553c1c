#include "otlp/scan.h"

#include <algorithm>
#include <cmath>
#include <limits>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "otlp/http_status.h"
#include "otlp/plain_attribute.h"
#include "otlp/scan_check.h"
#include "otlp/wire.h"
#include "otlp/wire_fields.h"
#include "otlp/wire_schema.h"

namespace sightline::otlp {
namespace {

constexpr size_t kTraceIdBytes = 16;
constexpr size_t kSpanIdBytes = 8;

// An item can be as small as two bytes, its ItemRef is not: this bounds what a request of nothing but empty items
// costs.
constexpr uint32_t kItemsPerRequestMax = 4 << 20;

template <typename T>
T Load(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

bool IsTraceId(std::string_view id) {
  return id.size() == kTraceIdBytes && (Load<uint64_t>(id.data()) | Load<uint64_t>(id.data() + 8)) != 0;
}

bool IsSpanId(std::string_view id) {
  return id.size() == kSpanIdBytes && Load<uint64_t>(id.data()) != 0;
}

uint64_t TraceHash(std::string_view trace_id) {
  return IsTraceId(trace_id) ? XXH3_64bits(trace_id.data(), kTraceIdBytes) : 0;
}

Message KindOfData(uint32_t metric_tag) {
  switch (metric_tag) {
    case field::metric::kGauge:
      return Message::kGauge;
    case field::metric::kSum:
      return Message::kSum;
    case field::metric::kHistogram:
      return Message::kHistogram;
    case field::metric::kExponentialHistogram:
      return Message::kExponentialHistogram;
    case field::metric::kSummary:
      return Message::kSummary;
    default:
      return Message::kNone;
  }
}

uint64_t CountBuckets(std::string_view buckets) {
  uint64_t count = 0;
  for (FieldReader fields(buckets); fields.Next();) {
    if (fields.tag() == field::buckets::kBucketCounts)
      ForEachPackedVarint(fields.bytes(), [&count](uint64_t) { ++count; });
    count += fields.tag() == field::buckets::kBucketCountsUnpacked ? 1 : 0;
  }
  return count;
}

std::string_view ItemNoun(Signal signal) {
  constexpr std::string_view kNouns[] = {"span", "data point", "log record"};
  return kNouns[static_cast<uint8_t>(signal)];
}

// What of a histogram point's buckets decides whether it is kept. Exponential ones have no bounds to fit.
struct Buckets {
  uint64_t counts = 0;  // of the longer side, if there are two
  uint64_t bounds = 0;
  double last_bound = 0;
  bool rising = true;  // strictly; a NaN never is
  bool must_fit = false;

  void AddBound(double bound) {
    rising = rising && (bounds == 0 ? !std::isnan(bound) : bound > last_bound);
    last_bound = bound;
    ++bounds;
  }

  void AddExplicit(const FieldReader& fields) {
    must_fit = true;
    switch (fields.tag()) {
      case field::histogram_data_point::kBucketCounts:
        counts += fields.bytes().size() / 8;
        break;
      case field::histogram_data_point::kBucketCountsUnpacked:
        ++counts;
        break;
      case field::histogram_data_point::kExplicitBounds:
        ForEachPackedFixed64(fields.bytes(), [this](uint64_t raw) { AddBound(std::bit_cast<double>(raw)); });
        break;
      case field::histogram_data_point::kExplicitBoundsUnpacked:
        AddBound(fields.Double());
        break;
      default:
        break;
    }
  }
};

uint64_t IdNumber(std::string_view span_id) {
  return span_id.size() == kSpanIdBytes ? Load<uint64_t>(span_id.data()) : 0;
}

// Room for `more` elements. At least doubles what there is, as many scopes may come with one item each.
template <typename T>
void MakeRoom(std::vector<T>& elements, size_t more) {
  const size_t wanted = elements.size() + std::min<size_t>(more, kItemsPerRequestMax);
  if (wanted > elements.capacity()) elements.reserve(std::max(wanted, 2 * elements.capacity()));
}

// The fields of a span that only its head wants.
class HeadNotes {
 public:
  void Note(const FieldReader& fields) {
    switch (fields.tag()) {
      case field::span::kName:
        name_ = fields.bytes();
        break;
      case field::span::kTraceState:
        trace_state_ = fields.bytes();
        break;
      case field::span::kParentSpanId:
        parent_span_id_ = fields.bytes();
        break;
      case field::span::kKind:
        kind_ = fields.Uint();
        break;
      case field::span::kFlags:
        flags_ = fields.Uint32();
        break;
      case field::span::kStatus:
        status_ = fields.bytes();
        break;
      case field::span::kAttributes:
        http_status_.Look(fields.bytes());
        break;
      default:
        break;
    }
  }
  void Note(const PlainAttribute& attribute) { http_status_.Look(attribute); }

  void Write(SpanHead& head, std::string_view request) const {
    constexpr uint64_t kKindMax = 5, kStatusMax = 2;
    const auto slice = [&](std::string_view bytes) {
      return bytes.empty()
                 ? Slice{}
                 : Slice{static_cast<uint32_t>(bytes.data() - request.data()), static_cast<uint32_t>(bytes.size())};
    };
    head.name = slice(name_);
    head.trace_state = slice(trace_state_);
    head.parent_span_id = IdNumber(parent_span_id_);
    head.flags = flags_;
    head.http_status = http_status_.status();
    head.kind = kind_ <= kKindMax ? static_cast<uint8_t>(kind_) : 0;
    uint64_t code = 0;
    for (FieldReader fields(status_); fields.Next();)
      if (fields.tag() == field::status::kCode) code = fields.Uint();
    head.status = code <= kStatusMax ? static_cast<uint8_t>(code) : 0;
  }

 private:
  std::string_view name_, trace_state_, parent_span_id_, status_;
  uint64_t kind_ = 0;
  uint32_t flags_ = 0;
  HttpStatusNote http_status_;
};

// The walk of one request, containers first, then items. Functions return false when the request is malformed; check_
// then has the error. With `replay` the decisions stand and only places are looked for. Thread: one.
class Scanner {
 public:
  Scanner(Signal signal, std::string_view request, const Limits& limits, int64_t oldest_unix_nanos,
          const std::vector<uint32_t>* replay, SpanHeads heads)
      : signal_(signal),
        notes_heads_(heads == SpanHeads::kNote),
        request_(request),
        buckets_max_(limits.buckets_per_point_max),
        oldest_unix_nanos_(oldest_unix_nanos > 0 ? static_cast<uint64_t>(oldest_unix_nanos) : 0),
        replay_(replay),
        check_(request, RequestMessage(signal), std::min(limits.value_depth_max, kValueDepthCap), replay != nullptr) {}

  Result<Scan> Run() {
    if (request_.size() > std::numeric_limits<uint32_t>::max())
      return Fail(Code::kInvalidArgument, "a request of {} bytes: more than 4 GiB - 1", request_.size());
    if (!Resources()) return std::unexpected(check_.TakeError());
    return std::move(scan_);
  }

 private:
  bool Resources();
  bool ResourceItems(std::string_view bytes);
  bool ScopeItems(std::string_view bytes, const ScopeRef& resource, bool resource_deep);
  bool Context(Message message, std::string_view bytes, Slice& slice, bool& deep);

  bool Item(std::string_view bytes);
  template <bool kNotesHead>
  bool Span(std::string_view bytes);
  bool Log(std::string_view bytes);
  bool Metric(std::string_view bytes);
  bool Points(Message kind, std::string_view data, std::string_view metric);
  bool Point(Message kind, std::string_view bytes, bool& kept);

  bool NextOrdinal(std::string_view item, uint32_t& ordinal);
  bool RefusedBefore(uint32_t ordinal);
  bool JudgeCommon(uint32_t ordinal, uint64_t unix_nanos);
  bool JudgeBuckets(uint32_t ordinal, const Buckets& buckets);
  void Keep(std::string_view message, uint32_t ordinal, uint64_t trace_hash);
  template <typename... Args>
  bool Refuse(uint32_t ordinal, Refusal reason, fmt::format_string<Args...> text, Args&&... args);

  Slice SliceOf(std::string_view bytes) const {
    return {check_.Offset(bytes.data()), static_cast<uint32_t>(bytes.size())};
  }
  Message OfSignal(Message traces, Message metrics, Message logs) const {
    return signal_ == Signal::kTraces ? traces : signal_ == Signal::kMetrics ? metrics : logs;
  }

  const Signal signal_;
  const bool notes_heads_;
  const std::string_view request_;
  const uint32_t buckets_max_;
  const uint64_t oldest_unix_nanos_;
  const std::vector<uint32_t>* const replay_;
  size_t replayed_ = 0;  // ordinals of *replay_ that were met

  WireCheck check_;
  bool context_deep_ = false;  // attributes of the resource or scope are nested too deep
  ScopeRef scope_ref_;         // of the items that follow
  bool scope_listed_ = false;  // scope_ref_ is the last of scan_.scopes
  Scan scan_;
};

// --- containers

bool Scanner::Resources() {
  FieldReader fields(request_);
  while (fields.Next()) {
    const bool right = fields.tag() == field::request::kResources ? ResourceItems(fields.bytes())
                                                                  : check_.Field(RequestMessage(signal_), fields);
    if (!right) return false;
  }
  return check_.Ended(RequestMessage(signal_), fields);
}

// Resource and schema URL may stand behind the scopes that they are about: they are found first, in a walk over this
// level only.
bool Scanner::ResourceItems(std::string_view bytes) {
  const Message message = OfSignal(Message::kResourceSpans, Message::kResourceMetrics, Message::kResourceLogs);
  ScopeRef ref;
  bool deep = false;
  FieldReader fields(bytes);
  while (fields.Next()) {
    switch (fields.tag()) {
      case field::resource_items::kResource:
        if (!Context(Message::kResource, fields.bytes(), ref.resource, deep)) return false;
        break;
      case field::resource_items::kScopes:
        break;
      case field::resource_items::kSchemaUrl:
        ref.resource_schema_url = SliceOf(fields.bytes());
        break;
      default:
        if (!check_.Field(message, fields)) return false;
    }
  }
  if (!check_.Ended(message, fields)) return false;
  for (FieldReader again(bytes); again.Next();)
    if (again.tag() == field::resource_items::kScopes && !ScopeItems(again.bytes(), ref, deep)) return false;
  return true;
}

bool Scanner::ScopeItems(std::string_view bytes, const ScopeRef& resource, bool resource_deep) {
  const Message message = OfSignal(Message::kScopeSpans, Message::kScopeMetrics, Message::kScopeLogs);
  scope_ref_ = resource;
  scope_listed_ = false;
  context_deep_ = resource_deep;
  size_t items = 0;
  FieldReader fields(bytes);
  while (fields.Next()) {
    switch (fields.tag()) {
      case field::scope_items::kScope:
        if (!Context(Message::kInstrumentationScope, fields.bytes(), scope_ref_.scope, context_deep_)) return false;
        break;
      case field::scope_items::kItems:
        ++items;
        break;
      case field::scope_items::kSchemaUrl:
        scope_ref_.scope_schema_url = SliceOf(fields.bytes());
        break;
      default:
        if (!check_.Field(message, fields)) return false;
    }
  }
  if (!check_.Ended(message, fields)) return false;
  MakeRoom(scan_.items, items);
  if (notes_heads_) MakeRoom(scan_.heads, items);
  for (FieldReader again(bytes); again.Next();)
    if (again.tag() == field::scope_items::kItems && !Item(again.bytes())) return false;
  return true;
}

// A Resource or InstrumentationScope: where it lies, and whether its attributes are too deep for all that it is about.
bool Scanner::Context(Message message, std::string_view bytes, Slice& slice, bool& deep) {
  slice = SliceOf(bytes);
  check_.set_too_deep(false);
  if (!check_.All(message, bytes)) return false;
  deep = deep || check_.too_deep();
  return true;
}

// --- items

bool Scanner::Item(std::string_view bytes) {
  check_.set_too_deep(false);
  switch (signal_) {
    case Signal::kTraces:
      return notes_heads_ ? Span<true>(bytes) : Span<false>(bytes);
    case Signal::kMetrics:
      return Metric(bytes);
    case Signal::kLogs:
      return Log(bytes);
  }
  return true;
}

template <bool kNotesHead>
bool Scanner::Span(std::string_view bytes) {
  std::string_view trace_id, span_id;
  uint64_t start = 0, end = 0;
  HeadNotes notes;
  FieldReader fields(bytes);
  while (fields.Next()) {
    switch (fields.tag()) {
      case field::span::kTraceId:
        trace_id = fields.bytes();
        break;
      case field::span::kSpanId:
        span_id = fields.bytes();
        break;
      case field::span::kStartTimeUnixNano:
        start = fields.Uint();
        break;
      case field::span::kEndTimeUnixNano:
        end = fields.Uint();
        break;
      case field::span::kAttributes:  // most of what there is: without calls
        if (PlainAttribute plain;
            SplitPlain(fields.bytes(), plain) && IsPlainValue(plain.value) && check_.value_depth_max() > 0) [[likely]] {
          if constexpr (kNotesHead) notes.Note(plain);
          break;
        }
        [[fallthrough]];
      default:
        if (!check_.Field(Message::kSpan, fields)) return false;
        if constexpr (kNotesHead) notes.Note(fields);
    }
  }
  if (!check_.Ended(Message::kSpan, fields)) return false;

  uint32_t ordinal = 0;
  if (!NextOrdinal(bytes, ordinal)) return false;
  if (replay_ != nullptr) {
    if (RefusedBefore(ordinal)) return true;
  } else if (!IsTraceId(trace_id)) {
    Refuse(ordinal, Refusal::kTraceIdInvalid, "a trace id has 16 bytes, not all zero; this one has {}{}",
           trace_id.size(), trace_id.size() == kTraceIdBytes ? " zero bytes" : "");
    return true;
  } else if (!IsSpanId(span_id)) {
    Refuse(ordinal, Refusal::kSpanIdInvalid, "a span id has 8 bytes, not all zero; this one has {}{}", span_id.size(),
           span_id.size() == kSpanIdBytes ? " zero bytes" : "");
    return true;
  } else if (!JudgeCommon(ordinal, start != 0 ? start : end)) {
    return true;
  }
  Keep(bytes, ordinal, TraceHash(trace_id));
  if constexpr (kNotesHead) {
    SpanHead& head = scan_.heads.emplace_back();
    head.start_unix_nanos = start;
    head.end_unix_nanos = end;
    head.span_id = IdNumber(span_id);
    head.trace_id = check_.Offset(trace_id.data());
    notes.Write(head, request_);
  }
  return true;
}

bool Scanner::Log(std::string_view bytes) {
  std::string_view trace_id;
  uint64_t time = 0, observed = 0;
  FieldReader fields(bytes);
  while (fields.Next()) {
    switch (fields.tag()) {
      case field::log_record::kTraceId:
        trace_id = fields.bytes();
        break;
      case field::log_record::kTimeUnixNano:
        time = fields.Uint();
        break;
      case field::log_record::kObservedTimeUnixNano:
        observed = fields.Uint();
        break;
      default:
        if (!check_.Field(Message::kLogRecord, fields)) return false;
    }
  }
  if (!check_.Ended(Message::kLogRecord, fields)) return false;

  uint32_t ordinal = 0;
  if (!NextOrdinal(bytes, ordinal)) return false;
  const bool keep = replay_ != nullptr ? !RefusedBefore(ordinal) : JudgeCommon(ordinal, time != 0 ? time : observed);
  if (keep) Keep(bytes, ordinal, TraceHash(trace_id));
  return true;
}

// Of several kinds of data the last one counts; earlier ones must be right but hold no data points.
bool Scanner::Metric(std::string_view bytes) {
  Message kind = Message::kNone;
  std::string_view data;
  FieldReader fields(bytes);
  while (fields.Next()) {
    const Message found = KindOfData(fields.tag());
    if (found == Message::kNone) {
      if (!check_.Field(Message::kMetric, fields)) return false;
      continue;
    }
    if (kind != Message::kNone && !check_.All(kind, data)) return false;
    kind = found;
    data = fields.bytes();
  }
  if (!check_.Ended(Message::kMetric, fields)) return false;
  if (kind != Message::kNone) return Points(kind, data, bytes);

  uint32_t ordinal = 0;
  if (!NextOrdinal(bytes, ordinal)) return false;
  if (replay_ != nullptr) {
    RefusedBefore(ordinal);
  } else {
    Refuse(ordinal, Refusal::kNoData, "its metric is no gauge, sum, histogram, exponential histogram or summary");
  }
  return true;
}

bool Scanner::Points(Message kind, std::string_view data, std::string_view metric) {
  const Message point_kind = Info(kind).fields[TagNumber(field::metric_data::kDataPoints)].message;
  const uint32_t first_ordinal = scan_.items_seen;
  uint32_t kept_points = 0;
  FieldReader fields(data);
  while (fields.Next()) {
    if (fields.tag() == field::metric_data::kDataPoints) {
      bool kept = false;
      if (!Point(point_kind, fields.bytes(), kept)) return false;
      kept_points += kept ? 1 : 0;
    } else if (!check_.Field(kind, fields)) {
      return false;
    }
  }
  if (!check_.Ended(kind, fields)) return false;
  if (kept_points == 0) return true;
  Keep(metric, first_ordinal, 0);
  scan_.items_accepted += kept_points - 1;  // Keep counted one
  return true;
}

bool Scanner::Point(Message kind, std::string_view bytes, bool& kept) {
  uint32_t ordinal = 0;
  if (!NextOrdinal(bytes, ordinal)) return false;
  if (replay_ != nullptr) {
    kept = !RefusedBefore(ordinal);
    return true;
  }
  check_.set_too_deep(false);
  uint64_t time = 0;
  Buckets buckets;
  std::string_view positive, negative;
  FieldReader fields(bytes);
  while (fields.Next()) {
    if (!check_.Field(kind, fields)) return false;
    if (fields.tag() == field::data_point::kTimeUnixNano) {
      time = fields.Uint();
    } else if (kind == Message::kHistogramDataPoint) {
      buckets.AddExplicit(fields);
    } else if (kind == Message::kExponentialHistogramDataPoint) {
      if (fields.tag() == field::exponential_histogram_data_point::kPositive) positive = fields.bytes();
      if (fields.tag() == field::exponential_histogram_data_point::kNegative) negative = fields.bytes();
    }
  }
  if (!check_.Ended(kind, fields)) return false;
  if (kind == Message::kExponentialHistogramDataPoint)
    buckets.counts = std::max(CountBuckets(positive), CountBuckets(negative));
  kept = JudgeCommon(ordinal, time) && JudgeBuckets(ordinal, buckets);
  return true;
}

// --- decisions

bool Scanner::NextOrdinal(std::string_view item, uint32_t& ordinal) {
  ordinal = scan_.items_seen++;
  return scan_.items_seen <= kItemsPerRequestMax ||
         check_.Stop(item.data(),
                     fmt::format("more than {} {}s in one request", kItemsPerRequestMax, ItemNoun(signal_)));
}

// Ordinals come in ascending order, in the walk as in the list.
bool Scanner::RefusedBefore(uint32_t ordinal) {
  if (replayed_ == replay_->size() || (*replay_)[replayed_] != ordinal) return false;
  ++replayed_;
  scan_.refused.push_back(ordinal);
  return true;
}

// What holds for items of every signal; false when refused. A time of 0 means none and is never too old.
bool Scanner::JudgeCommon(uint32_t ordinal, uint64_t unix_nanos) {
  if (unix_nanos != 0 && unix_nanos < oldest_unix_nanos_)
    return Refuse(ordinal, Refusal::kTooOld, "its time {} ns is before {} ns, the oldest that is kept", unix_nanos,
                  oldest_unix_nanos_);
  if (context_deep_ || check_.too_deep())
    return Refuse(ordinal, Refusal::kTooDeep, "an attribute value{} is nested deeper than {} levels",
                  context_deep_ ? " of its resource or scope" : "", check_.value_depth_max());
  return true;
}

bool Scanner::JudgeBuckets(uint32_t ordinal, const Buckets& buckets) {
  if (buckets.counts > buckets_max_)
    return Refuse(ordinal, Refusal::kHistogramInvalid, "{} buckets, at most {} are allowed", buckets.counts,
                  buckets_max_);
  if (!buckets.must_fit) return true;
  if (buckets.counts == 0 ? buckets.bounds != 0 : buckets.counts != buckets.bounds + 1)
    return Refuse(ordinal, Refusal::kHistogramInvalid, "{} bucket counts do not fit {} bounds", buckets.counts,
                  buckets.bounds);
  if (!buckets.rising) return Refuse(ordinal, Refusal::kHistogramInvalid, "its bounds do not rise strictly");
  return true;
}

void Scanner::Keep(std::string_view message, uint32_t ordinal, uint64_t trace_hash) {
  if (!scope_listed_) {
    scan_.scopes.push_back(scope_ref_);
    scope_listed_ = true;
  }
  scan_.items.push_back({SliceOf(message), static_cast<uint32_t>(scan_.scopes.size() - 1), ordinal, trace_hash});
  ++scan_.items_accepted;
}

// Always false, as the item is not kept.
template <typename... Args>
bool Scanner::Refuse(uint32_t ordinal, Refusal reason, fmt::format_string<Args...> text, Args&&... args) {
  if (scan_.refused.empty())
    scan_.refusal_message = fmt::format("{} {}: {}: {}", ItemNoun(signal_), ordinal, RefusalName(reason),
                                        fmt::format(text, std::forward<Args>(args)...));
  scan_.refused.push_back(ordinal);
  ++scan_.refused_by_reason[static_cast<size_t>(reason)];
  return false;
}

}  // namespace

std::string_view RefusalName(Refusal refusal) {
  constexpr std::string_view kNames[] = {"trace_id_invalid", "span_id_invalid", "too_old",
                                         "too_deep",         "no_data",         "histogram_invalid"};
  static_assert(std::size(kNames) == kRefusals);
  return kNames[static_cast<size_t>(refusal)];
}

uint64_t MemoryBytes(const Scan& scan) {
  constexpr uint64_t kRowBytes = 128;  // the columns of fixed width: ids, times, numbers of interned names
  return scan.items.size() * sizeof(ItemRef) + scan.heads.size() * sizeof(SpanHead) +
         scan.dimensions.size() * sizeof(Slice) + scan.scopes.size() * sizeof(ScopeRef) +
         scan.refused.size() * sizeof(uint32_t) + scan.items_accepted * kRowBytes;
}

Result<Scan> ScanRequest(Signal signal, std::string_view request, const Limits& limits, const TimeRules& times,
                         SpanHeads heads) {
  return Scanner(signal, request, limits, times.oldest_unix_nanos, nullptr, heads).Run();
}

Result<Scan> Rescan(Signal signal, std::string_view request, const std::vector<uint32_t>& refused, SpanHeads heads) {
  return Scanner(signal, request, Limits{}, 0, &refused, heads).Run();
}

}  // namespace sightline::otlp
