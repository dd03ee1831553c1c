// The endpoints on saved views: list, one, make, change, delete.
#pragma once

#include "serve/api_call.h"
#include "serve/router.h"
#include "state/saved_views.h"

namespace sightline::serve {

// Thread: any.
class ViewsApi {
 public:
  // `views` must outlive it.
  explicit ViewsApi(state::SavedViews& views) : views_(views) {}
  // It must outlive the router.
  void AddTo(Router& router);

 private:
  Result<void> List(ApiCall& call);
  Result<void> Get(ApiCall& call);
  Result<void> Create(ApiCall& call);
  Result<void> Update(ApiCall& call);
  Result<void> Delete(ApiCall& call);

  state::SavedViews& views_;
};

}  // namespace sightline::serve
