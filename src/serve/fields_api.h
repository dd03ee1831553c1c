// The endpoints that complete a query (names of fields, and their values), and that say what its items are made of.
#pragma once

#include "query/facets.h"
#include "query/fields.h"
#include "serve/api_call.h"
#include "serve/router.h"

namespace sightline::serve {

// Thread: any.
class FieldsApi {
 public:
  // The readers must outlive it.
  FieldsApi(query::FieldReader& reader, query::FacetReader& facets) : reader_(reader), facets_(facets) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> Names(ApiCall& call);
  Result<void> Values(ApiCall& call);
  Result<void> Facets(ApiCall& call);

  query::FieldReader& reader_;
  query::FacetReader& facets_;
};

}  // namespace sightline::serve
