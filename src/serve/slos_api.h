// The endpoints on SLOs: people's own and those from files, how they stand, and by what their budgets go.
#pragma once

#include "serve/api_call.h"
#include "serve/router.h"
#include "slo/service.h"

namespace sightline::serve {

// Thread: any.
class SlosApi {
 public:
  // It must outlive it.
  explicit SlosApi(slo::Service& slos) : slos_(slos) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> List(ApiCall& call);
  Result<void> Get(ApiCall& call);
  Result<void> Create(ApiCall& call);
  Result<void> Update(ApiCall& call);
  Result<void> Delete(ApiCall& call);
  Result<void> GetStatus(ApiCall& call);
  Result<void> GetHistory(ApiCall& call);
  Result<void> ListEvents(ApiCall& call);
  Result<void> GetConsumers(ApiCall& call);
  Result<void> Preview(ApiCall& call);
  static TimeRange PreviewRange(ApiCall& call, const slo::SloDocument& document);

  slo::Service& slos_;
};

}  // namespace sightline::serve
