#include "sample/ottl.h"

namespace sightline::sample {

Result<std::shared_ptr<const SpanCondition>> CompileOttlCondition(const OttlConditionSpec&, KeyTable&, KeyTable&) {
  return Fail(Code::kUnimplemented, "ottl_condition is not supported yet");
}

}  // namespace sightline::sample
