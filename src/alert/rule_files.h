// Rules from files: each *.json, *.yaml and *.yml of a directory is a document. Data: a directory -> documents by name,
// and what is wrong with the others.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "alert/rule_store.h"
#include "base/error.h"

namespace sightline::alert {

inline constexpr size_t kRuleFilesMax = 5000;

struct BrokenRuleFile {
  std::string file, error;
};
struct RuleFileList {
  std::vector<Rule> rules;  // by file name; their ids are file-NAME
  std::vector<BrokenRuleFile> broken;
};

// Thread: any.
class RuleFiles {
 public:
  // "": there are none. A directory that is not there has none.
  explicit RuleFiles(std::string directory) : directory_(std::move(directory)) {}

  // As the files are now; only those are read that changed since the last time. Logs what is wrong with a file once
  // for each change of it.
  Result<RuleFileList> List();

 private:
  struct Known {
    int64_t changed_unix_nanos = 0;
    uint64_t bytes = 0;
    Rule rule;
    std::string error;  // "": there is none
  };
  static Known ReadFile(const std::string& path, Known stamp);

  const std::string directory_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;  // by file name; guarded by mutex_
};

// The document as JSON. Only members that want numbers or truth have them: "1" as a label's value stays a text.
Result<std::string> RuleYamlToJson(std::string_view yaml);

}  // namespace sightline::alert
