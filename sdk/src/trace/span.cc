#include "otel/span.h"

#include <cxxabi.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <typeinfo>
#include <vector>

#include "otel/span_processor.h"
#include "trace/span_record.h"
#include "trace/trace_pipeline.h"

namespace otel {
namespace {

struct Free {
  void operator()(char* text) const { std::free(text); }
};

// The name of a C++ type as it stands in the source.
std::string_view Readable(const char* name, std::unique_ptr<char, Free>& memory) {
  memory.reset(abi::__cxa_demangle(name, nullptr, nullptr, nullptr));
  return memory ? memory.get() : name;
}

}  // namespace

void internal::SpanRecordRef::Retain(SpanRecord* record) noexcept {
  record->AddReference();
}

void internal::SpanRecordRef::Release(SpanRecord* record) noexcept {
  SpanRecord::Pool().Give(record);
}

void internal::EndSpan(SpanRecordRef record, UnixNanos time) noexcept {
  if (!record->End(time)) return;
  const auto& processors = record->pipeline().options.processors;
  for (size_t i = 0; i + 1 < processors.size(); ++i) processors[i]->OnEnd(FinishedSpan(record));
  processors.back()->OnEnd(FinishedSpan(std::move(record)));
}

bool SpanRef::IsRecording() const {
  return record_ && record_->is_recording();
}

void SpanRef::SetAttribute(std::string_view key, const AnyValue& value) const {
  if (record_) record_->SetAttribute(key, value);
}

void SpanRef::SetAttributes(AttributesView attributes) const {
  if (record_) record_->SetAttributes(attributes);
}

void SpanRef::AddEvent(std::string_view name, AttributesView attributes, UnixNanos time) const {
  if (record_) record_->AddEvent(name, attributes, time);
}

void SpanRef::AddLink(const SpanContext& context, AttributesView attributes) const {
  if (record_) record_->AddLink(context, attributes);
}

void SpanRef::SetStatus(StatusCode code, std::string_view description) const {
  if (record_) record_->SetStatus(code, description);
}

void SpanRef::RecordException(const std::exception& exception, AttributesView attributes) const {
  if (!IsRecording()) return;
  std::unique_ptr<char, Free> memory;
  std::vector<Attribute> all = {{"exception.type", Readable(typeid(exception).name(), memory)},
                                {"exception.message", exception.what()}};
  all.insert(all.end(), attributes.begin(), attributes.end());
  record_->AddEvent("exception", all, 0);
}

void SpanRef::UpdateName(std::string_view name) const {
  if (record_) record_->UpdateName(name);
}

void SpanRef::End(UnixNanos time) const {
  if (record_) internal::EndSpan(record_, time);
}

Span::~Span() {
  if (record_) internal::EndSpan(std::move(record_), 0);
}

const SpanData& FinishedSpan::data() const {
  return record_->data();
}

const Resource& FinishedSpan::resource() const {
  return record_->pipeline().options.resource;
}

}  // namespace otel
