// Burn rates of SLOs, as alerts ask for them.
#pragma once

#include <string>

#include "alert/burn_source.h"
#include "slo/slo_reader.h"

namespace sightline::cli {

// Thread: any.
class BurnRates final : public alert::BurnSource {
 public:
  // It must outlive it.
  explicit BurnRates(slo::SloReader& reader) : reader_(reader) {}

  Result<alert::BurnRate> Burn(const std::string& slo, int64_t window_seconds, int64_t at_unix_nanos) override {
    const auto burn = reader_.Burn(slo, window_seconds, at_unix_nanos);
    if (!burn) return std::unexpected(burn.error());
    return alert::BurnRate{.rate = burn->rate, .events = burn->events, .measured = burn->measured};
  }

 private:
  slo::SloReader& reader_;
};

}  // namespace sightline::cli
