// Channels and routing from files: DIRECTORY/channels/NAME.json (or .yaml, .yml), and DIRECTORY/routing.json.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "notify/channel.h"
#include "notify/routing.h"
#include "state/document_files.h"

namespace sightline::notify {

inline constexpr size_t kNotifyFilesMax = 500;
inline constexpr size_t kNotifyFileBytesMax = 256 << 10;

// Thread: any.
class NotifyFiles {
 public:
  // "": there are none. A directory that is not there has none.
  explicit NotifyFiles(const std::string& directory = "");

  struct Found {
    std::vector<std::pair<std::string, Channel>> channels;  // by name, which is the file's
    std::optional<Routing> routing;
    std::vector<state::BrokenFile> broken;  // a directory that cannot be listed too
  };
  // As state::DocumentFiles::List.
  Found Read();

 private:
  state::DocumentFiles<Channel> channels_;
  state::DocumentFiles<Routing> routing_;
};

}  // namespace sightline::notify
