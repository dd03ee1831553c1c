#include "cli/config_apdex.h"

#include <fmt/format.h>

#include <utility>

#include "base/units.h"
#include "cli/config_list.h"

namespace sightline::cli {
namespace {

constexpr size_t kServicesMax = 1000;

std::expected<void, YamlFault> ReadField(const YamlNode& node, ServiceThreshold& one) {
  if (node.key != "service" && node.key != "threshold") {
    return std::unexpected(YamlFault{node.key_line, node.key_column,
                                     fmt::format("unknown field \"{}\"; known are service and threshold", node.key)});
  }
  if (node.kind != YamlNode::Kind::kScalar) {
    return std::unexpected(node.Fault(fmt::format("{}: expected text, found {}", node.key, node.Found())));
  }
  if (node.key == "service") {
    one.key = node.scalar;
    return {};
  }
  const Result<int64_t> nanos = ParseDuration(node.scalar);
  if (!nanos) return std::unexpected(node.Fault("threshold: " + nanos.error().message));
  if (*nanos <= 0 || *nanos > kApdexThresholdNanosMax) {
    return std::unexpected(node.Fault(fmt::format("threshold: must be more than 0 and at most {}, not {}",
                                                  PrintDuration(kApdexThresholdNanosMax), node.scalar)));
  }
  one.nanos = *nanos;
  return {};
}

std::expected<ServiceThreshold, YamlFault> ReadOne(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kMap) {
    return std::unexpected(node.Fault(fmt::format("expected a map {{service, threshold}}, found {}", node.Found())));
  }
  ServiceThreshold one;
  for (const YamlNode& child : node.children) {
    std::expected<void, YamlFault> read = ReadField(child, one);
    if (!read) return std::unexpected(std::move(read).error());
  }
  if (one.key.empty()) return std::unexpected(node.Fault("has no service"));
  if (one.nanos == 0) return std::unexpected(node.Fault("has no threshold"));
  return one;
}

std::string Show(const ServiceThreshold& one) {
  return fmt::format("service: {}, threshold: {}", YamlScalar(one.key), PrintDuration(one.nanos));
}

}  // namespace

ConfigKey ApdexThresholdsKey(std::string path, std::vector<ServiceThreshold>& field, std::string doc) {
  return ListKey({.path = std::move(path), .doc = std::move(doc), .type = "list of services"}, field, kServicesMax,
                 ReadOne, Show);
}

}  // namespace sightline::cli
