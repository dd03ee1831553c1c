// Channels and routing from files: DIRECTORY/channels/NAME.json (or .yaml, .yml), and DIRECTORY/routing.json. Data: a
// directory -> documents, and what is wrong with the others.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "notify/channel.h"
#include "notify/routing.h"

namespace sightline::notify {

inline constexpr size_t kNotifyFilesMax = 500;
inline constexpr size_t kNotifyFileBytesMax = 256 << 10;

// Thread: any.
class NotifyFiles {
 public:
  using YamlToJson = std::function<Result<std::string>(std::string_view yaml)>;

  // "": there are none. A directory that is not there has none.
  explicit NotifyFiles(std::string directory = "", YamlToJson yaml_to_json = nullptr)
      : directory_(std::move(directory)), yaml_to_json_(std::move(yaml_to_json)) {}

  struct Broken {
    std::string file, error;
  };
  struct Found {
    std::vector<std::pair<std::string, Channel>> channels;  // by name, which is the file's
    std::optional<Routing> routing;
    std::vector<Broken> broken;
  };
  // As the files are now; only those are read that changed since the last time. Logs what is wrong with one once for
  // each change of it.
  Found Read();

 private:
  struct Known {
    int64_t changed_unix_nanos = 0;
    uint64_t bytes = 0;
    std::optional<Channel> channel;
    std::optional<Routing> routing;
    std::string error;  // "": it is well
  };
  Known ReadFile(const std::string& path, Known stamp, bool is_routing) const;

  const std::string directory_;
  const YamlToJson yaml_to_json_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;  // by path; guarded by mutex_
};

}  // namespace sightline::notify
