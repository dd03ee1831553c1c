// The endpoints on log records: search, and how many there are over time.
#pragma once

#include "query/logs.h"
#include "serve/api_call.h"
#include "serve/router.h"

namespace sightline::serve {

// The conditions of a search, and its range.
query::LogFilter ReadLogFilter(Params& params, bool allow_clock_skew);

// Thread: any.
class LogsApi {
 public:
  // `reader` must outlive it.
  explicit LogsApi(query::LogReader& reader) : reader_(reader) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> Search(ApiCall& call);
  Result<void> Volume(ApiCall& call);

  query::LogReader& reader_;
};

}  // namespace sightline::serve
