#include "cli/config_dimensions.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace sightline::cli {
namespace {

using otlp::Dimension;

constexpr size_t kDimensionsMax = 16;
constexpr size_t kTextBytesMax = 200;
// Labels that every series has: a dimension of that name would be a second one.
constexpr std::string_view kTaken[] = {"service.name",          "span.name",   "span.kind",
                                       "collector.instance.id", "status.code", "otel.metric.overflow"};

std::expected<Dimension, YamlFault> ReadOne(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kMap) {
    return std::unexpected(node.Fault(fmt::format("expected a map {{name, default}}, found {}", node.Found())));
  }
  Dimension dimension;
  for (const YamlNode& child : node.children) {
    if (child.key != "name" && child.key != "default") {
      return std::unexpected(YamlFault{child.key_line, child.key_column,
                                       fmt::format("unknown field \"{}\"; known are name and default", child.key)});
    }
    if (child.kind != YamlNode::Kind::kScalar || child.scalar.size() > kTextBytesMax) {
      return std::unexpected(child.Fault(
          fmt::format("{}: expected text of at most {} bytes, found {}", child.key, kTextBytesMax, child.Found())));
    }
    if (child.key == "name") dimension.key = child.scalar;
    if (child.key == "default") dimension.default_value = child.scalar;
  }
  if (dimension.key.empty()) return std::unexpected(node.Fault("has no name"));
  if (std::ranges::find(kTaken, dimension.key) != std::end(kTaken)) {
    return std::unexpected(node.Fault(fmt::format("every series has {} already", dimension.key)));
  }
  return dimension;
}

std::expected<void, YamlFault> ReadAll(const YamlNode& node, std::vector<Dimension>& field) {
  if (node.kind != YamlNode::Kind::kList) {
    return std::unexpected(node.Fault(fmt::format("expected a list, found {}", node.Found())));
  }
  if (node.children.size() > kDimensionsMax) {
    return std::unexpected(node.Fault(fmt::format("{} are more than {}", node.children.size(), kDimensionsMax)));
  }
  std::vector<Dimension> dimensions;
  for (const YamlNode& child : node.children) {
    std::expected<Dimension, YamlFault> dimension = ReadOne(child);
    if (!dimension) return std::unexpected(std::move(dimension).error());
    if (std::ranges::find(dimensions, dimension->key, &Dimension::key) != dimensions.end()) {
      return std::unexpected(child.Fault(fmt::format("{} is given twice", dimension->key)));
    }
    dimensions.push_back(std::move(*dimension));
  }
  field = std::move(dimensions);
  return {};
}

std::string Show(const std::vector<Dimension>& dimensions) {
  if (dimensions.empty()) return "[]";
  std::string out;
  for (const Dimension& dimension : dimensions) {
    const std::string preset = dimension.default_value ? ", default: " + YamlScalar(*dimension.default_value) : "";
    fmt::format_to(std::back_inserter(out), "\n- {{name: {}{}}}", YamlScalar(dimension.key), preset);
  }
  return out;
}

}  // namespace

ConfigKey DimensionsKey(std::string path, std::vector<Dimension>& field, std::string doc) {
  ConfigKey key{.path = std::move(path), .doc = std::move(doc), .type = "list of attributes"};
  key.shape = ConfigKey::Shape::kTree;
  key.read = [&field](const YamlNode& node) { return ReadAll(node, field); };
  key.show = [&field] { return Show(field); };
  return key;
}

}  // namespace sightline::cli
