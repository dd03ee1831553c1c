#include "notify/notify_files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/log.h"

namespace sightline::notify {
namespace {

constexpr std::string_view kExtensions[] = {".json", ".yaml", ".yml"};
constexpr size_t kNameBytesMax = 100;
constexpr int64_t kSecondNanos = 1'000'000'000;

// It becomes part of an id in URLs.
bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  });
}

// Documents of a folder, sorted.
std::vector<std::string> PathsOf(const std::string& directory) {
  std::vector<std::string> paths;
  std::error_code error;
  for (std::filesystem::directory_iterator file(directory, error), end; !error && file != end; file.increment(error)) {
    const bool is_ours = std::ranges::find(kExtensions, file->path().extension().string()) != std::end(kExtensions);
    if (is_ours && paths.size() < kNotifyFilesMax) paths.push_back(file->path().string());
  }
  std::ranges::sort(paths);
  return paths;
}

}  // namespace

NotifyFiles::Known NotifyFiles::ReadFile(const std::string& path, Known known, bool is_routing) const {
  const std::filesystem::path file(path);
  if (!IsName(file.stem().string())) {
    known.error = fmt::format("{:?} is no name: letters, digits, _, - and . are, {} at most", file.stem().string(),
                              kNameBytesMax);
    return known;
  }
  if (known.bytes > kNotifyFileBytesMax) {
    known.error = fmt::format("{} bytes are more than {}", known.bytes, kNotifyFileBytesMax);
    return known;
  }
  std::ifstream stream(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (!stream.is_open() || stream.bad()) {
    known.error = "it cannot be read";
    return known;
  }
  if (file.extension() != ".json") {
    auto json = yaml_to_json_ ? yaml_to_json_(text) : Fail(Code::kUnimplemented, "YAML is not read");
    if (!json) {
      known.error = json.error().message;
      return known;
    }
    text = *std::move(json);
  }
  if (is_routing) {
    auto routing = ReadRouting(text);
    if (!routing) known.error = routing.error().message;
    if (routing) known.routing = *std::move(routing);
  } else {
    auto channel = ReadChannel(text);
    if (!channel) known.error = channel.error().message;
    if (channel) known.channel = *std::move(channel);
  }
  return known;
}

NotifyFiles::Found NotifyFiles::Read() {
  Found found;
  if (directory_.empty()) return found;
  const std::lock_guard lock(mutex_);
  std::map<std::string, Known> known;
  const auto take = [&](const std::string& path, bool is_routing) {
    struct stat stats{};
    if (stat(path.c_str(), &stats) != 0 || !S_ISREG(stats.st_mode)) return;
    Known now{.changed_unix_nanos = stats.st_mtim.tv_sec * kSecondNanos + stats.st_mtim.tv_nsec,
              .bytes = static_cast<uint64_t>(stats.st_size)};
    const auto before = known_.find(path);
    if (before != known_.end() && before->second.changed_unix_nanos == now.changed_unix_nanos &&
        before->second.bytes == now.bytes) {
      now = before->second;
    } else {
      now = ReadFile(path, std::move(now), is_routing);
      if (!now.error.empty()) {
        Log(LogLevel::kWarning, "a file of notifications is wrong", {{"file", path}, {"error", now.error}});
      }
    }
    const std::filesystem::path file(path);
    if (!now.error.empty()) found.broken.push_back({file.filename().string(), now.error});
    if (now.channel) found.channels.emplace_back(file.stem().string(), *now.channel);
    if (now.routing && !found.routing) found.routing = now.routing;
    known.emplace(path, std::move(now));
  };
  for (const auto& path : PathsOf(directory_ + "/channels")) take(path, false);
  for (const auto extension : kExtensions) take(fmt::format("{}/routing{}", directory_, extension), true);
  known_ = std::move(known);
  return found;
}

}  // namespace sightline::notify
