#include "serve/explained_json.h"

namespace sightline::serve {

void WriteExplained(JsonWriter& json, const query::ExplainedAttribute& attribute) {
  json.Begin('{').Key("field").String(attribute.field).Key("of_trace").Bool(attribute.of_trace);
  json.Key("score").Number(attribute.score).Key("condition").String(attribute.condition);
  json.Key("selection").Number(attribute.selection).Key("baseline").Number(attribute.baseline);
  json.Key("values").Begin('[');
  for (const auto& value : attribute.values) {
    json.Begin('{').Key("literal").String(value.literal).Key("selection").Number(value.selection);
    json.Key("baseline").Number(value.baseline).Key("p_value").Number(value.p_value);
    json.Key("differs").Bool(value.differs).Key("condition").String(value.condition).End('}');
  }
  json.End(']').Key("numbers");
  if (attribute.bins.empty()) {
    json.Null().End('}');
    return;
  }
  json.Begin('{').Key("selection_median").Number(attribute.selection_median);
  json.Key("baseline_median").Number(attribute.baseline_median).Key("p_value").Number(attribute.p_value);
  json.Key("bins").Begin('[');
  for (const auto& bin : attribute.bins) {
    json.Begin('{').Key("from").Number(bin.from).Key("to").Number(bin.to).Key("selection").Number(bin.selection);
    json.Key("baseline").Number(bin.baseline).End('}');
  }
  json.End(']').End('}').End('}');
}

}  // namespace sightline::serve
