#include "serve/export_file.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <utility>

#include "otlp/to_json.h"
#include "otlp/wire.h"
#include "otlp/wire_fields.h"

namespace sightline::serve {
namespace {

constexpr int64_t kSecondNanos = 1'000'000'000;

struct FormatInfo {
  std::string_view content_type, ending;
};
// By format.
constexpr std::array<FormatInfo, 5> kFormats = {{
    {"text/csv; charset=utf-8; header=present", "csv"},
    {"application/x-ndjson", "jsonl"},
    {"application/json", "otlp.json"},
    {"application/x-ndjson", "otlp.jsonl"},
    {"application/x-protobuf", "otlp.pb"},
}};

otlp::Message ElementOf(otlp::Signal signal) {
  return signal == otlp::Signal::kTraces ? otlp::Message::kResourceSpans : otlp::Message::kResourceLogs;
}

// "sightline-spans-20261127-0130.csv", UTC.
std::string FileName(std::string_view what, std::string_view ending, int64_t unix_nanos) {
  return fmt::format("sightline-{}-{:%Y%m%d-%H%M}.{}", what,
                     fmt::gmtime(static_cast<std::time_t>(unix_nanos / kSecondNanos)), ending);
}

}  // namespace

ExportFile::ExportFile(ApiCall& call, ExportFormat format, std::string_view what, otlp::Signal signal, uint64_t limit)
    : call_(call), format_(format), what_(what), signal_(signal), limit_(limit) {}

void ExportFile::Begin(std::span<const std::string> columns) {
  begun_ = true;
  const FormatInfo& info = kFormats[static_cast<size_t>(format_)];
  net::HttpResponse head;
  head.content_type = info.content_type;
  head.headers = {{"Content-Disposition",
                   fmt::format("attachment; filename=\"{}\"", FileName(what_, info.ending, call_.now_unix_nanos))},
                  {"X-Sightline-Limit", std::to_string(limit_)},
                  {"Trailer", "X-Sightline-Items, X-Sightline-Complete"}};
  call_.Begin(std::move(head));
  if (format_ == ExportFormat::kCsv) AppendCsvLine(columns, text_);
  if (format_ == ExportFormat::kOtlpJson) {
    text_ += signal_ == otlp::Signal::kTraces ? R"({"resourceSpans":[)" : R"({"resourceLogs":[)";
  }
}

Result<void> ExportFile::AddCsv(std::span<const std::string> fields) {
  AppendCsvLine(fields, text_);
  return Flush(kAnswerPieceBytes);
}

Result<void> ExportFile::AddJson(std::string_view object) {
  text_ += object;
  text_ += '\n';
  return Flush(kAnswerPieceBytes);
}

Result<void> ExportFile::AddOtlp(std::string_view request) {
  if (request.empty()) return {};
  if (format_ == ExportFormat::kOtlpProtobuf) {
    text_ += request;
  } else if (format_ == ExportFormat::kOtlpJsonLines) {
    otlp::AppendJson(otlp::RequestMessage(signal_), request, text_);
    text_ += '\n';
  } else {
    for (otlp::FieldReader reader(request); reader.Next();) {
      if (reader.tag() != otlp::field::request::kResources) continue;
      if (std::exchange(has_elements_, true)) text_ += ',';
      otlp::AppendJson(ElementOf(signal_), reader.bytes(), text_);
    }
  }
  return Flush(kAnswerPieceBytes);
}

Result<void> ExportFile::End(bool has_more) {
  if (format_ == ExportFormat::kOtlpJson) text_ += "]}\n";
  SIGHTLINE_TRY(Flush(1));
  call_.trailers = {{"X-Sightline-Items", std::to_string(items_)},
                    {"X-Sightline-Complete", cut_ || has_more ? "false" : "true"}};
  return {};
}

Result<void> ExportFile::Flush(size_t from_bytes) {
  if (text_.size() < from_bytes) return {};
  const bool wanted = call_.Write(text_);
  text_.clear();
  if (wanted) return {};
  return Fail(Code::kCancelled, "the client left");
}

void AppendCsvLine(std::span<const std::string> fields, std::string& out) {
  bool first = true;
  for (const std::string& field : fields) {
    if (!first) out += ',';
    first = false;
    if (field.find_first_of("\",\r\n") == field.npos) {
      out += field;
      continue;
    }
    out += '"';
    for (const char c : field) {
      if (c == '"') out += '"';
      out += c;
    }
    out += '"';
  }
  out += "\r\n";
}

}  // namespace sightline::serve
