#include "otel/resource.h"

#include "resource/detectors.h"

namespace otel {

Resource Resource::Default() {
  using namespace internal;
  Resource resource{DetectService(), "https://opentelemetry.io/schemas/1.37.0"};
  for (const auto& found : {DetectSdk(), DetectProcess(), DetectHost(), DetectOs(), DetectEnvironment(Environment())}) {
    resource.attributes = resource.attributes.MergedWith(found);
  }
  return resource;
}

}  // namespace otel
