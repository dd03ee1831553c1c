#include "trace/testing/gated_exporter.h"

namespace otel::testing {

class ExporterGate::Gated final : public SpanExporter {
 public:
  explicit Gated(std::shared_ptr<ExporterGate> gate) : owner_(std::move(gate)) {}
  ~Gated() override {
    gate_.Change([&] { gate_.destroyed = true; });
  }

  ExportResult Export(const SpanBatch& batch, Deadline deadline) override {
    std::unique_lock lock(gate_.mutex_);
    gate_.deadlines.push_back(deadline);
    ++gate_.waiting;
    gate_.changed_.notify_all();
    const auto opened = [&] { return !gate_.closed_ || (gate_.shut_down_ && !gate_.ignores_deadlines_); };
    if (gate_.ignores_deadlines_) {
      gate_.changed_.wait(lock, opened);
    } else {
      gate_.changed_.wait_until(lock, deadline, opened);
    }
    --gate_.waiting;
    const bool good = !gate_.closed_ && !gate_.fails_;
    if (good) {
      gate_.batches.push_back(batch.spans.size());
      for (const SpanData* const span : batch.spans) gate_.names.emplace_back(span->name);
    }
    gate_.changed_.notify_all();
    return good ? ExportResult::kSuccess : ExportResult::kFailure;
  }
  bool ForceFlush(Deadline) override {
    gate_.Change([&] { ++gate_.flushes; });
    return true;
  }
  bool Shutdown(Deadline) override {
    gate_.Change([&] {
      ++gate_.shutdowns;
      gate_.shut_down_ = true;
    });
    return true;
  }

 private:
  const std::shared_ptr<ExporterGate> owner_;
  ExporterGate& gate_ = *owner_;
};

std::unique_ptr<SpanExporter> ExporterGate::Exporter() {
  return std::make_unique<Gated>(shared_from_this());
}

}  // namespace otel::testing
