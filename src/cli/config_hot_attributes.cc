#include "cli/config_hot_attributes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "cli/config_list.h"

namespace sightline::cli {
namespace {

using otlp::HotAttribute;

constexpr size_t kHotAttributesMax = 256;
constexpr size_t kKeyBytesMax = 200;
constexpr std::array<std::pair<std::string_view, HotAttribute::Type>, 4> kTypes = {
    {{"string", HotAttribute::Type::kString},
     {"int", HotAttribute::Type::kInt},
     {"double", HotAttribute::Type::kDouble},
     {"bool", HotAttribute::Type::kBool}}};

std::string_view TypeName(HotAttribute::Type type) {
  return std::ranges::find(kTypes, type, &std::pair<std::string_view, HotAttribute::Type>::second)->first;
}

// Sets one field of an attribute; the message of the fault if the value is wrong, "" if it is right.
std::string ReadField(const YamlNode& node, HotAttribute& attribute) {
  if (node.kind != YamlNode::Kind::kScalar) return fmt::format("expected text, found {}", node.Found());
  if (node.key == "key") {
    const bool printable = std::ranges::all_of(node.scalar, [](char c) { return c > ' ' && c < 0x7F && c != '`'; });
    if (node.scalar.empty() || node.scalar.size() > kKeyBytesMax || !printable) {
      return fmt::format("\"{}\" is not an attribute key of 1 to {} printable characters", node.scalar, kKeyBytesMax);
    }
    attribute.key = node.scalar;
  } else if (node.key == "type") {
    const auto it = std::ranges::find(kTypes, node.scalar, &std::pair<std::string_view, HotAttribute::Type>::first);
    if (it == kTypes.end()) return fmt::format("expected string, int, double or bool, found {}", node.Found());
    attribute.type = it->second;
  } else {
    if (node.scalar != "true" && node.scalar != "false") {
      return fmt::format("expected true or false, found {}", node.Found());
    }
    attribute.high_cardinality = node.scalar == "true";
  }
  return "";
}

std::expected<HotAttribute, YamlFault> ReadOne(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kMap) {
    return std::unexpected(
        node.Fault(fmt::format("expected a map {{key, type, high_cardinality}}, found {}", node.Found())));
  }
  HotAttribute attribute;
  for (const YamlNode& child : node.children) {
    if (child.key != "key" && child.key != "type" && child.key != "high_cardinality") {
      return std::unexpected(
          YamlFault{child.key_line, child.key_column,
                    fmt::format("unknown field \"{}\"; known are key, type and high_cardinality", child.key)});
    }
    if (std::string wrong = ReadField(child, attribute); !wrong.empty()) {
      return std::unexpected(child.Fault(fmt::format("{}: {}", child.key, wrong)));
    }
  }
  if (attribute.key.empty()) return std::unexpected(node.Fault("has no key"));
  return attribute;
}

std::string Show(const HotAttribute& attribute) {
  return fmt::format("key: {}, type: {}{}", YamlScalar(attribute.key), TypeName(attribute.type),
                     attribute.high_cardinality ? ", high_cardinality: true" : "");
}

}  // namespace

ConfigKey HotAttributesKey(std::string path, std::vector<HotAttribute>& field, std::string doc) {
  return ListKey({.path = std::move(path), .doc = std::move(doc), .type = "list of attributes"}, field,
                 kHotAttributesMax, ReadOne, Show);
}

}  // namespace sightline::cli
