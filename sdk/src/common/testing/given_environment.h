// An environment for tests: variables that are given, and the warnings that reading them brought.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/environment.h"

namespace otel::internal {

class GivenEnvironment {
 public:
  explicit GivenEnvironment(std::map<std::string, std::string> variables) : variables_(std::move(variables)) {}
  GivenEnvironment(const GivenEnvironment&) = delete;
  GivenEnvironment& operator=(const GivenEnvironment&) = delete;

  const Environment& environment() const { return environment_; }
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  std::map<std::string, std::string> variables_;
  std::vector<std::string> warnings_;
  Environment environment_{[this](const char* name) -> std::optional<std::string> {
                             const auto found = variables_.find(name);
                             if (found == variables_.end()) return std::nullopt;
                             return found->second;
                           },
                           [this](std::string_view message) { warnings_.emplace_back(message); }};
};

}  // namespace otel::internal
