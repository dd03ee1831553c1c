// Keeps what is exported, for tests of instrumented code.
//
//   otel::InMemorySpans spans;
//   otel::TracerProvider provider({.processors = {std::make_shared<otel::SimpleSpanProcessor>(spans.Exporter())}});
#pragma once

#include <memory>
#include <vector>

#include "otel/span_data.h"

namespace otel {

// Thread: any.
class InMemorySpans {
 public:
  InMemorySpans();
  ~InMemorySpans();

  // Any number; what they get comes here, also after this object's end.
  std::unique_ptr<SpanExporter> Exporter() const;

  // In the order of their ends. Valid as long as this object, and until Clear.
  std::vector<SpanData> spans() const;
  size_t size() const;
  Resource resource() const;  // of the last batch
  void Clear();

 private:
  struct Store;

  std::shared_ptr<Store> store_;
};

}  // namespace otel
