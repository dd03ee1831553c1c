// The endpoints that complete a query: names of fields, and their values.
#pragma once

#include "query/fields.h"
#include "serve/api_call.h"
#include "serve/router.h"

namespace sightline::serve {

// Thread: any.
class FieldsApi {
 public:
  // `reader` must outlive it.
  explicit FieldsApi(query::FieldReader& reader) : reader_(reader) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> Names(ApiCall& call);
  Result<void> Values(ApiCall& call);

  query::FieldReader& reader_;
};

}  // namespace sightline::serve
