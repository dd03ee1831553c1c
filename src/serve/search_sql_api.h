// The endpoints that say a search as SQL, to be taken to `sightline sql` or another client.
#pragma once

#include "query/search_sql.h"
#include "query/sql.h"
#include "serve/api_call.h"
#include "serve/router.h"

namespace sightline::serve {

// Thread: any.
class SearchSqlApi {
 public:
  // They must outlive it.
  SearchSqlApi(query::ItemSource& source, store::ClickHouse& clickhouse, query::SqlLimits limits, std::string database)
      : source_(source), runner_(clickhouse, limits, std::move(database)) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> Spans(ApiCall& call);
  Result<void> Traces(ApiCall& call);
  Result<void> Logs(ApiCall& call);
  Result<void> Answer(ApiCall& call, Result<std::string> sql);

  query::ItemSource& source_;
  query::SqlRunner runner_;
};

}  // namespace sightline::serve
