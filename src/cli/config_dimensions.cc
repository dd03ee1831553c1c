#include "cli/config_dimensions.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/config_list.h"

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

std::string Show(const Dimension& dimension) {
  const std::string preset = dimension.default_value ? ", default: " + YamlScalar(*dimension.default_value) : "";
  return "name: " + YamlScalar(dimension.key) + preset;
}

}  // namespace

ConfigKey DimensionsKey(std::string path, std::vector<Dimension>& field, std::string doc) {
  return ListKey({.path = std::move(path), .doc = std::move(doc), .type = "list of attributes"}, field, kDimensionsMax,
                 ReadOne, Show);
}

}  // namespace sightline::cli
