#include "notify/notify_files.h"

namespace sightline::notify {
namespace {

state::DocumentFilesOptions Options(std::string directory, std::string what) {
  return {.directory = std::move(directory),
          .key = "alerts.directory",
          .what = std::move(what),
          .files_max = kNotifyFilesMax,
          .bytes_max = kNotifyFileBytesMax,
          .reads_yaml = true,
          .may_be_missing = true};
}

state::DocumentFilesOptions RoutingOptions(const std::string& directory) {
  state::DocumentFilesOptions options = Options(directory, "routing");
  options.only = "routing";
  return options;
}

// Into `found`, by take(file).
template <typename Document, typename Take>
void Add(state::DocumentFiles<Document>& files, NotifyFiles::Found& found, const Take& take) {
  auto list = files.List();
  if (!list) return found.broken.push_back({"alerts.directory", list.error().message});
  for (auto& file : list->files) take(file);
  found.broken.insert(found.broken.end(), list->broken.begin(), list->broken.end());
}

}  // namespace

NotifyFiles::NotifyFiles(const std::string& directory)
    : channels_(Options(directory.empty() ? "" : directory + "/channels", "channel"),
                [](std::string_view json) { return ReadChannel(json); }),
      routing_(RoutingOptions(directory), ReadRouting) {}

NotifyFiles::Found NotifyFiles::Read() {
  Found found;
  Add(channels_, found, [&](auto& file) { found.channels.emplace_back(file.name, std::move(file.document)); });
  Add(routing_, found, [&](auto& file) { found.routing = std::move(file.document); });
  return found;
}

}  // namespace sightline::notify
