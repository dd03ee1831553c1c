#include "state/dashboard_files.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/log.h"

namespace sightline::state {
namespace {

constexpr std::string_view kExtension = ".json";
constexpr size_t kNameBytesMax = 100;
constexpr int64_t kSecondNanos = 1'000'000'000;

// It becomes part of an id in URLs.
bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  });
}

}  // namespace

DashboardFiles::Known DashboardFiles::ReadFile(const std::string& path, const Known& stamp) const {
  Known known = stamp;
  const std::string name = std::filesystem::path(path).stem().string();
  if (!IsName(name)) {
    known.error = fmt::format("{:?} is no name: letters, digits, _, - and . are, {} at most", name, kNameBytesMax);
    return known;
  }
  if (known.bytes > kDocumentBytesMax) {
    known.error = fmt::format("{} bytes are more than {}", known.bytes, kDocumentBytesMax);
    return known;
  }
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) {
    known.error = "it cannot be read";
    return known;
  }
  auto document = ReadDashboardDocument(text);
  if (document) {
    known.document = *std::move(document);
  } else {
    known.error = document.error().message;
  }
  return known;
}

Result<DashboardFileList> DashboardFiles::List() {
  DashboardFileList list;
  if (directory_.empty()) return list;
  const std::lock_guard lock(mutex_);
  std::error_code failed;
  std::map<std::string, Known> now;
  for (std::filesystem::directory_iterator at(directory_, failed), end; !failed && at != end; at.increment(failed)) {
    if (at->path().extension() != kExtension) continue;
    struct stat facts;
    if (stat(at->path().c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) continue;
    Known stamp{.changed_unix_nanos = facts.st_mtim.tv_sec * kSecondNanos + facts.st_mtim.tv_nsec,
                .bytes = static_cast<uint64_t>(facts.st_size)};
    const std::string file = at->path().filename().string();
    const auto before = known_.find(file);
    if (before != known_.end() && before->second.changed_unix_nanos == stamp.changed_unix_nanos &&
        before->second.bytes == stamp.bytes) {
      now.insert(*before);
      continue;
    }
    if (now.size() == kDashboardFilesMax) {
      return Fail(Code::kUnavailable, "{} has more than {} dashboards", directory_, kDashboardFilesMax);
    }
    Known read = ReadFile(at->path().string(), stamp);
    if (!read.error.empty()) {
      Log(LogLevel::kWarning, "a dashboard's file is left out", {{"file", at->path().string()}, {"error", read.error}});
    }
    now.emplace(file, std::move(read));
  }
  if (failed) return Fail(Code::kUnavailable, "dashboards.directory {}: {}", directory_, failed.message());
  known_ = std::move(now);
  for (const auto& [file, known] : known_) {
    if (!known.error.empty()) {
      list.broken.push_back({file, known.error});
    } else {
      list.files.push_back({file.substr(0, file.size() - kExtension.size()), known.changed_unix_nanos, known.document});
    }
  }
  return list;
}

Result<DashboardFile> DashboardFiles::Get(const std::string& name) {
  auto list = List();
  if (!list) return std::unexpected(list.error());
  const auto found = std::ranges::find(list->files, name, &DashboardFile::name);
  if (found == list->files.end()) return Fail(Code::kNotFound, "there is no dashboard file-{}", name);
  return std::move(*found);
}

}  // namespace sightline::state
