#include "otlp/attribute_sets.h"

#include <algorithm>
#include <atomic>

#include "otlp/wire_fields.h"

namespace sightline::otlp {
namespace {

// Contexts kept across requests, by the bytes they take; then all are forgotten and decoded anew.
constexpr size_t kContextsBytesMax = 16 << 20;

constexpr int64_t kNanosPerSecond = 1'000'000'000;
constexpr int64_t kSecondsPerDay = 86'400;

uint64_t NextSerial() {
  static std::atomic<uint64_t> serial{0};
  return ++serial;
}

void AppendCanonical(std::string_view text, std::string& out) {
  const uint64_t size = text.size();
  out.append(reinterpret_cast<const char*>(&size), sizeof size);
  out.append(text);
}

std::string Hex(const Hash128& hash) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex(32, '0');
  for (int i = 0; i < 16; ++i) {
    hex[15 - i] = kDigits[hash.high >> (4 * i) & 15];
    hex[31 - i] = kDigits[hash.low >> (4 * i) & 15];
  }
  return hex;
}

Hash128 FromHex(std::string_view hex) {
  Hash128 hash;
  for (int i = 0; i < 32; ++i) {
    const char c = hex[i];
    const auto digit = static_cast<uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
    uint64_t& half = i < 16 ? hash.high : hash.low;
    half = half << 4 | digit;
  }
  return hash;
}

uint32_t Seconds(int64_t unix_nanos) {
  return static_cast<uint32_t>(std::clamp<int64_t>(unix_nanos / kNanosPerSecond, 0, UINT32_MAX));
}

}  // namespace

Hash128 HashBytes(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

int32_t DayOf(int64_t unix_nanos) {
  const int64_t day = unix_nanos / (kNanosPerSecond * kSecondsPerDay);
  return static_cast<int32_t>(unix_nanos < 0 && unix_nanos % (kNanosPerSecond * kSecondsPerDay) != 0 ? day - 1 : day);
}

bool Written::Due(const Hash128& id, int32_t day) {
  if (days_.size() >= remembered_max_) days_.clear();
  auto [at, added] = days_.try_emplace(id, day);
  if (!added && at->second == day) return false;
  at->second = day;
  return true;
}

struct AttributeSets::Decoded {
  std::string_view name, version;  // of a scope
  std::string service_name;        // of a resource
  std::vector<std::pair<std::string, std::string>> attributes;
  std::string types;
  std::string schema_url;
  uint32_t dropped_attributes_count = 0;

  bool empty() const { return attributes.empty() && schema_url.empty() && dropped_attributes_count == 0; }
  Hash128 Id() const {
    std::string canonical;
    for (const auto& [key, value] : attributes) {
      AppendCanonical(key, canonical);
      AppendCanonical(value, canonical);
    }
    AppendCanonical(types, canonical);
    AppendCanonical(schema_url, canonical);
    AppendCanonical({reinterpret_cast<const char*>(&dropped_attributes_count), sizeof(uint32_t)}, canonical);
    return HashBytes(canonical);
  }
};

AttributeSets::AttributeSets(const Limits& limits, size_t remembered_max)
    : limits_(limits), mender_(limits), written_(remembered_max) {}

const ScopeContext& AttributeSets::For(std::string_view request, const ScopeRef& scope, int64_t received_unix_nanos) {
  const Parts parts{scope.resource.In(request), scope.resource_schema_url.In(request), scope.scope.In(request),
                    scope.scope_schema_url.In(request)};
  if (last_ == nullptr || parts.resource != last_parts_.resource || parts.scope != last_parts_.scope ||
      parts.resource_schema_url != last_parts_.resource_schema_url ||
      parts.scope_schema_url != last_parts_.scope_schema_url) {
    last_ = &Find(parts);
  }
  if (last_->written_era != era_ || last_->written_day != DayOf(received_unix_nanos)) [[unlikely]]
    WriteDue(parts, received_unix_nanos);
  return *last_;
}

ScopeContext& AttributeSets::Find(const Parts& parts) {
  last_bytes_.clear();
  for (const std::string_view part : {parts.resource, parts.resource_schema_url, parts.scope, parts.scope_schema_url}) {
    AppendCanonical(part, last_bytes_);
  }
  const std::string_view bytes = last_bytes_;
  size_t at = 0;
  auto next = [&](size_t size) {
    const std::string_view part = bytes.substr(at + sizeof(uint64_t), size);
    at += sizeof(uint64_t) + size;
    return part;
  };
  last_parts_.resource = next(parts.resource.size());
  last_parts_.resource_schema_url = next(parts.resource_schema_url.size());
  last_parts_.scope = next(parts.scope.size());
  last_parts_.scope_schema_url = next(parts.scope_schema_url.size());

  const Hash128 hash = HashBytes(bytes);
  const auto found = contexts_.find(hash);
  if (found != contexts_.end()) return *found->second;
  auto context = Decode(parts);
  const size_t size = sizeof(ScopeContext) + 64 + context->service_name.size() + context->scope_name.size() +
                      context->scope_version.size() + 2 * context->resource_id.size();
  if (contexts_bytes_ + size > kContextsBytesMax) {
    contexts_.clear();
    contexts_bytes_ = 0;
  }
  contexts_bytes_ += size;
  return *(contexts_[hash] = std::move(context));
}

AttributeSets::Decoded AttributeSets::DecodeSet(std::string_view message, bool is_resource, std::string_view schema_url,
                                                Marks& marks) {
  Decoded set;
  const uint32_t attributes_tag =
      is_resource ? field::resource::kAttributes : field::instrumentation_scope::kAttributes;
  const uint32_t dropped_tag =
      is_resource ? field::resource::kDroppedAttributesCount : field::instrumentation_scope::kDroppedAttributesCount;
  uint32_t cut = 0;
  for (FieldReader fields(message); fields.Next();) {
    if (fields.tag() == attributes_tag) {
      if (set.attributes.size() >= limits_.attributes_per_item_max) {
        ++cut;
        continue;
      }
      const Attribute attribute = ReadKeyValue(fields.bytes());
      std::string key(mender_.CleanName(attribute.key, marks));
      std::string value(mender_.TextOf(attribute.value, marks));
      if (is_resource && key == "service.name" && attribute.value.type == 's' && set.service_name.empty()) {
        set.service_name = mender_.CleanName(value, marks);
      }
      set.attributes.emplace_back(std::move(key), std::move(value));
      set.types += attribute.value.type;
    } else if (fields.tag() == dropped_tag) {
      set.dropped_attributes_count = fields.Uint32();
    } else if (!is_resource && fields.tag() == field::instrumentation_scope::kName) {
      set.name = fields.bytes();
    } else if (!is_resource && fields.tag() == field::instrumentation_scope::kVersion) {
      set.version = fields.bytes();
    }
  }
  if (cut > 0) marks.Set(Marks::kAttributesCut);
  set.dropped_attributes_count += cut;
  set.schema_url = mender_.CleanName(schema_url, marks);
  return set;
}

std::unique_ptr<ScopeContext> AttributeSets::Decode(const Parts& parts) {
  auto context = std::make_unique<ScopeContext>();
  context->serial = NextSerial();
  const Decoded resource = DecodeSet(parts.resource, true, parts.resource_schema_url, context->marks);
  const Decoded scope = DecodeSet(parts.scope, false, parts.scope_schema_url, context->marks);
  context->service_name = resource.service_name;
  context->resource_id = Hex(resource.Id());
  if (!scope.empty()) context->scope_id = Hex(scope.Id());
  context->scope_name = mender_.CleanName(scope.name, context->marks);
  context->scope_version = mender_.CleanName(scope.version, context->marks);
  return context;
}

void AttributeSets::WriteDue(const Parts& parts, int64_t received_unix_nanos) {
  const int32_t day = DayOf(received_unix_nanos);
  Marks marks;  // stand in the context already
  if (written_.Due(FromHex(last_->resource_id), day)) {
    WriteRow(last_->resource_id, DecodeSet(parts.resource, true, parts.resource_schema_url, marks),
             received_unix_nanos);
  }
  if (!last_->scope_id.empty() && written_.Due(FromHex(last_->scope_id), day)) {
    WriteRow(last_->scope_id, DecodeSet(parts.scope, false, parts.scope_schema_url, marks), received_unix_nanos);
  }
  last_->written_day = day;
  last_->written_era = era_;
}

void AttributeSets::WriteRow(std::string_view id, const Decoded& set, int64_t received_unix_nanos) {
  const uint64_t row = table_.rows();
  table_.id.Append(id);
  table_.seen.Append(Seconds(received_unix_nanos));
  for (const auto& [key, value] : set.attributes) {
    table_.keys.elements().Append(key);
    table_.values.elements().Append(value);
  }
  table_.keys.Close(row);
  table_.values.Close(row);
  table_.types.Append(set.types);
  table_.schema_url.Append(set.schema_url);
  table_.dropped_attributes_count.Append(set.dropped_attributes_count);
  table_.EndRow();
}

void AttributeSets::ForgetWritten() {
  written_.Clear();
  ++era_;
}

void SetScope(ScopeColumns& columns, uint64_t row, const ScopeContext& context) {
  ScopeNumbers& numbers = columns.numbers;
  if (numbers.serial != context.serial) {
    numbers.serial = context.serial;
    numbers.service_name = columns.service_name.interner().Intern(context.service_name);
    numbers.resource_id = columns.resource_id.interner().Intern(context.resource_id);
    numbers.scope_name = columns.scope_name.interner().Intern(context.scope_name);
    numbers.scope_version = columns.scope_version.interner().Intern(context.scope_version);
    numbers.scope_id = columns.scope_id.interner().Intern(context.scope_id);
  }
  if (numbers.service_name != 0) columns.service_name.SetNumber(row, numbers.service_name);
  columns.resource_id.SetNumber(row, numbers.resource_id);
  if (numbers.scope_name != 0) columns.scope_name.SetNumber(row, numbers.scope_name);
  if (numbers.scope_version != 0) columns.scope_version.SetNumber(row, numbers.scope_version);
  if (numbers.scope_id != 0) columns.scope_id.SetNumber(row, numbers.scope_id);
}

}  // namespace sightline::otlp
