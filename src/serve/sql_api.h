// POST /api/v1/sql: one read-only statement, its answer streamed in the format that was asked for.
#pragma once

#include <string>

#include "query/sql.h"
#include "serve/router.h"
#include "store/clickhouse.h"

namespace sightline::serve {

// Thread: any.
class SqlApi {
 public:
  // `clickhouse` must outlive it.
  SqlApi(store::ClickHouse& clickhouse, const query::SqlLimits& limits, const std::string& database)
      : runner_(clickhouse, limits, database) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> Run(ApiCall& call);

  query::SqlRunner runner_;
};

}  // namespace sightline::serve
