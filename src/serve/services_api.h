// The endpoints on services: the list with rates, errors and durations, what one of them does, what it
// asks of databases, and its versions.
#pragma once

#include "query/database_calls.h"
#include "query/deployments.h"
#include "query/services.h"
#include "serve/api_call.h"
#include "serve/router.h"

namespace sightline::serve {

// Thread: any.
class ServicesApi {
 public:
  // The readers must outlive it.
  ServicesApi(query::ServiceReader& reader, query::DatabaseCallReader& database_calls,
              query::DeploymentReader& deployments)
      : reader_(reader), database_calls_(database_calls), deployments_(deployments) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> List(ApiCall& call);
  Result<void> ListOperations(ApiCall& call);
  Result<void> ListDatabaseCalls(ApiCall& call);
  Result<void> ListDeployments(ApiCall& call);

  query::ServiceReader& reader_;
  query::DatabaseCallReader& database_calls_;
  query::DeploymentReader& deployments_;
};

}  // namespace sightline::serve
