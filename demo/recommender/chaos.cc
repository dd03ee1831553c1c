#include "demo/recommender/chaos.h"

#include <boost/json.hpp>

namespace demo::recommender {
namespace {

namespace json = boost::json;

constexpr double kRateMax = 1.0;
constexpr double kDelayMillisecondsMax = 30'000;

struct Field {
  std::string_view name;
  double ChaosConfig::* value;
  double max;
};
constexpr Field kFields[] = {
    {"model_failure_rate", &ChaosConfig::model_failure_rate, kRateMax},
    {"external_api_timeout_rate", &ChaosConfig::external_api_timeout_rate, kRateMax},
    {"slow_search_rate", &ChaosConfig::slow_search_rate, kRateMax},
    {"external_api_failure_rate", &ChaosConfig::external_api_failure_rate, kRateMax},
    {"slow_search_ms", &ChaosConfig::slow_search_ms, kDelayMillisecondsMax},
    {"model_delay_ms", &ChaosConfig::model_delay_ms, kDelayMillisecondsMax},
    {"canary_share", &ChaosConfig::canary_share, kRateMax},
    {"external_api_bad_requests", &ChaosConfig::external_api_bad_requests, kRateMax},
};

}  // namespace

std::string FormatChaosConfig(const ChaosConfig& config) {
  json::object object;
  for (const Field& field : kFields) object[field.name] = config.*field.value;
  return json::serialize(object);
}

Result<ChaosConfig> ParseChaosConfig(std::string_view text, const ChaosConfig& before) {
  json::error_code error;
  const json::value parsed = json::parse(text, error);
  if (error || !parsed.is_object()) return Fail("ValueError", "the body is no JSON object");
  ChaosConfig config = before;
  for (const auto& [name, value] : parsed.get_object()) {
    const auto* field = std::ranges::find(kFields, std::string_view(name), &Field::name);
    if (field == std::end(kFields)) return Fail("ValueError", "there is no {}", std::string_view(name));
    const double number = value.is_number() ? value.to_number<double>(error) : -1;
    if (!(number >= 0 && number <= field->max)) {
      return Fail("ValueError", "{} must be a number from 0 to {}", field->name, field->max);
    }
    config.*field->value = number;
  }
  return config;
}

ChaosConfig Chaos::config() const {
  const std::lock_guard lock(mutex_);
  return config_;
}

void Chaos::SetConfig(const ChaosConfig& config) {
  const std::lock_guard lock(mutex_);
  config_ = config;
}

bool Chaos::Strikes(double rate) {
  if (rate <= 0) return false;
  const std::lock_guard lock(mutex_);
  return random_.Chance(rate);
}

}  // namespace demo::recommender
