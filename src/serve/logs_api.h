// The endpoints on log records: search, how many there are over time, and by the values of fields.
#pragma once

#include "query/log_groups.h"
#include "query/logs.h"
#include "serve/api_call.h"
#include "serve/router.h"

namespace sightline::serve {

// The conditions of a search, and its range.
query::LogFilter ReadLogFilter(Params& params, bool allow_clock_skew);

// Thread: any.
class LogsApi {
 public:
  // `reader` and `groups` must outlive it.
  LogsApi(query::LogReader& reader, query::LogGroupReader& groups) : reader_(reader), groups_(groups) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> Search(ApiCall& call);
  Result<void> Volume(ApiCall& call);
  Result<void> Groups(ApiCall& call);

  query::LogReader& reader_;
  query::LogGroupReader& groups_;
};

}  // namespace sightline::serve
