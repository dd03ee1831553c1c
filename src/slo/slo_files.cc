#include "slo/slo_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "base/yaml.h"

namespace sightline::slo {
namespace {

constexpr size_t kNameBytesMax = 100;
constexpr int64_t kSecondNanos = 1'000'000'000;

bool IsDocument(const std::filesystem::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml" || path.extension() == ".json";
}

// It becomes part of an id in URLs.
bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  });
}

Result<SloDocument> ReadDocument(const std::filesystem::path& path, const std::string& text) {
  if (path.extension() == ".json") return ReadSloDocument(text);
  const auto yaml = ParseYaml(text);
  if (!yaml) return Fail(Code::kInvalidArgument, "line {}: {}", yaml.error().line, yaml.error().message);
  return ReadSloDocument(YamlJson(*yaml));
}

}  // namespace

SloFiles::Known SloFiles::ReadFile(const std::string& path, const Known& stamp) const {
  Known known = stamp;
  const std::string name = std::filesystem::path(path).stem().string();
  if (!IsName(name)) {
    known.error = fmt::format("{:?} is no name: letters, digits, _, - and . are, {} at most", name, kNameBytesMax);
    return known;
  }
  if (known.bytes > kSloDocumentBytesMax) {
    known.error = fmt::format("{} bytes are more than {}", known.bytes, kSloDocumentBytesMax);
    return known;
  }
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) {
    known.error = "it cannot be read";
    return known;
  }
  auto document = ReadDocument(path, text);
  if (document) {
    known.document = *std::move(document);
  } else {
    known.error = document.error().message;
  }
  return known;
}

Result<SloFileList> SloFiles::List() {
  SloFileList list;
  if (directory_.empty()) return list;
  const std::lock_guard lock(mutex_);
  std::error_code failed;
  std::map<std::string, Known> now;
  for (std::filesystem::directory_iterator at(directory_, failed), end; !failed && at != end; at.increment(failed)) {
    if (!IsDocument(at->path())) continue;
    struct stat facts;
    if (stat(at->path().c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) continue;
    if (now.size() == kSloFilesMax) {
      return Fail(Code::kUnavailable, "{} has more than {} SLOs", directory_, kSloFilesMax);
    }
    const Known stamp{.changed_unix_nanos = facts.st_mtim.tv_sec * kSecondNanos + facts.st_mtim.tv_nsec,
                      .bytes = static_cast<uint64_t>(facts.st_size),
                      .document = {},
                      .error = ""};
    const std::string file = at->path().filename().string();
    const auto before = known_.find(file);
    if (before != known_.end() && before->second.changed_unix_nanos == stamp.changed_unix_nanos &&
        before->second.bytes == stamp.bytes) {
      now.insert(*before);
      continue;
    }
    Known read = ReadFile(at->path().string(), stamp);
    if (!read.error.empty()) {
      Log(LogLevel::kWarning, "an SLO's file is left out", {{"file", at->path().string()}, {"error", read.error}});
    }
    now.emplace(file, std::move(read));
  }
  if (failed) return Fail(Code::kUnavailable, "slos.directory {}: {}", directory_, failed.message());
  known_ = std::move(now);
  for (const auto& [file, known] : known_) {
    std::string name = std::filesystem::path(file).stem().string();
    if (!known.error.empty()) {
      list.broken.push_back({file, known.error});
    } else if (std::ranges::find(list.files, name, &SloFile::name) != list.files.end()) {
      list.broken.push_back({file, fmt::format("there is another file of the name {:?}", name)});
    } else {
      list.files.push_back({std::move(name), known.changed_unix_nanos, known.document});
    }
  }
  return list;
}

Result<SloFile> SloFiles::Get(const std::string& name) {
  auto list = List();
  if (!list) return std::unexpected(list.error());
  const auto found = std::ranges::find(list->files, name, &SloFile::name);
  if (found == list->files.end()) return Fail(Code::kNotFound, "there is no SLO \"file-{}\"", name);
  return std::move(*found);
}

}  // namespace sightline::slo
