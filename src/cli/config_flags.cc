#include "cli/config_flags.h"

#include <algorithm>
#include <array>

#include "base/config.h"

namespace sightline::cli {
namespace {

constexpr std::array<ConfigFlag, 8> kFlags = {{{"--data-dir", "data_dir"},
                                               {"--otlp-grpc", "otlp.grpc"},
                                               {"--otlp-http", "otlp.http"},
                                               {"--http", "http.address"},
                                               {"--clickhouse", "clickhouse.url"},
                                               {"--durability", "durability"},
                                               {"--log-format", "log.format"},
                                               {"--log-level", "log.level"}}};

constexpr std::array<ConfigFlag, 8> kGatewayFlags = {{{"--forward", "forward.endpoint"},
                                                      {"--data-dir", "data_dir"},
                                                      {"--otlp-grpc", "otlp.grpc"},
                                                      {"--otlp-http", "otlp.http"},
                                                      {"--http", "http.address"},
                                                      {"--durability", "durability"},
                                                      {"--log-format", "log.format"},
                                                      {"--log-level", "log.level"}}};

}  // namespace

std::span<const ConfigFlag> ConfigFlags() {
  return kFlags;
}

std::span<const ConfigFlag> GatewayFlags() {
  return kGatewayFlags;
}

std::vector<std::string> ConfigEnvironment() {
  constexpr std::string_view kOfOthers[] = {"SIGHTLINE_SERVER=", "SIGHTLINE_LIBCHDB=", "SIGHTLINE_SHARED_DIR="};
  std::vector<std::string> environment = ProcessEnvironment();
  std::erase_if(environment, [&](const std::string& entry) {
    return std::ranges::any_of(kOfOthers, [&](std::string_view name) { return entry.starts_with(name); });
  });
  return environment;
}

}  // namespace sightline::cli
