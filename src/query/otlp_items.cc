#include "query/otlp_items.h"

#include <simdjson.h>

#include <array>
#include <bit>
#include <cstdlib>
#include <map>
#include <string_view>
#include <utility>

#include "base/hex.h"
#include "otlp/json_values.h"
#include "otlp/wire_fields.h"
#include "otlp/wire_writer.h"

namespace sightline::query {
namespace {

namespace field = otlp::field;
using otlp::WireWriter;

template <size_t kCount>
uint64_t Place(const std::array<std::string_view, kCount>& names, std::string_view name) {
  for (size_t i = 0; i < kCount; ++i) {
    if (names[i] == name) return i;
  }
  return 0;
}
// OTLP's numbers are the places.
constexpr std::array<std::string_view, 6> kKinds = {"Unspecified", "Internal", "Server",
                                                    "Client",      "Producer", "Consumer"};
constexpr std::array<std::string_view, 3> kStatuses = {"Unset", "Ok", "Error"};

void WriteDouble(WireWriter& out, double value) {
  out.Fixed64(field::any_value::kDouble, std::bit_cast<uint64_t>(value));
}

// An element of an array or list: JSON has its types, but for bytes, which are strings there.
void WriteJson(WireWriter& out, simdjson::dom::element value) {
  using simdjson::dom::element_type;
  switch (value.type()) {
    case element_type::STRING:
      return out.Bytes(field::any_value::kString, std::string_view(value));
    case element_type::BOOL:
      return out.Varint(field::any_value::kBool, bool(value) ? 1 : 0);
    case element_type::INT64:
      return out.Varint(field::any_value::kInt, static_cast<uint64_t>(int64_t(value)));
    case element_type::UINT64:
    case element_type::DOUBLE:
      return WriteDouble(out, double(value));
    case element_type::NULL_VALUE:
      return;
    case element_type::ARRAY: {
      const size_t array = out.Begin(field::any_value::kArray);
      for (const simdjson::dom::element element : simdjson::dom::array(value)) {
        const size_t begin = out.Begin(field::array_value::kValues);
        WriteJson(out, element);
        out.End(begin);
      }
      return out.End(array);
    }
    case element_type::OBJECT: {
      const size_t list = out.Begin(field::any_value::kKvlist);
      for (const auto& [key, element] : simdjson::dom::object(value)) {
        const size_t pair = out.Begin(field::key_value_list::kValues);
        out.Bytes(field::key_value::kKey, key);
        const size_t begin = out.Begin(field::key_value::kValue);
        WriteJson(out, element);
        out.End(begin);
        out.End(pair);
      }
      return out.End(list);
    }
  }
}

void WriteValue(WireWriter& out, const Attribute& attribute) {
  const std::string& text = attribute.text;
  switch (attribute.type) {
    case 'i':
      return out.Varint(field::any_value::kInt, static_cast<uint64_t>(std::strtoll(text.c_str(), nullptr, 10)));
    case 'd':
      return WriteDouble(out, std::strtod(text.c_str(), nullptr));
    case 'b':
      return out.Varint(field::any_value::kBool, text == "true" ? 1 : 0);
    case 'x':
      return out.Bytes(field::any_value::kBytes, otlp::Base64Bytes(text).value_or(""));
    case 'e':
      return;
    case 'a':
    case 'm': {
      simdjson::dom::parser parser;
      simdjson::dom::element json;
      // Cut where it was too long: what it was, without what was in it.
      if (parser.parse(text).get(json) == simdjson::SUCCESS) return WriteJson(out, json);
      return out.Bytes(attribute.type == 'a' ? field::any_value::kArray : field::any_value::kKvlist, "");
    }
    default:
      return out.Bytes(field::any_value::kString, text);
  }
}

void WriteAttributes(WireWriter& out, uint32_t tag, const std::vector<Attribute>& attributes) {
  for (const Attribute& attribute : attributes) {
    const size_t pair = out.Begin(tag);
    out.Bytes(field::key_value::kKey, attribute.key);
    const size_t value = out.Begin(field::key_value::kValue);
    WriteValue(out, attribute);
    out.End(value);
    out.End(pair);
  }
}

void WriteId(WireWriter& out, uint32_t tag, const std::string& hex) {
  std::string bytes(hex.size() / 2, '\0');
  if (!bytes.empty() && HexDecode(hex, bytes.data())) out.Bytes(tag, bytes);
}

void WriteSpan(WireWriter& out, const std::string& trace_id, const Span& span) {
  const size_t begin = out.Begin(field::scope_items::kItems);
  WriteId(out, field::span::kTraceId, trace_id);
  WriteId(out, field::span::kSpanId, span.span_id);
  if (!span.trace_state.empty()) out.Bytes(field::span::kTraceState, span.trace_state);
  WriteId(out, field::span::kParentSpanId, span.parent_span_id);
  out.Bytes(field::span::kName, span.name);
  out.Varint(field::span::kKind, Place(kKinds, span.kind));
  const auto start = static_cast<uint64_t>(span.start_unix_nanos);
  out.Fixed64(field::span::kStartTimeUnixNano, start);
  out.Fixed64(field::span::kEndTimeUnixNano, start + span.duration_nanos);
  WriteAttributes(out, field::span::kAttributes, span.attributes);
  out.Varint(field::span::kDroppedAttributesCount, span.dropped_attributes);
  for (const Event& event : span.events) {
    const size_t in_event = out.Begin(field::span::kEvents);
    out.Fixed64(field::event::kTimeUnixNano, static_cast<uint64_t>(event.unix_nanos));
    out.Bytes(field::event::kName, event.name);
    WriteAttributes(out, field::event::kAttributes, event.attributes);
    out.Varint(field::event::kDroppedAttributesCount, event.dropped_attributes);
    out.End(in_event);
  }
  out.Varint(field::span::kDroppedEventsCount, span.dropped_events);
  for (const Link& link : span.links) {
    const size_t in_link = out.Begin(field::span::kLinks);
    WriteId(out, field::link::kTraceId, link.trace_id);
    WriteId(out, field::link::kSpanId, link.span_id);
    out.Bytes(field::link::kTraceState, link.trace_state);
    WriteAttributes(out, field::link::kAttributes, link.attributes);
    out.Varint(field::link::kDroppedAttributesCount, link.dropped_attributes);
    out.Fixed32(field::link::kFlags, link.flags);
    out.End(in_link);
  }
  out.Varint(field::span::kDroppedLinksCount, span.dropped_links);
  const size_t status = out.Begin(field::span::kStatus);
  out.Bytes(field::status::kMessage, span.status_message);
  out.Varint(field::status::kCode, Place(kStatuses, span.status));
  out.End(status);
  out.Fixed32(field::span::kFlags, span.flags);
  out.End(begin);
}

using Sets = std::map<std::string_view, const AttributeSet*>;

// The attributes of a set; returns its schema's URL.
std::string_view WriteSet(WireWriter& out, const Sets& sets, std::string_view id, uint32_t attributes,
                          uint32_t dropped) {
  const auto found = sets.find(id);
  if (found == sets.end()) return "";
  WriteAttributes(out, attributes, found->second->attributes);
  out.Varint(dropped, found->second->dropped_attributes);
  return found->second->schema_url;
}

// Items by resource and scope, each written by `write`.
template <typename Item, typename Write>
std::string EncodeItems(std::span<const Item> items, std::span<const AttributeSet> attribute_sets, Write write) {
  using ScopeKey = std::array<std::string_view, 3>;  // id, name, version
  std::map<std::string_view, std::map<ScopeKey, std::vector<const Item*>>> resources;
  for (const Item& item : items) {
    resources[item.resource_id][{item.scope_id, item.scope_name, item.scope_version}].push_back(&item);
  }
  Sets sets;
  for (const AttributeSet& set : attribute_sets) sets[set.id] = &set;
  WireWriter out;
  const auto write_schema = [&](uint32_t tag, std::string_view url) {
    if (!url.empty()) out.Bytes(tag, url);
  };
  for (const auto& [resource_id, scopes] : resources) {
    const size_t in_resource = out.Begin(field::request::kResources);
    const size_t resource = out.Begin(field::resource_items::kResource);
    const std::string_view resource_schema =
        WriteSet(out, sets, resource_id, field::resource::kAttributes, field::resource::kDroppedAttributesCount);
    out.End(resource);
    for (const auto& [key, of_scope] : scopes) {
      const size_t in_scope = out.Begin(field::resource_items::kScopes);
      const size_t scope = out.Begin(field::scope_items::kScope);
      out.Bytes(field::instrumentation_scope::kName, key[1]);
      out.Bytes(field::instrumentation_scope::kVersion, key[2]);
      const std::string_view scope_schema = WriteSet(out, sets, key[0], field::instrumentation_scope::kAttributes,
                                                     field::instrumentation_scope::kDroppedAttributesCount);
      out.End(scope);
      for (const Item* item : of_scope) write(out, *item);
      write_schema(field::scope_items::kSchemaUrl, scope_schema);
      out.End(in_scope);
    }
    write_schema(field::resource_items::kSchemaUrl, resource_schema);
    out.End(in_resource);
  }
  return out.Take();
}

void WriteLog(WireWriter& out, const LogRecord& record) {
  const size_t begin = out.Begin(field::scope_items::kItems);
  out.Fixed64(field::log_record::kTimeUnixNano, record.time_unix_nanos);
  out.Fixed64(field::log_record::kObservedTimeUnixNano, static_cast<uint64_t>(record.observed_unix_nanos));
  out.Varint(field::log_record::kSeverityNumber, record.severity_number);
  out.Bytes(field::log_record::kSeverityText, record.severity_text);
  if (record.body.type != 'e') {
    const size_t body = out.Begin(field::log_record::kBody);
    WriteValue(out, record.body);
    out.End(body);
  }
  WriteAttributes(out, field::log_record::kAttributes, record.attributes);
  out.Varint(field::log_record::kDroppedAttributesCount, record.dropped_attributes);
  out.Fixed32(field::log_record::kFlags, record.flags);
  WriteId(out, field::log_record::kTraceId, record.trace_id);
  WriteId(out, field::log_record::kSpanId, record.span_id);
  out.Bytes(field::log_record::kEventName, record.event_name);
  out.End(begin);
}

}  // namespace

std::string EncodeSpans(std::span<const Span> spans, std::span<const AttributeSet> sets) {
  return EncodeItems(spans, sets, [](WireWriter& out, const Span& span) { WriteSpan(out, span.trace_id, span); });
}

std::string EncodeTrace(const Trace& trace) {
  return EncodeItems(std::span<const Span>(trace.spans), std::span<const AttributeSet>(trace.resources),
                     [&](WireWriter& out, const Span& span) { WriteSpan(out, trace.trace_id, span); });
}

std::string EncodeLogs(std::span<const LogRecord> records, std::span<const AttributeSet> sets) {
  return EncodeItems(records, sets, WriteLog);
}

}  // namespace sightline::query
