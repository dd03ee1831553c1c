#include "otlp/extract.h"

#include <algorithm>

#include "otlp/wire_fields.h"
#include "otlp/wire_writer.h"

namespace sightline::otlp {
namespace {

bool SamePlace(const Slice& a, const Slice& b) {
  return a.offset == b.offset && a.size == b.size;
}

// Thread: one.
class Extractor {
 public:
  Extractor(std::string_view request, const Scan& scan, const MoreFields& more_fields)
      : request_(request), scan_(scan), more_fields_(more_fields) {}

  std::string Run(std::span<const ItemRef> items) {
    for (auto item = items.begin(); item != items.end();) {
      const ScopeRef& first = scan_.scopes[item->scope];
      const auto end = std::find_if(item, items.end(), [&](const ItemRef& other) {
        const ScopeRef& scope = scan_.scopes[other.scope];
        return !SamePlace(scope.resource, first.resource) ||
               !SamePlace(scope.resource_schema_url, first.resource_schema_url);
      });
      const size_t resource = out_.Begin(field::request::kResources);
      Copy(field::resource_items::kResource, first.resource);
      while (item != end) item = WriteScope(item, end);
      Copy(field::resource_items::kSchemaUrl, first.resource_schema_url);
      out_.End(resource);
    }
    return out_.Take();
  }

 private:
  using Item = std::span<const ItemRef>::iterator;

  Item WriteScope(Item item, Item end) {
    const uint32_t index = item->scope;
    const size_t scope = out_.Begin(field::resource_items::kScopes);
    Copy(field::scope_items::kScope, scan_.scopes[index].scope);
    for (; item != end && item->scope == index; ++item) {
      const std::string_view more = more_fields_ ? more_fields_(*item) : std::string_view();
      out_.Raw(field::scope_items::kItems);
      out_.Raw(item->message.size + more.size());
      out_.RawBytes(item->message.In(request_));
      out_.RawBytes(more);
    }
    Copy(field::scope_items::kSchemaUrl, scan_.scopes[index].scope_schema_url);
    out_.End(scope);
    return item;
  }

  void Copy(uint32_t tag, const Slice& slice) {
    if (slice.size > 0) out_.Bytes(tag, slice.In(request_));
  }

  const std::string_view request_;
  const Scan& scan_;
  const MoreFields& more_fields_;
  WireWriter out_;
};

}  // namespace

std::string ExtractItems(std::string_view request, const Scan& scan, std::span<const ItemRef> items,
                         const MoreFields& more_fields) {
  return Extractor(request, scan, more_fields).Run(items);
}

}  // namespace sightline::otlp
