#include "serve/limited_json.h"

namespace sightline::serve {

void WriteLimited(JsonWriter& json, const std::vector<query::LimitedSeries>& limited) {
  if (limited.empty()) return;
  json.Key("limited").Begin('[');
  for (const query::LimitedSeries& one : limited) {
    json.Begin('{').Key("service").String(one.service);
    if (!one.attribute.empty()) {
      json.Key("attribute").String(one.attribute).Key("scope").String(one.of_resource ? "resource" : "point");
    }
    if (one.series > 0) json.Key("series").UInt(one.series);
    if (one.is_left_out) json.Key("is_left_out").Bool(true);
    json.End('}');
  }
  json.End(']');
}

}  // namespace sightline::serve
