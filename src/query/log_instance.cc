#include "query/log_instance.h"

#include <algorithm>
#include <array>

namespace sightline::query {
namespace {

// The first one that a resource has names its instance. Resources of one process differ by what is detected late and
// by the SDKs in it, so the resource itself is the last resort.
constexpr std::array kInstanceKeys = {"service.instance.id", "k8s.pod.uid", "k8s.pod.name",
                                      "container.id",        "host.id",     "host.name"};

struct Resource {
  std::vector<std::string> keys, values;

  std::string Value(std::string_view key) const {
    const auto found = std::ranges::find(keys, key);
    const auto place = static_cast<size_t>(found - keys.begin());
    return found == keys.end() || place >= values.size() ? "" : values[place];
  }
};

}  // namespace

Result<InstanceResources> FindInstance(Question& question, const std::string& resource_id) {
  InstanceResources found{.instance = {}, .resource_ids = {resource_id}};
  Resource resource;
  const std::string sets = question.Table("attribute_sets");
  SIGHTLINE_TRY(question.ForEachRow("SELECT Keys, Values FROM " + sets + " WHERE Id = {id:String} LIMIT 1",
                                    {{"id", resource_id}}, [&](RowReader& row) {
                                      Resource read;
                                      read.keys = row.Texts();
                                      read.values = row.Texts();
                                      resource = std::move(read);
                                    }));
  found.instance.service = resource.Value("service.name");
  for (const char* key : kInstanceKeys) {
    found.instance.value = resource.Value(key);
    if (found.instance.value.empty()) continue;
    found.instance.attribute = key;
    break;
  }
  if (found.instance.attribute.empty()) return found;
  const auto is = [](const std::string& key, const std::string& value) {
    return "Values[indexOf(Keys, " + key + ")] = " + value;  // '' where there is no such key
  };
  SIGHTLINE_TRY(question.ForEachRow("SELECT Id FROM " + sets + " WHERE has(Keys, {key:String}) AND " +
                                        is("{key:String}", "{value:String}") + " AND " +
                                        is("'service.name'", "{service:String}") + " AND " +
                                        is("'service.namespace'", "{namespace:String}") +
                                        " AND Id != {id:String} GROUP BY Id ORDER BY max(Seen) DESC, Id LIMIT " +
                                        std::to_string(kInstanceResourcesMax - 1),
                                    {{"key", found.instance.attribute},
                                     {"value", found.instance.value},
                                     {"service", found.instance.service},
                                     {"namespace", resource.Value("service.namespace")},
                                     {"id", resource_id}},
                                    [&](RowReader& row) { found.resource_ids.push_back(row.Text()); }));
  return found;
}

}  // namespace sightline::query
