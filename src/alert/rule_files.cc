#include "alert/rule_files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/json_text.h"
#include "base/log.h"
#include "base/yaml.h"

namespace sightline::alert {
namespace {

constexpr std::string_view kExtensions[] = {".json", ".yaml", ".yml"};
constexpr std::string_view kNumbers[] = {"schema",      "enabled", "warning",    "critical", "recovery",
                                         "sensitivity", "factor",  "groups_max", "continue", "port"};
constexpr size_t kNameBytesMax = 100;
constexpr int64_t kSecondNanos = 1'000'000'000;

// It becomes part of an id in URLs.
bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  });
}

void AppendScalar(std::string& json, const std::string& text, bool wants_number) {
  if (wants_number && (text == "true" || text == "false")) {
    json += text;
    return;
  }
  const char* begin = text.data();
  const char* end = begin + text.size();
  if (int64_t whole = 0; wants_number && std::from_chars(begin, end, whole).ptr == end && !text.empty()) {
    json += std::to_string(whole);
  } else if (double number = 0; wants_number && std::from_chars(begin, end, number).ptr == end && !text.empty()) {
    json += fmt::format("{}", number);
  } else {
    AppendJsonString(json, text);
  }
}

void Append(std::string& json, const YamlNode& node, bool wants_number) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      json += "null";
      return;
    case YamlNode::Kind::kScalar:
      return AppendScalar(json, node.scalar, wants_number);
    case YamlNode::Kind::kList:
      json += '[';
      for (const YamlNode& child : node.children) {
        if (&child != node.children.data()) json += ',';
        Append(json, child, wants_number);
      }
      json += ']';
      return;
    case YamlNode::Kind::kMap:
      json += '{';
      for (const YamlNode& child : node.children) {
        if (&child != node.children.data()) json += ',';
        AppendJsonString(json, child.key);
        json += ':';
        const bool is_text = node.key == "labels" || node.key == "annotations";
        Append(json, child, !is_text && std::ranges::find(kNumbers, child.key) != std::end(kNumbers));
      }
      json += '}';
      return;
  }
}

}  // namespace

Result<std::string> RuleYamlToJson(std::string_view yaml) {
  const auto parsed = ParseYaml(yaml);
  if (!parsed) {
    return Fail(Code::kInvalidArgument, "line {}: {}", parsed.error().line, parsed.error().message);
  }
  std::string json;
  Append(json, *parsed, false);
  return json;
}

RuleFiles::Known RuleFiles::ReadFile(const std::string& path, Known known) {
  const std::filesystem::path file(path);
  const std::string name = file.stem().string();
  if (!IsName(name)) {
    known.error = fmt::format("{:?} is no name: letters, digits, _, - and . are, {} at most", name, kNameBytesMax);
    return known;
  }
  if (known.bytes > kRuleBytesMax) {
    known.error = fmt::format("{} bytes are more than {}", known.bytes, kRuleBytesMax);
    return known;
  }
  std::ifstream stream(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (!stream.is_open() || stream.bad()) {
    known.error = "it cannot be read";
    return known;
  }
  if (file.extension() != ".json") {
    auto json = RuleYamlToJson(text);
    if (!json) {
      known.error = json.error().message;
      return known;
    }
    text = *std::move(json);
  }
  auto document = ReadRule(text);
  if (!document) {
    known.error = document.error().message;
    return known;
  }
  known.rule = {.id = "file-" + name, .is_file = true, .updated_unix_nanos = known.changed_unix_nanos};
  known.rule.document = *std::move(document);
  return known;
}

Result<RuleFileList> RuleFiles::List() {
  RuleFileList list;
  if (directory_.empty()) return list;
  const std::lock_guard lock(mutex_);
  std::error_code failed;
  std::map<std::string, Known> now;
  for (std::filesystem::directory_iterator at(directory_, failed), end; !failed && at != end; at.increment(failed)) {
    if (std::ranges::find(kExtensions, at->path().extension().string()) == std::end(kExtensions)) continue;
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
    if (now.size() == kRuleFilesMax) {
      return Fail(Code::kUnavailable, "{} has more than {} rules", directory_, kRuleFilesMax);
    }
    Known read = ReadFile(at->path().string(), stamp);
    if (!read.error.empty()) {
      Log(LogLevel::kWarning, "a rule's file is left out", {{"file", at->path().string()}, {"error", read.error}});
    }
    now.emplace(file, std::move(read));
  }
  if (failed && failed != std::errc::no_such_file_or_directory) {
    return Fail(Code::kUnavailable, "alerts.directory {}: {}", directory_, failed.message());
  }
  known_ = std::move(now);
  std::map<std::string, const std::string*> taken;  // ids, by which file
  for (const auto& [file, known] : known_) {
    if (!known.error.empty()) {
      list.broken.push_back({file, known.error});
    } else if (const auto [first, is_new] = taken.emplace(known.rule.id, &file); !is_new) {
      list.broken.push_back({file, fmt::format("{} has the same name", *first->second)});
    } else {
      list.rules.push_back(known.rule);
    }
  }
  return list;
}

}  // namespace sightline::alert
