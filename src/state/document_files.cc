#include "state/document_files.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/log.h"
#include "base/yaml.h"

namespace sightline::state::internal {
namespace {

constexpr size_t kNameBytesMax = 100;
constexpr int64_t kSecondNanos = 1'000'000'000;

// It becomes part of an id in URLs.
bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  });
}

bool IsDocument(const DocumentFilesOptions& options, const std::filesystem::path& path) {
  const auto extension = path.extension();
  if (!options.only.empty() && path.stem() != options.only) return false;
  return extension == ".json" || (options.reads_yaml && (extension == ".yaml" || extension == ".yml"));
}

}  // namespace

Result<std::vector<FoundFile>> FindDocumentFiles(const DocumentFilesOptions& options) {
  std::vector<FoundFile> files;
  std::error_code failed;
  for (std::filesystem::directory_iterator at(options.directory, failed), end; !failed && at != end;
       at.increment(failed)) {
    const std::filesystem::path& path = at->path();
    struct stat facts;
    if (!IsDocument(options, path) || stat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) continue;
    if (files.size() == options.files_max) {
      return Fail(Code::kUnavailable, "{} has more than {} files of kind {}", options.directory, options.files_max,
                  options.what);
    }
    files.push_back({.path = path.string(),
                     .file = path.filename().string(),
                     .name = path.stem().string(),
                     .stamp = {.changed_unix_nanos = facts.st_mtim.tv_sec * kSecondNanos + facts.st_mtim.tv_nsec,
                               .bytes = static_cast<uint64_t>(facts.st_size)}});
  }
  if (failed && !(options.may_be_missing && failed == std::errc::no_such_file_or_directory)) {
    return Fail(Code::kUnavailable, "{} {}: {}", options.key, options.directory, failed.message());
  }
  std::ranges::sort(files, {}, &FoundFile::file);
  return files;
}

Result<std::string> ReadDocumentFile(const DocumentFilesOptions& options, const FoundFile& found) {
  if (!IsName(found.name)) {
    return Fail(Code::kInvalidArgument, "{:?} is no name: letters, digits, _, - and . are, {} at most", found.name,
                kNameBytesMax);
  }
  if (found.stamp.bytes > options.bytes_max) {
    return Fail(Code::kInvalidArgument, "{} bytes are more than {}", found.stamp.bytes, options.bytes_max);
  }
  std::ifstream file(found.path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) return Fail(Code::kUnavailable, "it cannot be read");
  if (found.file.ends_with(".json")) return text;
  const auto yaml = ParseYaml(text);
  if (!yaml) return Fail(Code::kInvalidArgument, "line {}: {}", yaml.error().line, yaml.error().message);
  return YamlJson(*yaml, options.texts_under);
}

void LogBrokenFile(const DocumentFilesOptions& options, const FoundFile& found, const std::string& error) {
  Log(LogLevel::kWarning, "a file is left out", {{"file", found.path}, {"of", options.key}, {"error", error}});
}

}  // namespace sightline::state::internal
