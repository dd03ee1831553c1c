#include "otel/in_memory_span_exporter.h"

#include <atomic>
#include <deque>
#include <functional>
#include <mutex>

#include "common/arena.h"

namespace otel {

struct InMemorySpans::Store {
  std::mutex mutex;
  // Below: guarded by it.
  internal::Arena arena;
  std::deque<std::vector<SpanLink>> links;  // lists that spans refer to
  std::vector<SpanData> spans;
  Resource resource;

  void Add(const SpanData& span);
};

namespace {

class StoringExporter final : public SpanExporter {
 public:
  explicit StoringExporter(std::function<void(const SpanBatch&)> store) : store_(std::move(store)) {}

  ExportResult Export(const SpanBatch& batch, Deadline) override {
    if (shut_down_) return ExportResult::kFailure;
    store_(batch);
    return ExportResult::kSuccess;
  }
  bool ForceFlush(Deadline) override { return true; }
  bool Shutdown(Deadline) override {
    shut_down_ = true;
    return true;
  }

 private:
  const std::function<void(const SpanBatch&)> store_;
  std::atomic<bool> shut_down_ = false;
};

}  // namespace

void InMemorySpans::Store::Add(const SpanData& span) {
  const auto copy = [&](AttributesView attributes) {
    return AttributesView(std::span<const Attribute>(arena.Copy(std::span<const Attribute>(attributes))));
  };
  SpanData kept = span;
  kept.name = arena.Copy(span.name);
  kept.status_description = arena.Copy(span.status_description);
  kept.attributes = copy(span.attributes);
  auto events = arena.CopyItems(span.events);
  for (SpanEvent& event : events) {
    event.name = arena.Copy(event.name);
    event.attributes = copy(event.attributes);
  }
  kept.events = events;
  auto& kept_links = links.emplace_back(span.links.begin(), span.links.end());
  for (SpanLink& link : kept_links) link.attributes = copy(link.attributes);
  kept.links = kept_links;
  spans.push_back(std::move(kept));
}

InMemorySpans::InMemorySpans() : store_(std::make_shared<Store>()) {}

InMemorySpans::~InMemorySpans() = default;

std::unique_ptr<SpanExporter> InMemorySpans::Exporter() const {
  return std::make_unique<StoringExporter>([store = store_](const SpanBatch& batch) {
    const std::lock_guard lock(store->mutex);
    store->resource = batch.resource;
    for (const SpanData* const span : batch.spans) store->Add(*span);
  });
}

std::vector<SpanData> InMemorySpans::spans() const {
  const std::lock_guard lock(store_->mutex);
  return store_->spans;
}

size_t InMemorySpans::size() const {
  const std::lock_guard lock(store_->mutex);
  return store_->spans.size();
}

Resource InMemorySpans::resource() const {
  const std::lock_guard lock(store_->mutex);
  return store_->resource;
}

void InMemorySpans::Clear() {
  const std::lock_guard lock(store_->mutex);
  store_->spans.clear();
  store_->links.clear();
  store_->arena.Reset();
}

}  // namespace otel
