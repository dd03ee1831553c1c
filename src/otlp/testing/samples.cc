#include "otlp/testing/samples.h"

#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/error.h"
#include "otlp/wire.h"

namespace sightline::otlp::testing {
namespace {

std::string Gunzip(const std::string& data) {
  z_stream stream{};
  SIGHTLINE_CHECK(inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  std::string out;
  std::string piece(64 * 1024, '\0');
  int status = Z_OK;
  while (status == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    status = inflate(&stream, Z_NO_FLUSH);
    out.append(piece, 0, piece.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  SIGHTLINE_CHECK(status == Z_STREAM_END);
  return out;
}

Signal SignalOf(std::string_view name) {
  for (const Signal signal : kSignals)
    if (SignalName(signal) == name) return signal;
  SIGHTLINE_CHECK(false && "a signal that is none");
  return Signal::kTraces;
}

bool IsZero(const FieldInfo& field, const FieldReader& fields) {
  if (field.message != Message::kNone) return false;
  return TagType(fields.tag()) == WireType::kBytes ? fields.bytes().empty() : fields.Uint() == 0;
}

void AppendOutline(Message message, std::string_view bytes, int depth, std::string& out) {
  std::multimap<uint32_t, std::string> parts;  // by field; of the same field in the order of the bytes
  for (FieldReader fields(bytes); fields.Next();) {
    const uint32_t number = TagNumber(fields.tag());
    if (number > kFieldNumberMax) continue;
    const FieldInfo& field = Info(message).fields[number];
    // Values in attributes and bodies count even when they are zero.
    if (IsZero(field, fields) && message != Message::kAnyValue) continue;
    std::string part = std::string(static_cast<size_t>(depth) * 2, ' ') + std::string(field.name) + "\n";
    if (field.message != Message::kNone) AppendOutline(field.message, fields.bytes(), depth + 1, part);
    parts.emplace(number, std::move(part));
  }
  for (const auto& [number, part] : parts) out += part;
}

}  // namespace

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  SIGHTLINE_CHECK(in.good());
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string TestDataDirectory() {
  return SIGHTLINE_SOURCE_DIR "/src/otlp/testdata";
}

std::vector<std::pair<std::string, std::string>> ReadFiles(const std::string& directory) {
  std::vector<std::pair<std::string, std::string>> files;
  if (!std::filesystem::is_directory(directory)) return files;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    if (entry.is_regular_file()) files.emplace_back(entry.path().filename().string(), ReadFile(entry.path().string()));
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<Sample> LoadSamples(const std::string& directory,
                                const std::function<bool(std::string_view file)>& wanted) {
  std::vector<Sample> samples;
  const boost::json::value manifest = boost::json::parse(ReadFile(directory + "/manifest.json"));
  for (const boost::json::value& entry : manifest.at("files").as_array()) {
    Sample sample;
    sample.file = std::string_view(entry.at("file").as_string());
    if (!wanted(sample.file)) continue;
    sample.signal = SignalOf(std::string_view(entry.at("signal").as_string()));
    sample.json = sample.file.ends_with(".json");
    sample.count = static_cast<uint32_t>(entry.at("count").as_int64());
    sample.bytes = ReadFile(directory + "/" + sample.file);
    if (sample.file.ends_with(".gz")) sample.bytes = Gunzip(sample.bytes);
    sample.facts = entry.at("facts").as_object();
    samples.push_back(std::move(sample));
  }
  return samples;
}

const std::vector<Sample>& SdkSamples() {
  static const auto* samples =
      new std::vector<Sample>(LoadSamples(TestDataDirectory(), [](std::string_view) { return true; }));
  return *samples;
}

const std::vector<Sample>& DemoSamples() {
  const auto load = [] {
    const std::string directory = SIGHTLINE_SHARED_DIR "/otlp-samples";
    if (!std::filesystem::exists(directory + "/manifest.json")) return std::vector<Sample>();
    return LoadSamples(directory, [](std::string_view file) { return file.starts_with("python-demo"); });
  };
  static const auto* samples = new std::vector<Sample>(load());
  return *samples;
}

const Sample& SdkSample(std::string_view file) {
  const auto& samples = SdkSamples();
  const auto found = std::find_if(samples.begin(), samples.end(), [&](const Sample& s) { return s.file == file; });
  SIGHTLINE_CHECK(found != samples.end());
  return *found;
}

void Visit(Message root, std::string_view bytes, Message wanted, const std::function<void(std::string_view)>& visit) {
  if (root == wanted) visit(bytes);
  for (FieldReader fields(bytes); fields.Next();) {
    const uint32_t number = TagNumber(fields.tag());
    if (number > kFieldNumberMax) continue;
    const FieldInfo& field = Info(root).fields[number];
    if (field.message != Message::kNone) Visit(field.message, fields.bytes(), wanted, visit);
  }
}

std::string Outline(Message root, std::string_view bytes) {
  std::string out;
  AppendOutline(root, bytes, 0, out);
  return out;
}

}  // namespace sightline::otlp::testing
