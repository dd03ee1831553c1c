// The endpoint on exceptions in groups.
#pragma once

#include "query/exceptions.h"
#include "serve/api_call.h"
#include "serve/router.h"

namespace sightline::serve {

// Thread: any.
class ExceptionsApi {
 public:
  // `reader` must outlive it.
  explicit ExceptionsApi(query::ExceptionReader& reader) : reader_(reader) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> List(ApiCall& call);

  query::ExceptionReader& reader_;
};

}  // namespace sightline::serve
