// The kinds of keys: how each reads a value, refuses a wrong one and shows it.
#include <fmt/format.h>

#include <charconv>

#include "base/config.h"

namespace sightline {
namespace {

using ReadResult = std::expected<void, YamlFault>;

std::unexpected<YamlFault> Wrong(const YamlNode& node, std::string message) {
  return std::unexpected(node.Fault(std::move(message)));
}

std::unexpected<YamlFault> Expected(const YamlNode& node, std::string_view what) {
  return Wrong(node, fmt::format("expected {}, found {}", what, node.Found()));
}

bool IsScalar(const YamlNode& node) {
  return node.kind == YamlNode::Kind::kScalar;
}

// http://user:secret@host -> http://user:***@host
std::string HidePassword(const std::string& url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string::npos) return url;
  const size_t at = url.rfind('@', url.find('/', scheme + 3));
  const size_t colon = url.find(':', scheme + 3);
  if (at == std::string::npos || at < scheme || colon > at) return url;
  return url.substr(0, colon + 1) + "***" + url.substr(at);
}

ReadResult ReadText(const YamlNode& node, const ConfigTextOptions& options, std::string& field) {
  if (!IsScalar(node)) return Expected(node, "text");
  if (options.check) {
    if (const Result<void> checked = options.check(node.scalar); !checked) return Wrong(node, checked.error().message);
  }
  field = node.scalar;
  return {};
}

}  // namespace

void ConfigSchema::Text(std::string path, std::string& field, std::string doc, ConfigTextOptions options) {
  Add({.path = std::move(path),
       .doc = std::move(doc),
       .type = "text",
       .read = [&field, options](const YamlNode& node) { return ReadText(node, options, field); },
       .show = [&field, options] { return YamlScalar(options.hides_password ? HidePassword(field) : field); }});
}

void ConfigSchema::Texts(std::string path, std::vector<std::string>& field, std::string doc,
                         ConfigTextOptions options) {
  ConfigKey key{.path = std::move(path), .doc = std::move(doc), .type = "list of texts"};
  key.shape = ConfigKey::Shape::kTextList;
  key.read = [&field, options](const YamlNode& node) -> ReadResult {
    if (node.kind != YamlNode::Kind::kList) return Expected(node, "a list of texts");
    std::vector<std::string> values(node.children.size());
    for (size_t i = 0; i < values.size(); ++i) {
      if (ReadResult read = ReadText(node.children[i], options, values[i]); !read) return read;
    }
    field = std::move(values);
    return {};
  };
  key.show = [&field, options] {
    std::string out;
    for (const std::string& value : field) {
      out += out.empty() ? "" : ", ";
      out += YamlScalar(options.hides_password ? value.substr(0, value.find('=')) + "=***" : value);
    }
    return "[" + out + "]";
  };
  Add(std::move(key));
}

void ConfigSchema::Bool(std::string path, bool& field, std::string doc) {
  ConfigKey key{.path = std::move(path), .doc = std::move(doc), .type = "`true` or `false`"};
  key.read = [&field](const YamlNode& node) -> ReadResult {
    if (!IsScalar(node) || (node.scalar != "true" && node.scalar != "false")) return Expected(node, "true or false");
    field = node.scalar == "true";
    return {};
  };
  key.show = [&field] { return std::string(field ? "true" : "false"); };
  Add(std::move(key));
}

void ConfigSchema::AddNumber(std::string path, std::string doc, std::string type, uint64_t min, uint64_t max,
                             NumberField field) {
  const bool bytes = type == "size";
  const auto print = [bytes](uint64_t value) { return bytes ? PrintBytes(value) : fmt::format("{}", value); };
  ConfigKey key{.path = std::move(path), .doc = std::move(doc), .type = std::move(type)};
  key.read = [=](const YamlNode& node) -> ReadResult {
    if (!IsScalar(node)) return Expected(node, bytes ? "a size in bytes" : "a whole number");
    uint64_t value = 0;
    if (bytes) {
      const Result<uint64_t> parsed = ParseBytes(node.scalar);
      if (!parsed) return Wrong(node, parsed.error().message);
      value = *parsed;
    } else {
      const char* end = node.scalar.data() + node.scalar.size();
      const auto [stop, error] = std::from_chars(node.scalar.data(), end, value);
      if (error != std::errc() || stop != end) return Expected(node, "a whole number");
    }
    if (value < min) return Wrong(node, fmt::format("must be at least {}, not {}", print(min), node.scalar));
    if (value > max) return Wrong(node, fmt::format("must be at most {}, not {}", print(max), node.scalar));
    field.set(value);
    return {};
  };
  key.show = [=] { return print(field.get()); };
  Add(std::move(key));
}

void ConfigSchema::Duration(std::string path, int64_t& nanos, std::string doc, ConfigDurationOptions options) {
  ConfigKey key{.path = std::move(path), .doc = std::move(doc), .type = "duration"};
  if (options.may_be_forever) key.type += " or `forever`";
  key.read = [&nanos, options](const YamlNode& node) -> ReadResult {
    if (!IsScalar(node)) return Expected(node, "a duration");
    const Result<int64_t> parsed = ParseDuration(node.scalar);
    if (!parsed) return Wrong(node, parsed.error().message);
    if (*parsed == kForeverNanos) {
      if (!options.may_be_forever) return Wrong(node, "cannot be forever");
    } else if (*parsed < options.min_nanos) {
      return Wrong(node, fmt::format("must be at least {}, not {}", PrintDuration(options.min_nanos), node.scalar));
    } else if (*parsed > options.max_nanos) {
      return Wrong(node, fmt::format("must be at most {}, not {}", PrintDuration(options.max_nanos), node.scalar));
    }
    nanos = *parsed;
    return {};
  };
  key.show = [&nanos] { return PrintDuration(nanos); };
  Add(std::move(key));
}

void ConfigSchema::AddChoice(std::string path, std::string doc, ChoiceField field) {
  std::string words, type;
  for (size_t i = 0; i < field.names.size(); ++i) {
    const std::string_view between = i == 0 ? "" : i + 1 == field.names.size() ? " or " : ", ";
    words += fmt::format("{}{}", between, field.names[i]);
    type += fmt::format("{}`{}`", between, field.names[i]);
  }
  ConfigKey key{.path = std::move(path), .doc = std::move(doc), .type = std::move(type)};
  key.read = [field, words](const YamlNode& node) -> ReadResult {
    for (size_t i = 0; IsScalar(node) && i < field.names.size(); ++i) {
      if (field.names[i] != node.scalar) continue;
      field.set(i);
      return {};
    }
    return Expected(node, words);
  };
  key.show = [field] { return field.names.at(field.get()); };
  Add(std::move(key));
}

void ConfigSchema::Tree(std::string path, std::optional<YamlNode>& field, std::string doc) {
  ConfigKey key{.path = std::move(path), .doc = std::move(doc), .type = "tree"};
  key.shape = ConfigKey::Shape::kTree;
  key.read = [&field](const YamlNode& node) -> ReadResult {
    field = node;
    return {};
  };
  key.show = [&field] { return field ? YamlFlow(*field) : std::string(); };
  Add(std::move(key));
}

}  // namespace sightline
