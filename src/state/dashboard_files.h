// Dashboards from files: each *.json of a directory is a document. Data: a directory -> documents by name, and what is
// wrong with the others.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"
#include "state/dashboard_document.h"

namespace sightline::state {

struct DashboardFile {
  std::string name;  // without .json
  int64_t changed_unix_nanos = 0;
  DashboardDocument document;
};
struct BrokenDashboardFile {
  std::string file;  // with .json
  std::string error;
};
struct DashboardFileList {
  std::vector<DashboardFile> files;  // by name
  std::vector<BrokenDashboardFile> broken;
};

inline constexpr size_t kDashboardFilesMax = 1000;

// Thread: any.
class DashboardFiles {
 public:
  // "": there are none.
  explicit DashboardFiles(std::string directory) : directory_(std::move(directory)) {}

  // As the files are now; only those are read that changed since the last time. Logs what is wrong with a file once
  // for each change of it. kUnavailable: the directory cannot be listed.
  Result<DashboardFileList> List();
  Result<DashboardFile> Get(const std::string& name);  // kNotFound

 private:
  struct Known {
    int64_t changed_unix_nanos = 0;
    uint64_t bytes = 0;
    DashboardDocument document;
    std::string error;  // "": there is none
  };
  Known ReadFile(const std::string& path, const Known& stamp) const;

  const std::string directory_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;  // by file name; guarded by mutex_
};

}  // namespace sightline::state
