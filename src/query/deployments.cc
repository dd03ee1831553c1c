#include "query/deployments.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "query/encoded_field.h"

namespace sightline::query {
namespace {

constexpr int64_t kHourNanos = 3'600'000'000'000, kDayNanos = 24 * kHourNanos;
constexpr uint32_t kVersionsMax = 1000;
constexpr const char* kWeight = "toUInt64(round(least(AdjustedCount, 1e9) * 1000))";
// As otlp::IsEntrySpan: kinds, no parent, or a remote one.
constexpr const char* kEntry =
    "(SpanKind IN ('Server', 'Consumer') OR ParentSpanId = toFixedString('', 8) OR bitAnd(Flags, 768) = 768)";

// One time that a version ran without a long break.
struct Run {
  std::string version;
  uint32_t first_slot = 0, last_slot = 0;
  int64_t begin_unix_nanos = 0;
  std::set<std::string> resources;
  bool is_named = true;  // all of them name an instance
};

std::vector<Run> RunsOf(const std::string& version, const std::vector<const ResourceActivity*>& activities,
                        int64_t begin_unix_nanos, int64_t slot_nanos) {
  std::map<uint32_t, std::vector<const ResourceActivity*>> slots;
  for (const ResourceActivity* one : activities) {
    for (const uint32_t slot : one->slots) slots[slot].push_back(one);
  }
  const auto gone = static_cast<uint32_t>((kVersionGoneNanos - 1) / slot_nanos + 1);
  std::vector<Run> runs;
  for (const auto& [slot, active] : slots) {
    if (runs.empty() || slot - runs.back().last_slot > gone) {
      // A resource's first span is exact; one that was seen before came back at some time of the slot.
      int64_t begin = begin_unix_nanos + slot * slot_nanos;
      const auto earliest = std::ranges::min(active, {}, &ResourceActivity::first_unix_nanos);
      begin = std::max(begin, earliest->first_unix_nanos);
      runs.push_back({.version = version, .first_slot = slot, .last_slot = slot, .begin_unix_nanos = begin});
    }
    Run& run = runs.back();
    run.last_slot = slot;
    for (const ResourceActivity* one : active) {
      run.resources.insert(one->resource_id);
      run.is_named = run.is_named && !one->instance.empty();
    }
  }
  return runs;
}

// The version that ran last before a run began; null: there was none.
const Run* Before(const std::vector<Run>& runs, const Run& run) {
  const Run* latest = nullptr;
  for (const Run& other : runs) {
    if (other.version == run.version || other.begin_unix_nanos >= run.begin_unix_nanos) continue;
    const auto end = [&](const Run& one) { return std::min(one.last_slot, run.first_slot); };
    if (latest == nullptr ||
        std::pair(end(other), other.begin_unix_nanos) > std::pair(end(*latest), latest->begin_unix_nanos)) {
      latest = &other;
    }
  }
  return latest;
}

// Whether it came back to what it was, rather than that nothing was heard of it for a while.
bool IsReturn(const std::vector<Run>& runs, const Run& earlier, const Run& run) {
  const bool others_ran = std::ranges::any_of(runs, [&](const Run& other) {
    return other.version != run.version && other.first_slot < run.first_slot && other.last_slot > earlier.last_slot;
  });
  const bool same_processes = run.is_named && std::ranges::includes(earlier.resources, run.resources);
  return others_ran && !same_processes;
}

}  // namespace

std::vector<Deployment> FindDeployments(std::vector<ResourceActivity> activities, int64_t begin_unix_nanos,
                                        int64_t slot_nanos) {
  std::map<std::string, std::vector<const ResourceActivity*>> by_version;
  for (const ResourceActivity& one : activities) {
    if (!one.version.empty() && !one.slots.empty()) by_version[one.version].push_back(&one);
  }
  std::vector<Run> runs;
  for (const auto& [version, of_version] : by_version) {
    for (Run& run : RunsOf(version, of_version, begin_unix_nanos, slot_nanos)) runs.push_back(std::move(run));
  }
  std::ranges::sort(runs, {}, [](const Run& run) { return std::pair(run.begin_unix_nanos, run.version); });
  std::vector<Deployment> deployments;
  std::map<std::string, const Run*> last_of;
  for (const Run& run : runs) {
    const Run* before = Before(runs, run);
    const auto earlier = last_of.find(run.version);
    const bool is_change = earlier == last_of.end() || IsReturn(runs, *earlier->second, run);
    if (before != nullptr && is_change) deployments.push_back({run.version, before->version, run.begin_unix_nanos});
    last_of[run.version] = &run;
  }
  return deployments;
}

namespace {

// One question. Thread: of its owner.
class Reading {
 public:
  Reading(ItemSource& source, Question& question, const DeploymentSearch& search)
      : source_(source), question_(question), search_(search) {}

  // The time before the range tells what is new in it from what was there.
  Result<ServiceVersions> Run() {
    const int64_t length = search_.to_unix_nanos - search_.from_unix_nanos;
    begin_ = std::max<int64_t>(0, search_.from_unix_nanos - std::clamp(length, kHourNanos, 7 * kDayNanos));
    slot_ = (search_.to_unix_nanos - begin_ - 1) / kActivitySlots + 1;
    SIGHTLINE_TRY(ReadVersions());
    if (!answer_.versions.empty()) {
      SIGHTLINE_TRY(ReadBefore());
      AddDeployments();
    }
    answer_.scanned = question_.stats();
    return std::move(answer_);
  }

 private:
  static Result<std::string> Text(const char* name, const FieldColumns& columns, Conditions& conditions) {
    auto field = ParseField(name, /*of_logs=*/false);
    if (!field) return std::unexpected(field.error());
    auto encoded = EncodedField(*field, columns, conditions);
    if (!encoded) return std::unexpected(encoded.error());
    return "substring(" + *encoded + ", 2)";
  }

  Result<ItemSet> Spans(int64_t from_unix_nanos, int64_t to_unix_nanos) {
    auto query = ParseItemQuery(otlp::Signal::kTraces, "", from_unix_nanos, to_unix_nanos);
    if (!query) return std::unexpected(query.error());
    auto set = source_.Select(question_, *query);
    if (set) set->conditions.AddService(search_.service);
    return set;
  }

  Result<void> ReadVersions() {
    auto set = Spans(search_.from_unix_nanos, search_.to_unix_nanos);
    if (!set) return std::unexpected(set.error());
    Conditions conditions = set->conditions;
    const FieldColumns columns{set->hot_attributes, question_.Table("attribute_sets")};
    auto version = Text("resource.service.version", columns, conditions);
    if (!version) return std::unexpected(version.error());
    auto instance = Instance(columns, conditions);
    if (!instance) return std::unexpected(instance.error());
    // Resources first: they are few, and what they say is looked up once for each.
    const std::string by_resource = fmt::format(
        "SELECT ResourceId, min(Timestamp) AS First, max(Timestamp) AS Last, sumIf(AdjustedCount, {0}) AS Calls, "
        "sumIf(AdjustedCount, {0} AND StatusCode = 'Error') AS Errors, max(AdjustedCount > 1) AS Estimate, "
        "quantilesBFloat16WeightedIfState(0.5, 0.9, 0.95, 0.99)(toFloat64(Duration), {1}, {0}) AS Quantiles, {4} AS "
        "Slots FROM {2} WHERE {3} GROUP BY ResourceId",
        kEntry, kWeight, set->table, conditions.Sql(), Slots(conditions));
    // Versions, and versions with instances, of one read.
    const std::string named =
        fmt::format("SELECT *, {} AS Version, {} AS Instance FROM ({})", *version, *instance, by_resource);
    return question_.ForEachRow(
        fmt::format(
            "SELECT grouping(Instance) AS OfVersion, Version, Instance, uniqExactIf(Instance, Instance != ''), {}, "
            "groupArray((toString(ResourceId), First, arraySort(Slots))) FROM ({}) GROUP BY GROUPING SETS ((Version), "
            "(Version, Instance)) ORDER BY OfVersion DESC, if(OfVersion = 1, toUnixTimestamp64Nano(max(Last)), 0) "
            "DESC, sum(Calls) DESC, Instance, Version LIMIT {} BY OfVersion",
            kFigures, named, kVersionedResourcesMax),
        conditions.parameters(), [&](RowReader& row) {
          const bool of_version = row.Number<uint64_t>() != 0;
          ServiceVersion of_all;
          ServiceInstance one;
          of_all.version = one.version = row.Text();
          one.instance = row.Text();
          of_all.instances = row.Number<uint64_t>();
          const bool is_estimate = ReadFigures(row, of_all);
          std::vector<ResourceActivity> active = row.Array([&] {
            ResourceActivity activity{.version = one.version, .instance = one.instance};
            activity.resource_id = row.Text();
            activity.first_unix_nanos = row.Number<int64_t>();
            activity.slots = row.Numbers<uint32_t>();
            return activity;
          });
          answer_.is_estimate = answer_.is_estimate || is_estimate;
          if (of_version) {
            if (answer_.versions.size() < kVersionsMax) answer_.versions.push_back(std::move(of_all));
            return;
          }
          static_cast<ServiceFigures&>(one) = of_all;
          if (!one.instance.empty() && answer_.instances.size() < kInstancesMax) {
            answer_.instances.push_back(std::move(one));
          }
          for (ResourceActivity& activity : active) {
            const std::string id = activity.resource_id;
            activities_.emplace(id, std::move(activity));
          }
        });
  }

  // In which parts of the time that is looked at.
  std::string Slots(Conditions& conditions) const {
    return fmt::format("groupUniqArray(toUInt32(intDiv(toUnixTimestamp64Nano(Timestamp) - {}, {})))",
                       conditions.Bind("Int64", std::to_string(begin_)),
                       conditions.Bind("Int64", std::to_string(slot_)));
  }

  // Of resources that are added up.
  static constexpr const char* kFigures =
      "min(First), max(Last), sum(Calls), sum(Errors), max(Estimate), arrayMap(q -> toFloat64(q), "
      "quantilesBFloat16WeightedIfMerge(0.5, 0.9, 0.95, 0.99)(Quantiles))";
  // Whether some of the spans stand for others.
  static bool ReadFigures(RowReader& row, ServiceFigures& figures) {
    figures.first_unix_nanos = row.Number<int64_t>();
    figures.last_unix_nanos = row.Number<int64_t>();
    figures.calls = row.Number<double>();
    figures.errors = row.Number<double>();
    const bool is_estimate = row.Number<uint8_t>() != 0;
    const auto quantiles = row.Numbers<double>();
    if (figures.calls <= 0) return is_estimate;
    figures.p50_nanos = quantiles.at(0);
    figures.p90_nanos = quantiles.at(1);
    figures.p95_nanos = quantiles.at(2);
    figures.p99_nanos = quantiles.at(3);
    return is_estimate;
  }

  // What tells processes apart; '' where nothing does.
  static Result<std::string> Instance(const FieldColumns& columns, Conditions& conditions) {
    std::string names;
    for (const char* name : {"resource.service.instance.id", "resource.k8s.pod.uid", "resource.k8s.pod.name",
                             "resource.container.id", "resource.host.id", "resource.host.name"}) {
      auto text = Text(name, columns, conditions);
      if (!text) return std::unexpected(text.error());
      names += fmt::format("{}nullIf({}, '')", names.empty() ? "" : ", ", *text);
    }
    return "coalesce(" + names + ", '')";
  }

  Result<void> ReadBefore() {
    if (begin_ >= search_.from_unix_nanos) return {};
    auto set = Spans(begin_, search_.from_unix_nanos);
    if (!set) return std::unexpected(set.error());
    Conditions conditions = set->conditions;
    const FieldColumns columns{set->hot_attributes, question_.Table("attribute_sets")};
    auto version = Text("resource.service.version", columns, conditions);
    if (!version) return std::unexpected(version.error());
    auto instance = Instance(columns, conditions);
    if (!instance) return std::unexpected(instance.error());
    const std::string by_resource = fmt::format(
        "SELECT ResourceId, min(Timestamp) AS First, {} AS Slots FROM {} WHERE {} GROUP BY ResourceId ORDER BY "
        "max(Timestamp) DESC LIMIT {}",
        Slots(conditions), set->table, conditions.Sql(), kVersionedResourcesMax);
    return question_.ForEachRow(
        fmt::format("SELECT {} AS Version, {}, toString(ResourceId), First, arraySort(Slots) FROM ({})", *version,
                    *instance, by_resource),
        conditions.parameters(), [&](RowReader& row) {
          ResourceActivity before;
          before.version = row.Text();
          before.instance = row.Text();
          before.resource_id = row.Text();
          before.first_unix_nanos = row.Number<int64_t>();
          before.slots = row.Numbers<uint32_t>();
          const std::string id = before.resource_id;
          const auto [known, is_gone] = activities_.try_emplace(id, std::move(before));
          if (!is_gone) GoOn(known->second, before);
        });
  }

  // The range begins within a slot: that one may be in both.
  static void GoOn(ResourceActivity& activity, const ResourceActivity& before) {
    activity.first_unix_nanos = before.first_unix_nanos;
    std::vector<uint32_t> slots;
    std::ranges::set_union(before.slots, activity.slots, std::back_inserter(slots));
    activity.slots = std::move(slots);
  }

  void AddDeployments() {
    std::vector<ResourceActivity> activities;
    for (auto& [id, activity] : activities_) activities.push_back(std::move(activity));
    for (Deployment& one : FindDeployments(std::move(activities), begin_, slot_)) {
      if (one.unix_nanos >= search_.from_unix_nanos) answer_.deployments.push_back(std::move(one));
    }
  }

  ItemSource& source_;
  Question& question_;
  const DeploymentSearch& search_;
  int64_t begin_ = 0, slot_ = 1;                        // of the time that is looked at, and its parts
  std::map<std::string, ResourceActivity> activities_;  // by resource
  ServiceVersions answer_;
};

}  // namespace

Result<ServiceVersions> DeploymentReader::Read(const DeploymentSearch& search, store::Cancellation* cancellation) {
  Question question = source_.Ask(cancellation);
  return Reading(source_, question, search).Run();
}

}  // namespace sightline::query
