// The flags of commands that take the configuration: --config FILE, short names for the keys that
// people set often, and --set KEY=VALUE for all.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sightline::cli {

struct ConfigFlag {
  std::string_view name;  // "--data-dir"
  std::string_view key;   // "data_dir"
};
std::span<const ConfigFlag> ConfigFlags();   // of all commands with a configuration
std::span<const ConfigFlag> GatewayFlags();  // of `sightline gateway`

// The process's environment without what has the prefix of configuration variables but belongs to others: to the
// commands that ask a server, to ./dev and to the tests. People export these, and the server must start all the same.
std::vector<std::string> ConfigEnvironment();

}  // namespace sightline::cli
