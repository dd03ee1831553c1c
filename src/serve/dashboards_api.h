// The endpoints on dashboards: people's own, those from files, the ready ones, and share links.
#pragma once

#include <string>

#include "serve/api_call.h"
#include "serve/ready_dashboards.h"
#include "serve/router.h"
#include "state/dashboard_files.h"
#include "state/dashboards.h"

namespace sightline::serve {

// Thread: any.
class DashboardsApi {
 public:
  // All must outlive it.
  DashboardsApi(state::Dashboards& own, state::DashboardFiles& files, ReadyDashboards& ready)
      : own_(own), files_(files), ready_(ready) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> List(ApiCall& call);
  Result<void> Get(ApiCall& call);
  Result<void> Create(ApiCall& call);
  Result<void> Update(ApiCall& call);
  Result<void> Delete(ApiCall& call);
  Result<void> Restore(ApiCall& call);
  Result<void> ListShares(ApiCall& call);
  Result<void> Share(ApiCall& call);
  Result<void> GetShared(ApiCall& call);
  Result<void> Revoke(ApiCall& call);

  // One of the three kinds, as the API writes them.
  struct Found {
    std::string id;
    std::string_view origin;
    int64_t version = 1;
    int64_t created_unix_nanos = 0, updated_unix_nanos = 0;  // 0: unknown
    std::string document;
  };
  static Found OfOwn(state::Dashboard dashboard);
  Result<Found> Find(const std::string& id, store::Cancellation* cancellation);
  static void Write(JsonWriter& json, const Found& found);

  state::Dashboards& own_;
  state::DashboardFiles& files_;
  ReadyDashboards& ready_;
};

}  // namespace sightline::serve
