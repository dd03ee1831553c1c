// Binds named, documented, typed keys to the fields of a program's configuration struct, and fills them from a YAML
// file, environment variables and flags. The later source wins: file < environment < flag. What is unknown or of the
// wrong type is a problem with its place, never ignored.
// Data: declarations + sources -> fields, or a list of problems; and back: YAML text with comments, a list for docs.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/units.h"
#include "base/yaml.h"

namespace sightline {

struct ConfigProblem {
  std::string where;  // "sightline.yaml:3:5", "SIGHTLINE_LOG_LEVEL", "--set"
  std::string key;    // dotted path; may be empty
  std::string message;
  std::string Text() const;  // "sightline.yaml:3:5: log.level: expected text or json, found \"xml\""
};

struct ConfigSources {
  std::string file;                      // path; empty: none
  std::vector<std::string> environment;  // "NAME=value", all of the process's
  struct Flag {
    std::string name;  // as the user wrote it, for messages: "--data-dir"
    std::string key;   // "data_dir"
    std::string value;
  };
  std::vector<Flag> flags;  // a later one of the same key wins
};

// How one key reads its value and shows it.
struct ConfigKey {
  std::string path;  // "limits.disk_free_bytes_min"
  std::string doc;   // a sentence or more
  std::string type;  // for people: "size", "duration", "`text` or `json`"
  enum class Shape : uint8_t { kScalar, kTextList, kTree } shape = Shape::kScalar;
  // Reads the node into the field, or says what is wrong and where. `node.line` is 0 for variables and flags.
  std::function<std::expected<void, YamlFault>(const YamlNode& node)> read;
  // The field as YAML: flow style, or a block of whole lines that starts with a newline. "" if it holds nothing.
  std::function<std::string()> show;

  // Filled by ConfigSchema.
  std::string default_yaml;
  std::string source;  // "" while it has the default, else as ConfigProblem::where
};

struct ConfigTextOptions {
  std::function<Result<void>(const std::string& value)> check;
  bool hides_password = false;  // ShowYaml replaces it: of a URL user:PASSWORD@, of NAME=VALUE in a list the value
};

struct ConfigDurationOptions {
  int64_t min_nanos = 0;
  int64_t max_nanos = kForeverNanos - 1;
  bool may_be_forever = false;
};

// Keys of one section are declared one after the other. The fields must outlive the schema. Declaring a path twice, or
// two paths with one variable name, is a bug and ends the program.
// Thread: one at a time.
class ConfigSchema {
 public:
  explicit ConfigSchema(std::string environment_prefix) : prefix_(std::move(environment_prefix)) {}

  // A heading for the keys under `path` ("limits"), for ShowYaml and docs.
  void Section(std::string path, std::string doc);

  void Text(std::string path, std::string& field, std::string doc, ConfigTextOptions options = {});
  void Texts(std::string path, std::vector<std::string>& field, std::string doc, ConfigTextOptions options = {});
  void Bool(std::string path, bool& field, std::string doc);

  // Whole numbers, and sizes in bytes (which may have a unit), from min to max.
  template <std::unsigned_integral T>
  void Number(std::string path, T& field, std::string doc, std::type_identity_t<T> min = 0,
              std::type_identity_t<T> max = std::numeric_limits<T>::max()) {
    AddNumber(std::move(path), std::move(doc), "number", min, max, Number64(field));
  }
  template <std::unsigned_integral T>
  void Bytes(std::string path, T& field, std::string doc, std::type_identity_t<T> min = 0,
             std::type_identity_t<T> max = std::numeric_limits<T>::max()) {
    AddNumber(std::move(path), std::move(doc), "size", min, max, Number64(field));
  }

  void Duration(std::string path, int64_t& nanos, std::string doc, ConfigDurationOptions options = {});

  template <typename Enum>
  void Choice(std::string path, Enum& field, std::string doc, std::vector<std::pair<std::string, Enum>> choices);

  // Anything, kept as it is for a part that reads it itself.
  void Tree(std::string path, std::optional<YamlNode>& field, std::string doc);

  void Add(ConfigKey key);

  // Reads all sources, lowest precedence first. Empty: all is well; else the fields hold what could be read.
  std::vector<ConfigProblem> Load(const ConfigSources& sources);

  const std::vector<ConfigKey>& keys() const { return keys_; }
  const std::vector<std::pair<std::string, std::string>>& sections() const { return sections_; }
  const ConfigKey* Find(std::string_view path) const;
  std::string VariableName(std::string_view path) const;  // "SIGHTLINE_LIMITS_DISK_FREE_BYTES_MIN"
  // The known key that `path` was probably meant to be: near as a whole, or near in its last word. "" if none is.
  std::string Nearest(std::string_view path) const;

  // All values as they are now, as a YAML file with the docs as comments; Load reads it back.
  std::string ShowYaml() const;

 private:
  struct NumberField {
    std::function<uint64_t()> get;
    std::function<void(uint64_t)> set;
  };
  template <typename T>
  static NumberField Number64(T& field) {
    return {[&field] { return uint64_t{field}; }, [&field](uint64_t value) { field = static_cast<T>(value); }};
  }
  struct ChoiceField {
    std::vector<std::string> names;
    std::function<size_t()> get;
    std::function<void(size_t)> set;
  };

  void AddNumber(std::string path, std::string doc, std::string type, uint64_t min, uint64_t max, NumberField field);
  void AddChoice(std::string path, std::string doc, ChoiceField field);
  void LoadFile(const std::string& file, std::vector<ConfigProblem>& problems);
  void LoadMap(const std::string& file, const YamlNode& map, const std::string& path,
               std::vector<ConfigProblem>& problems);
  void LoadEnvironment(const std::vector<std::string>& environment, std::vector<ConfigProblem>& problems);
  void LoadFlags(const std::vector<ConfigSources::Flag>& flags, std::vector<ConfigProblem>& problems);
  void LoadText(ConfigKey& key, const std::string& text, const std::string& where,
                std::vector<ConfigProblem>& problems);
  bool IsSection(std::string_view path) const;
  std::string Unknown(std::string_view what, std::string_view path) const;

  std::string prefix_;  // "SIGHTLINE_"
  std::vector<ConfigKey> keys_;
  std::vector<std::pair<std::string, std::string>> sections_;  // path, doc
};

template <typename Enum>
void ConfigSchema::Choice(std::string path, Enum& field, std::string doc,
                          std::vector<std::pair<std::string, Enum>> choices) {
  ChoiceField choice;
  for (const auto& [name, value] : choices) choice.names.push_back(name);
  choice.get = [&field, choices] {
    for (size_t i = 0; i < choices.size(); ++i) {
      if (choices[i].second == field) return i;
    }
    return choices.size();
  };
  choice.set = [&field, choices](size_t i) { field = choices[i].second; };
  AddChoice(std::move(path), std::move(doc), std::move(choice));
}

// The environment of this process as ConfigSources wants it.
std::vector<std::string> ProcessEnvironment();

}  // namespace sightline
