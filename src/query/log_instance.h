// Which records the same instance of a service wrote: those of its resources. Data: a resource's id -> attribute sets ->
// ids of resources.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "query/logs.h"
#include "query/rows.h"

namespace sightline::query {

inline constexpr size_t kInstanceResourcesMax = 1000;  // that were seen last; the rest is left out

struct InstanceResources {
  LogInstance instance;
  std::vector<std::string> resource_ids;  // at least the one that was asked for
};
Result<InstanceResources> FindInstance(Question& question, const std::string& resource_id);

}  // namespace sightline::query
