#include "base/config.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <memory>
#include <numeric>

namespace sightline {
namespace {

std::string Join(std::string_view path, std::string_view word) {
  return path.empty() ? std::string(word) : fmt::format("{}.{}", path, word);
}

std::string_view LastWord(std::string_view path) {
  return path.substr(path.rfind('.') + 1);
}

// Insertions, deletions and replacements that turn one into the other (Levenshtein).
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t k = 0; k < b.size(); ++k) {
      const size_t replaced = diagonal + (a[i] == b[k] ? 0 : 1);
      diagonal = row[k + 1];
      row[k + 1] = std::min({replaced, row[k] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::string Place(const std::string& file, int line, int column) {
  return line == 0 ? file : fmt::format("{}:{}:{}", file, line, column);
}

// A little more than ParseYaml takes, so that an endless file is refused there and not read.
constexpr size_t kFileBytesMax = 8 << 20;

Result<std::string> ReadFile(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), &std::fclose);
  if (file == nullptr) return Fail(Code::kNotFound, "cannot be read: {}", std::strerror(errno));
  std::string text;
  char piece[16384];
  for (size_t n; text.size() < kFileBytesMax && (n = std::fread(piece, 1, sizeof(piece), file.get())) > 0;) {
    text.append(piece, n);
  }
  if (std::ferror(file.get()) != 0) return Fail(Code::kUnavailable, "cannot be read: {}", std::strerror(errno));
  return text;
}

// Every line of `text` with `indent` in front.
void AppendLines(std::string& out, std::string_view indent, std::string_view text) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    fmt::format_to(std::back_inserter(out), "{}{}\n", indent, text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

// `text` as comment lines of at most 100 characters.
void AppendComment(std::string& out, const std::string& indent, std::string_view text) {
  constexpr size_t kWidth = 100;
  std::string line;
  while (!text.empty()) {
    const size_t end = text.find(' ');
    const std::string_view word = text.substr(0, end);
    if (!line.empty() && indent.size() + 3 + line.size() + word.size() > kWidth) {
      AppendLines(out, indent + "# ", line);
      line.clear();
    }
    line += line.empty() ? "" : " ";
    line += word;
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  AppendLines(out, indent + "# ", line);
}

}  // namespace

std::string ConfigProblem::Text() const {
  std::string out = where;
  for (const std::string& part : {key, message}) {
    if (!part.empty()) out += (out.empty() ? "" : ": ") + part;
  }
  return out;
}

void ConfigSchema::Section(std::string path, std::string doc) {
  sections_.emplace_back(std::move(path), std::move(doc));
}

void ConfigSchema::Add(ConfigKey key) {
  for (const ConfigKey& other : keys_) SIGHTLINE_CHECK(VariableName(other.path) != VariableName(key.path));
  key.default_yaml = key.show();
  keys_.push_back(std::move(key));
}

const ConfigKey* ConfigSchema::Find(std::string_view path) const {
  const auto it = std::ranges::find(keys_, path, &ConfigKey::path);
  return it == keys_.end() ? nullptr : &*it;
}

std::string ConfigSchema::VariableName(std::string_view path) const {
  std::string name = prefix_;
  for (const char c : path) name += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return name;
}

std::string ConfigSchema::Nearest(std::string_view path) const {
  const std::string_view word = LastWord(path);
  const ConfigKey* nearest = nullptr;
  size_t least = SIZE_MAX;
  for (const ConfigKey& key : keys_) {
    const std::string_view key_word = LastWord(key.path);
    // A word in the wrong section counts one more than the same word in the right one.
    const size_t whole = EditDistance(path, key.path), last = EditDistance(word, key_word) + 1;
    const size_t distance = std::min(whole, last);
    const size_t length = whole <= last ? std::max(path.size(), key.path.size()) : key_word.size();
    if (distance < least && distance <= std::max<size_t>(2, length * 2 / 5)) {
      least = distance;
      nearest = &key;
    }
  }
  return nearest == nullptr ? "" : nearest->path;
}

std::string ConfigSchema::Unknown(std::string_view what, std::string_view path) const {
  const std::string nearest = Nearest(path);
  if (nearest.empty()) return fmt::format("unknown {}", what);
  return fmt::format("unknown {}; the nearest known key is {}", what, nearest);
}

bool ConfigSchema::IsSection(std::string_view path) const {
  return std::ranges::any_of(keys_, [&](const ConfigKey& key) {
    return key.path.size() > path.size() && key.path.starts_with(path) && key.path[path.size()] == '.';
  });
}

std::vector<ConfigProblem> ConfigSchema::Load(const ConfigSources& sources) {
  std::vector<ConfigProblem> problems;
  if (!sources.file.empty()) LoadFile(sources.file, problems);
  LoadEnvironment(sources.environment, problems);
  LoadFlags(sources.flags, problems);
  return problems;
}

void ConfigSchema::LoadFile(const std::string& file, std::vector<ConfigProblem>& problems) {
  const Result<std::string> text = ReadFile(file);
  if (!text) {
    problems.push_back({file, "", text.error().message});
    return;
  }
  const std::expected<YamlNode, YamlFault> root = ParseYaml(*text);
  if (!root) {
    problems.push_back({Place(file, root.error().line, root.error().column), "", root.error().message});
  } else if (root->kind == YamlNode::Kind::kMap) {
    LoadMap(file, *root, "", problems);
  } else if (root->kind != YamlNode::Kind::kNull) {
    problems.push_back(
        {Place(file, root->line, root->column), "", fmt::format("expected a map of keys, found {}", root->Found())});
  }
}

void ConfigSchema::LoadMap(const std::string& file, const YamlNode& map, const std::string& path,
                           std::vector<ConfigProblem>& problems) {
  for (const YamlNode& node : map.children) {
    const std::string full = Join(path, node.key);
    const auto key = std::ranges::find(keys_, full, &ConfigKey::path);
    const std::string key_place = Place(file, node.key_line, node.key_column);
    if (key != keys_.end()) {
      if (node.kind == YamlNode::Kind::kNull) {
        problems.push_back({key_place, full, "has no value"});
      } else if (const std::expected<void, YamlFault> read = key->read(node); !read) {
        problems.push_back({Place(file, read.error().line, read.error().column), full, read.error().message});
      } else {
        key->source = key_place;
      }
    } else if (!IsSection(full)) {
      problems.push_back({key_place, full, Unknown("key", full)});
    } else if (node.kind == YamlNode::Kind::kMap) {
      LoadMap(file, node, full, problems);
    } else if (node.kind != YamlNode::Kind::kNull) {  // a section whose keys are all commented out is fine
      problems.push_back(
          {Place(file, node.line, node.column), full, fmt::format("expected a map of keys, found {}", node.Found())});
    }
  }
}

void ConfigSchema::LoadEnvironment(const std::vector<std::string>& environment, std::vector<ConfigProblem>& problems) {
  for (const std::string& entry : environment) {
    const size_t equals = entry.find('=');
    const std::string name = entry.substr(0, equals);
    if (equals == std::string::npos || !name.starts_with(prefix_) || name.starts_with(prefix_ + "TEST_")) continue;
    const auto key =
        std::ranges::find_if(keys_, [&](const ConfigKey& candidate) { return VariableName(candidate.path) == name; });
    if (key != keys_.end()) {
      LoadText(*key, entry.substr(equals + 1), name, problems);
      continue;
    }
    // Compare as variables, where sections and words look alike.
    const ConfigKey* nearest = nullptr;
    size_t least = 5;
    for (const ConfigKey& candidate : keys_) {
      const size_t distance = EditDistance(name, VariableName(candidate.path));
      if (distance < least) {
        least = distance;
        nearest = &candidate;
      }
    }
    std::string message = "unknown variable";
    if (nearest != nullptr) message += "; the nearest known one is " + VariableName(nearest->path);
    problems.push_back({name, "", std::move(message)});
  }
}

void ConfigSchema::LoadFlags(const std::vector<ConfigSources::Flag>& flags, std::vector<ConfigProblem>& problems) {
  for (const ConfigSources::Flag& flag : flags) {
    const auto key = std::ranges::find(keys_, flag.key, &ConfigKey::path);
    if (key == keys_.end()) {
      problems.push_back({flag.name, flag.key, Unknown("key", flag.key)});
    } else {
      LoadText(*key, flag.value, flag.name, problems);
    }
  }
}

void ConfigSchema::LoadText(ConfigKey& key, const std::string& text, const std::string& where,
                            std::vector<ConfigProblem>& problems) {
  YamlNode node{.kind = YamlNode::Kind::kScalar, .scalar = text};
  if (key.shape == ConfigKey::Shape::kTree || (key.shape == ConfigKey::Shape::kTextList && text.starts_with('['))) {
    std::expected<YamlNode, YamlFault> parsed = ParseYaml(text);
    if (!parsed) {
      problems.push_back({where, key.path, parsed.error().message});
      return;
    }
    node = std::move(*parsed);
  } else if (key.shape == ConfigKey::Shape::kTextList) {
    node = {.kind = YamlNode::Kind::kList};
    for (std::string_view rest = text; !rest.empty();) {
      const size_t comma = rest.find(',');
      node.children.push_back({.kind = YamlNode::Kind::kScalar, .scalar = std::string(rest.substr(0, comma))});
      rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    }
  }
  if (const std::expected<void, YamlFault> read = key.read(node); !read) {
    problems.push_back({where, key.path, read.error().message});
  } else {
    key.source = where;
  }
}

std::string ConfigSchema::ShowYaml() const {
  std::string out;
  std::vector<std::string> open;  // sections around the current key
  for (const ConfigKey& key : keys_) {
    std::vector<std::string> parents;
    for (size_t dot = key.path.find('.'); dot != std::string::npos; dot = key.path.find('.', dot + 1)) {
      parents.push_back(key.path.substr(0, dot));
    }
    size_t common = 0;
    while (common < std::min(open.size(), parents.size()) && open[common] == parents[common]) ++common;
    if (!out.empty()) out += '\n';
    for (size_t i = common; i < parents.size(); ++i) {
      const std::string indent(2 * i, ' ');
      const auto section = std::ranges::find(sections_, parents[i], &std::pair<std::string, std::string>::first);
      if (section != sections_.end()) AppendComment(out, indent, section->second);
      AppendLines(out, indent, fmt::format("{}:", LastWord(parents[i])));
    }
    open = std::move(parents);

    const std::string indent(2 * open.size(), ' ');
    const std::string value = key.show();
    AppendComment(out, indent, key.doc);
    if (!key.source.empty()) {
      const bool multi = key.default_yaml.starts_with('\n');
      AppendComment(out, indent,
                    fmt::format("Set by {}{}.", key.source,
                                multi || key.default_yaml.empty() ? "" : "; the default is " + key.default_yaml));
    }
    if (value.starts_with('\n')) {
      AppendLines(out, indent, fmt::format("{}:", LastWord(key.path)));
      AppendLines(out, indent + "  ", std::string_view(value).substr(1));
    } else {
      const std::string_view mark = value.empty() ? "# " : "", space = value.empty() ? "" : " ";
      AppendLines(out, indent, fmt::format("{}{}:{}{}", mark, LastWord(key.path), space, value));
    }
  }
  return out;
}

std::vector<std::string> ProcessEnvironment() {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) out.emplace_back(*entry);
  return out;
}

}  // namespace sightline
