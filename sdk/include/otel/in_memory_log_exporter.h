// Keeps what is exported, for tests of code that logs.
//
//   otel::InMemoryLogs logs;
//   otel::LoggerProvider provider({.processors = {std::make_shared<otel::SimpleLogRecordProcessor>(logs.Exporter())}});
#pragma once

#include <memory>
#include <vector>

#include "otel/log_data.h"

namespace otel {

// Thread: any.
class InMemoryLogs {
 public:
  InMemoryLogs();
  ~InMemoryLogs();

  // Any number; what they get comes here, also after this object's end.
  std::unique_ptr<LogExporter> Exporter() const;

  // In the order of their export. Valid as long as this object, and until Clear.
  std::vector<LogData> records() const;
  size_t size() const;
  Resource resource() const;  // of the last batch
  void Clear();

 private:
  struct Store;
  class StoringExporter;

  std::shared_ptr<Store> store_;
};

}  // namespace otel
