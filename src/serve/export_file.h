// An answer that is a file, written piece by piece while it is read: tables, or telemetry as OTLP. What it holds does
// not grow with what it gives. Data: rows and requests -> text or bytes -> the client, at its pace.
//
// The head names the limit (X-Sightline-Limit); how many items came, and whether those are all, is known only behind
// the last one, and stands in trailers: X-Sightline-Items, X-Sightline-Complete.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "otlp/signal.h"
#include "serve/api_call.h"

namespace sightline::serve {

enum class ExportFormat : uint8_t {
  kCsv,
  kJsonLines,
  kOtlpJson,       // one TracesData or LogsData
  kOtlpJsonLines,  // many of them, one a line
  kOtlpProtobuf,   // one
};

inline bool IsOtlp(ExportFormat format) {
  return format != ExportFormat::kCsv && format != ExportFormat::kJsonLines;
}

// Thread: the endpoint's.
class ExportFile {
 public:
  // `what` is part of the file's name: "spans". `limit`: of items.
  ExportFile(ApiCall& call, ExportFormat format, std::string_view what, otlp::Signal signal, uint64_t limit);

  ExportFormat format() const { return format_; }

  // Before the first item; errors before it are answered as such. `columns`: of CSV.
  void Begin(std::span<const std::string> columns);
  bool begun() const { return begun_; }

  // Each gives the client what has collected; kCancelled when it has gone.
  Result<void> AddCsv(std::span<const std::string> fields);
  Result<void> AddJson(std::string_view object);
  Result<void> AddOtlp(std::string_view request);

  void Count(uint64_t items) { items_ += items; }
  uint64_t left() const { return limit_ - items_; }
  // Of what was read something had to be left out.
  void Cut() { cut_ = true; }

  // `has_more`: than what was read.
  Result<void> End(bool has_more);

 private:
  Result<void> Flush(size_t from_bytes);

  ApiCall& call_;
  const ExportFormat format_;
  const std::string what_;
  const otlp::Signal signal_;
  const uint64_t limit_;
  std::string text_;  // that was not sent yet
  uint64_t items_ = 0;
  bool begun_ = false, has_elements_ = false, cut_ = false;
};

// RFC 4180.
void AppendCsvLine(std::span<const std::string> fields, std::string& out);

}  // namespace sightline::serve
