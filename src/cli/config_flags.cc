#include "cli/config_flags.h"

#include <CLI/CLI.hpp>

#include <algorithm>

#include <array>

#include "cli/config.h"

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

void AddConfigFlags(CLI::App& command, ConfigSources& sources, std::span<const ConfigFlag> flags) {
  Config defaults;
  ConfigSchema schema = MakeConfigSchema();
  BindConfig(schema, defaults);
  command.add_option("--config", sources.file, "YAML file with the configuration (docs/configuration.md)")
      ->type_name("FILE");
  for (const ConfigFlag& flag : flags) {
    const ConfigKey* key = schema.Find(flag.key);
    SIGHTLINE_CHECK(key != nullptr);
    command
        .add_option_function<std::string>(
            std::string(flag.name),
            [&sources, flag](const std::string& value) {
              sources.flags.push_back({std::string(flag.name), std::string(flag.key), value});
            },
            key->doc + " [" + key->default_yaml + "]")
        ->type_name("VALUE")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  command
      .add_option_function<std::vector<std::string>>(
          "--set",
          [&sources](const std::vector<std::string>& settings) {
            for (const std::string& setting : settings) {
              const size_t equals = setting.find('=');
              if (equals == std::string::npos) throw CLI::ValidationError("--set", setting + " is not KEY=VALUE");
              sources.flags.push_back({"--set", setting.substr(0, equals), setting.substr(equals + 1)});
            }
          },
          "Any key of the configuration; may be given several times")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
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
