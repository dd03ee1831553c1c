#include "alert/rule_files.h"

#include <utility>

namespace sightline::alert {

std::string RuleIdOfName(const std::string& name) {
  return "file-" + name;
}

std::string RuleIdOfFile(const std::string& file) {
  return RuleIdOfName(file.substr(0, file.rfind('.')));
}

RuleFiles::RuleFiles(std::string directory)
    : files_({.directory = std::move(directory),
              .key = "alerts.directory",
              .what = "rule",
              .files_max = kRulesMax,
              .bytes_max = kRuleBytesMax,
              .reads_yaml = true,
              .texts_under = {"labels", "annotations"},
              .may_be_missing = true},
             ReadRule) {}

Result<RuleFileList> RuleFiles::List() {
  auto found = files_.List();
  if (!found) return std::unexpected(found.error());
  RuleFileList list{.rules = {}, .broken = std::move(found->broken)};
  for (auto& file : found->files) {
    list.rules.push_back({.id = RuleIdOfName(file.name),
                          .is_file = true,
                          .updated_unix_nanos = file.changed_unix_nanos,
                          .document = std::move(file.document)});
  }
  return list;
}

}  // namespace sightline::alert
