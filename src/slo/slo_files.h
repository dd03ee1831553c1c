// SLOs from files: each *.yaml, *.yml and *.json of a directory is a document. Data: a directory -> documents by name,
// and what is wrong with the others.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"
#include "slo/slo_document.h"

namespace sightline::slo {

struct SloFile {
  std::string name;  // without .yaml
  int64_t changed_unix_nanos = 0;
  SloDocument document;
};
struct BrokenSloFile {
  std::string file;  // with .yaml
  std::string error;
};
struct SloFileList {
  std::vector<SloFile> files;  // by name
  std::vector<BrokenSloFile> broken;
};

inline constexpr size_t kSloFilesMax = 500;

// Thread: any.
class SloFiles {
 public:
  // "": there are none.
  explicit SloFiles(std::string directory) : directory_(std::move(directory)) {}

  // As the files are now; only those are read that changed since the last time. Logs what is wrong with a file once
  // for each change of it. kUnavailable: the directory cannot be listed.
  Result<SloFileList> List();
  Result<SloFile> Get(const std::string& name);  // kNotFound

 private:
  struct Known {
    int64_t changed_unix_nanos = 0;
    uint64_t bytes = 0;
    SloDocument document;
    std::string error;  // "": there is none
  };
  Known ReadFile(const std::string& path, const Known& stamp) const;

  const std::string directory_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;  // by file name; guarded by mutex_
};

}  // namespace sightline::slo
