// YAML text -> a small tree that remembers where everything stood, so that whoever reads it can say which line is
// wrong. Keeps yaml-cpp out of headers.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sightline {

// A place in YAML text and what is wrong there. Lines and columns count from 1; 0 when there is no text.
struct YamlFault {
  int line = 0, column = 0;
  std::string message;
};

// Scalars are text as written, without quotes; what they mean is up to the reader. Aliases are resolved.
struct YamlNode {
  enum class Kind : uint8_t { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  std::string scalar;
  bool quoted = false;                 // it was written in quotes: a text, whatever it looks like
  std::vector<YamlNode> children;  // of a list or map, in order; keys of one map are unique
  int line = 0, column = 0;

  // Set when this is a value of a map.
  std::string key;
  int key_line = 0, key_column = 0;

  const YamlNode* Find(std::string_view child_key) const;  // nullptr if absent
  YamlFault Fault(std::string message) const { return {line, column, std::move(message)}; }
  // For "expected a list, found ...": `"abc"`, `a list`, `a map`, `nothing`.
  std::string Found() const;
};

// One document (none is kNull). Bounded in bytes, nodes and depth, aliases included.
std::expected<YamlNode, YamlFault> ParseYaml(std::string_view text);

// `text` as a YAML scalar that reads back as the same text, quoted where needed.
std::string YamlScalar(std::string_view text);

// The tree as JSON: what is not quoted and reads as a number, true, false or null is one, all else is text; so is what
// stands in maps of these keys, as people leave the quotes out there: `labels: {tier: 1}`.
std::string YamlJson(const YamlNode& node, std::span<const std::string_view> texts_under = {});

// The tree in flow style, on one line: "{a: [1, 2]}".
std::string YamlFlow(const YamlNode& node);

}  // namespace sightline
