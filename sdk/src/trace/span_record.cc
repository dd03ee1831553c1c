#include "trace/span_record.h"

#include <algorithm>
#include <utility>

#include "common/clock.h"
#include "common/report.h"
#include "trace/trace_pipeline.h"

namespace otel::internal {

RecordPool& SpanRecord::Pool() {
  static auto& pool = *new RecordPool;
  return pool;
}

SpanRecord* SpanRecord::New() noexcept {
  auto* const record = static_cast<SpanRecord*>(Pool().Take());
  if (record != nullptr) {
    record->Clear();
    return record;
  }
  auto* const made = new (std::nothrow) SpanRecord;
  if (made == nullptr) Report("span", "no memory for a span");
  return made;
}

void SpanRecord::Clear() {
  attributes_.Clear();
  attribute_keys_.Clear();
  events_.Clear();
  links_.Clear();
  std::destroy_at(&data_);
  std::construct_at(&data_);
  compact_at_bytes_ = kCompactAtBytesMin;
  arena().Reset();
}

void SpanRecord::Start(const TracePipeline& pipeline, const SpanContext& context, const SpanContext& parent,
                       const InstrumentationScope& scope, std::string_view name, SpanKind kind, UnixNanos time) {
  pipeline_ = &pipeline;
  if (pipeline.options.clock == nullptr) {
    const int64_t steady = SteadyNanos();
    wall_offset_ = WallOffset::At(steady);
    data_.start = time != 0 ? time : steady + wall_offset_;
  } else {
    data_.start = time != 0 ? time : Now();
  }
  data_.context = context;
  data_.parent = parent;
  data_.scope = &scope;
  data_.kind = kind;
  is_recording_.store(true, std::memory_order_relaxed);
  WhileRecording([&] { data_.name = arena().Copy(name); });
}

UnixNanos SpanRecord::Now() const {
  return pipeline_->options.clock == nullptr ? SteadyNanos() + wall_offset_ : pipeline_->options.clock();
}

template <typename Change>
void SpanRecord::WhileRecording(Change change) noexcept try {
  const std::lock_guard lock(lock_);
  if (is_recording()) change();
} catch (const std::bad_alloc&) {
  Report("span", "no memory for what a span was told");
}

void SpanRecord::SetAttribute(std::string_view key, const AnyValue& value) {
  WhileRecording([&] {
    Set(key, value);
    data_.attributes = std::span<const Attribute>(attributes_.items());
  });
}

void SpanRecord::SetAttributes(AttributesView attributes) {
  WhileRecording([&] {
    const size_t count_max = pipeline_->options.limits.attribute_count;
    if (attributes_.size() < count_max) {
      attributes_.Reserve(arena(), std::min(attributes.size(), count_max - attributes_.size()));
    }
    for (const Attribute& attribute : attributes) Set(attribute.key, attribute.value);
    data_.attributes = std::span<const Attribute>(attributes_.items());
  });
}

void SpanRecord::Set(std::string_view key, const AnyValue& value) {
  if (key.empty()) return;
  if (SetIn(attributes_, attribute_keys_, key, value, pipeline_->options.limits.attribute_count,
            data_.dropped_attributes))
    LimitWaste();
}

bool SpanRecord::SetIn(ArenaList<Attribute>& list, KeyFilter& keys, std::string_view key, const AnyValue& value,
                       size_t count_max, uint32_t& dropped) {
  const size_t length_max = pipeline_->value_length_max;
  if (keys.TestAndAdd(key)) {
    for (Attribute& known : list.items()) {
      if (known.key != key) continue;
      known.value = arena().Copy(value, length_max);
      return true;
    }
  }
  if (list.size() < count_max) {
    list.Append(arena(), [&] { return Attribute{arena().Copy(key), arena().Copy(value, length_max)}; });
  } else {
    ++dropped;
  }
  return false;
}

AttributesView SpanRecord::Copy(AttributesView attributes, size_t count_max, uint32_t& dropped) {
  ArenaList<Attribute> copies;
  KeyFilter keys;
  for (const Attribute& attribute : attributes) {
    if (!attribute.key.empty()) SetIn(copies, keys, attribute.key, attribute.value, count_max, dropped);
  }
  return std::span<const Attribute>(copies.items());
}

void SpanRecord::AddEvent(std::string_view name, AttributesView attributes, UnixNanos time) {
  WhileRecording([&] {
    const SpanLimits& limits = pipeline_->options.limits;
    if (events_.size() >= limits.event_count) {
      ++data_.dropped_events;
      return;
    }
    SpanEvent event{.time = time != 0 ? time : Now(), .name = arena().Copy(name)};
    event.attributes = Copy(attributes, limits.event_attribute_count, event.dropped_attributes);
    events_.Append(arena(), [&] { return event; });
    data_.events = events_.items();
  });
}

void SpanRecord::AddLink(const SpanContext& context, AttributesView attributes) {
  WhileRecording([&] {
    const SpanLimits& limits = pipeline_->options.limits;
    if (links_.size() >= limits.link_count) {
      ++data_.dropped_links;
      return;
    }
    SpanLink link{.context = context};
    link.attributes = Copy(attributes, limits.link_attribute_count, link.dropped_attributes);
    links_.Append(arena(), [&] { return std::move(link); });
    data_.links = links_.items();
  });
}

void SpanRecord::SetStatus(StatusCode code, std::string_view description) {
  WhileRecording([&] {
    if (code == StatusCode::kUnset || data_.status == StatusCode::kOk) return;
    data_.status = code;
    data_.status_description = code == StatusCode::kError ? arena().Copy(description) : std::string_view();
    LimitWaste();
  });
}

void SpanRecord::UpdateName(std::string_view name) {
  WhileRecording([&] {
    data_.name = arena().Copy(name);
    LimitWaste();
  });
}

void SpanRecord::LimitWaste() {
  if (arena().bytes() < compact_at_bytes_) return;
  Compact();
  compact_at_bytes_ = std::max(kCompactAtBytesMin, 2 * arena().bytes());
}

void SpanRecord::Compact() {
  Arena into;
  const auto copy = [&](AttributesView attributes) {
    return AttributesView(std::span<const Attribute>(into.Copy(std::span<const Attribute>(attributes))));
  };
  const std::string_view name = into.Copy(data_.name), description = into.Copy(data_.status_description);
  ArenaList<Attribute> attributes;
  for (const Attribute& old : attributes_.items()) {
    attributes.Append(into, [&] { return Attribute{into.Copy(old.key), into.Copy(old.value)}; });
  }
  ArenaList<SpanEvent> events;
  for (const SpanEvent& old : events_.items()) {
    events.Append(
        into, [&] { return SpanEvent{old.time, into.Copy(old.name), copy(old.attributes), old.dropped_attributes}; });
  }
  ArenaList<SpanLink> links;
  for (const SpanLink& old : links_.items()) {
    links.Append(into, [&] { return SpanLink{old.context, copy(old.attributes), old.dropped_attributes}; });
  }
  // From here on nothing throws.
  data_.name = name;
  data_.status_description = description;
  attributes_.Swap(attributes);
  events_.Swap(events);
  links_.Swap(links);
  data_.attributes = std::span<const Attribute>(attributes_.items());
  data_.events = events_.items();
  data_.links = links_.items();
  links.Clear();  // the old ones, while their memory is there
  arena().Swap(into);
}

bool SpanRecord::End(UnixNanos time) {
  const std::lock_guard lock(lock_);
  if (!is_recording()) return false;
  data_.end = time != 0 ? time : Now();
  is_recording_.store(false, std::memory_order_relaxed);
  return true;
}

}  // namespace otel::internal
