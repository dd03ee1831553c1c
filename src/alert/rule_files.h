// Rules from files: each *.json, *.yaml and *.yml of a directory is one.
#pragma once

#include <string>
#include <vector>

#include "alert/rule_store.h"
#include "base/error.h"
#include "state/document_files.h"

namespace sightline::alert {

struct RuleFileList {
  std::vector<Rule> rules;  // by file name
  std::vector<state::BrokenFile> broken;
};

// Of the rule that a file is: "logs", "logs.yaml".
std::string RuleIdOfName(const std::string& name);
std::string RuleIdOfFile(const std::string& file);

// Thread: any.
class RuleFiles {
 public:
  // "": there are none. A directory that is not there has none.
  explicit RuleFiles(std::string directory);

  // As state::DocumentFiles::List.
  Result<RuleFileList> List();

 private:
  state::DocumentFiles<RuleDocument> files_;
};

}  // namespace sightline::alert
