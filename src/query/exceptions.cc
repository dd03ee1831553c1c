#include "query/exceptions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xxhash.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include "base/log.h"
#include "query/exception_events.h"
#include "query/message_shape.h"
#include "query/stack_trace.h"

namespace sightline::query {
namespace {

// How long before a decision versions are looked for, to tell which came first.
constexpr int64_t kDeploymentsBeforeNanos = 7 * 86'400'000'000'000;

// What one group's key is made of; also what of the time before is compared with.
struct Key {
  std::string service, type;
  std::vector<std::string> frames;
  std::string shape;  // of the message, without frames
  auto operator<=>(const Key&) const = default;
};

// Frames are found once for stack traces that are alike. Thread: of its owner.
class Keys {
 public:
  const Key& Of(const DistinctException& one) {
    const auto [known, is_new] = known_.try_emplace({one.service, one.type, one.alike});
    Key& key = known->second;
    if (!is_new) return key;
    key = {one.service, one.type, TellingFrames(one.stack_trace), ""};
    if (key.frames.empty()) key.shape = MessageShape(one.message);
    return key;
  }

 private:
  std::map<std::tuple<std::string, std::string, uint64_t>, Key> known_;
};

std::string IdOf(const Key& key) {
  const std::string text = fmt::format("{}\n{}\n{}\n{}", key.service, key.type, fmt::join(key.frames, "\n"), key.shape);
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

// A group while its stack traces are put together.
class Gathered {
 public:
  void Add(DistinctException one, const Key& key, uint32_t steps) {
    if (group.id.empty()) {
      group.id = IdOf(key);
      group.service = one.service;
      group.type = one.type;
      group.frames = key.frames;
      group.first_unix_nanos = one.first_unix_nanos;
      for (auto* counts : {&by_spans_, &by_logs_, &by_traced_logs_}) counts->assign(steps, 0);
    }
    if (one.last_unix_nanos > group.last_unix_nanos || group.last_unix_nanos == 0) {
      group.last_unix_nanos = one.last_unix_nanos;
      group.message = std::move(one.message);
      group.stack_trace = std::move(one.stack_trace);
    }
    group.first_unix_nanos = std::min(group.first_unix_nanos, one.first_unix_nanos);
    group.is_estimate = group.is_estimate || one.is_estimate;
    span_events_ += static_cast<double>(one.span_events);
    for (size_t i = 0; i < one.steps.size(); ++i) {
      by_spans_.at(one.steps[i]) += one.by_spans.at(i);
      by_logs_.at(one.steps[i]) += one.by_logs.at(i);
      by_traced_logs_.at(one.steps[i]) += one.by_traced_logs.at(i);
    }
    for (const auto& [resource, last] : one.last_of_resources) {
      int64_t& known = last_of_resources[resource];
      known = std::max(known, last);
    }
    traces_.insert(traces_.end(), std::make_move_iterator(one.traces.begin()),
                   std::make_move_iterator(one.traces.end()));
  }

  // Records of spans that are not here say what the kept spans stand for already; what they are more than that is of
  // spans without such an event.
  void Count() {
    const auto sum = [](const std::vector<double>& counts) {
      return std::accumulate(counts.begin(), counts.end(), 0.0);
    };
    const double dropped = sum(by_spans_) - span_events_, logged = sum(by_traced_logs_);
    const double share = logged > 0 ? std::max(0.0, logged - dropped) / logged : 0;
    for (size_t i = 0; i < by_spans_.size(); ++i) {
      group.trend.push_back(by_spans_[i] + by_logs_[i] + by_traced_logs_[i] * share);
    }
    group.count = sum(group.trend);
  }

  void ChooseTraces() {
    std::ranges::stable_sort(traces_, std::greater(), [](const auto& one) { return one.first; });
    std::set<std::string> seen;
    for (auto& [unix_nanos, id] : traces_) {
      if (group.trace_ids.size() < kExceptionTracesMax && seen.insert(id).second) group.trace_ids.push_back(id);
    }
  }

  ExceptionGroup group;
  std::map<std::string, int64_t> last_of_resources;

 private:
  std::vector<double> by_spans_, by_logs_, by_traced_logs_;  // by step
  double span_events_ = 0;
  std::vector<std::pair<int64_t, std::string>> traces_;
};

// One question. Thread: of its owner.
class Reading {
 public:
  Reading(Question& question, const ExceptionSearch& search, AttributeSets& sets, state::ExceptionDecisions* decisions,
          uint32_t events_max)
      : question_(question), search_(search), sets_(sets), decisions_(decisions), events_max_(events_max) {}

  Result<ExceptionList> Run() {
    SIGHTLINE_TRY(Gather());
    if (!groups_.empty()) {
      SIGHTLINE_TRY(CompareWithBefore());
      SIGHTLINE_TRY(AddDecisions());
      SIGHTLINE_TRY(Choose());
    }
    list_.scanned = question_.stats();
    return std::move(list_);
  }

  Result<void> NoteRegressions() {
    SIGHTLINE_TRY(Gather());
    return AddDecisions();
  }

 private:
  Result<void> Gather() {
    ExceptionEvents events(question_, search_.service, {search_.from_unix_nanos, search_.to_unix_nanos}, events_max_);
    SIGHTLINE_TRY(events.Bound());
    list_.looked_from_unix_nanos = events.looked_from();
    const auto distinct = events.ForEachDistinct(search_.steps, [&](DistinctException one) {
      const Key& key = keys_.Of(one);
      groups_[key].Add(std::move(one), key, search_.steps);
    });
    if (!distinct) return std::unexpected(distinct.error());
    list_.has_more = *distinct > kDistinctExceptionsMax;
    for (auto& [key, gathered] : groups_) gathered.Count();
    return {};
  }

  // What is not found there is new, unless not all of it was looked at.
  Result<void> CompareWithBefore() {
    const int64_t length = search_.to_unix_nanos - search_.from_unix_nanos;
    const int64_t from = std::max<int64_t>(0, search_.from_unix_nanos - length);
    if (from >= search_.from_unix_nanos) return {};
    // Half as many: what is cut tells only what is not new.
    ExceptionEvents events(question_, search_.service, {from, search_.from_unix_nanos}, (events_max_ + 1) / 2);
    SIGHTLINE_TRY(events.Bound());
    std::set<Key> before;
    const auto distinct = events.ForEachText([&](const DistinctException& one) { before.insert(keys_.Of(one)); });
    if (!distinct) return std::unexpected(distinct.error());
    const bool is_whole = events.is_whole() && *distinct <= kDistinctExceptionsMax;
    for (auto& [key, gathered] : groups_) {
      if (before.contains(key)) {
        gathered.group.is_new = false;
      } else if (is_whole) {
        gathered.group.is_new = true;
      }
    }
    return {};
  }

  Result<void> AddDecisions() {
    if (decisions_ == nullptr) return {};
    std::vector<std::string> ids;
    for (const auto& [key, gathered] : groups_) ids.push_back(gathered.group.id);
    auto decisions = decisions_->Of(ids);
    if (!decisions) return std::unexpected(decisions.error());
    std::vector<Gathered*> resolved;
    for (auto& [key, gathered] : groups_) {
      ExceptionGroup& group = gathered.group;
      const auto found = decisions->find(group.id);
      if (found == decisions->end()) continue;
      group.decision = found->second;
      // What somebody decided about before the range was seen before it.
      if (found->second.decided_unix_nanos < search_.from_unix_nanos) group.is_new = false;
      if (MayHaveRegressed(group)) resolved.push_back(&gathered);
    }
    SIGHTLINE_TRY(FindRegressions(resolved));
    for (auto& [key, gathered] : groups_) {
      if (gathered.group.decision) gathered.group.state = StateOf(*gathered.group.decision);
    }
    return {};
  }

  static bool MayHaveRegressed(const ExceptionGroup& group) {
    const state::ExceptionDecision& decision = *group.decision;
    return decision.state == "resolved" && decision.regressed_unix_nanos == 0 &&
           group.last_unix_nanos > decision.decided_unix_nanos;
  }

  Result<void> FindRegressions(const std::vector<Gathered*>& resolved) {
    if (resolved.empty()) return {};
    SIGHTLINE_TRY(ReadVersions(resolved));
    std::vector<LastOfVersions> last;
    std::set<std::string> services;
    int64_t since = INT64_MAX;
    for (const Gathered* one : resolved) {
      LastOfVersions& of_group = last.emplace_back();
      for (const auto& [resource, unix_nanos] : one->last_of_resources) {
        int64_t& known = of_group[VersionOf(resource)];
        known = std::max(known, unix_nanos);
      }
      if (VersionsToPlace(*one->group.decision, of_group).empty()) continue;
      services.insert(one->group.service);
      since = std::min(since, one->group.decision->decided_unix_nanos - kDeploymentsBeforeNanos);
    }
    auto deployed = ReadDeployed(services, since);
    if (!deployed) return std::unexpected(deployed.error());
    std::vector<state::ExceptionDecision> regressed;
    for (size_t i = 0; i < resolved.size(); ++i) {
      ExceptionGroup& group = resolved[i]->group;
      group.decision->regressed_unix_nanos = RegressedAt(*group.decision, group.service, last[i], *deployed);
      if (group.decision->regressed_unix_nanos > 0) regressed.push_back(*group.decision);
    }
    // Without room for notes, what was found is answered all the same.
    if (auto noted = decisions_->NoteRegressions(regressed); !noted) {
      Log(LogLevel::kWarning, "exceptions that came back are not noted", {{"error", noted.error().message}});
    }
    return {};
  }

  Result<DeployedVersions> ReadDeployed(const std::set<std::string>& services, int64_t since) {
    DeployedVersions deployed;
    if (services.empty()) return deployed;
    Conditions conditions;
    conditions.AddTimeRange(std::max<int64_t>(0, since), search_.to_unix_nanos);
    std::string names;
    for (const auto& service : services) names += (names.empty() ? "" : ", ") + conditions.BindText(service);
    conditions.Add("ServiceName IN (" + names + ")");
    std::map<std::pair<std::string, std::string>, int64_t> first;  // by service and resource
    std::set<std::string> resources;
    SIGHTLINE_TRY(question_.ForEachRow(
        fmt::format("SELECT toString(ServiceName), toString(ResourceId), min(Timestamp) FROM {} WHERE {} GROUP BY "
                    "ServiceName, ResourceId",
                    question_.Table("spans"), conditions.Sql()),
        conditions.parameters(), [&](RowReader& row) {
          std::string service = row.Text(), resource = row.Text();
          const auto unix_nanos = row.Number<int64_t>();
          resources.insert(resource);
          first[{std::move(service), std::move(resource)}] = unix_nanos;
        }));
    SIGHTLINE_TRY(ReadVersions(resources));
    for (const auto& [of, unix_nanos] : first) {
      const auto [known, is_new] = deployed.try_emplace({of.first, VersionOf(of.second)}, unix_nanos);
      if (!is_new) known->second = std::min(known->second, unix_nanos);
    }
    return deployed;
  }

  Result<void> Choose() {
    std::vector<Gathered*> order;
    for (auto& [key, gathered] : groups_) {
      const ExceptionState state = gathered.group.state;
      ++list_.states.at(static_cast<size_t>(state));
      const bool is_asked_for = search_.states.empty() || std::ranges::count(search_.states, state) > 0;
      if (is_asked_for) order.push_back(&gathered);
    }
    list_.groups_in_all = order.size();
    std::ranges::stable_sort(order, std::greater(), [](const Gathered* one) { return one->group.count; });
    order.resize(std::min<size_t>(order.size(), search_.limit));
    SIGHTLINE_TRY(ReadVersions(order));
    for (Gathered* one : order) {
      std::set<std::string> versions;
      for (const auto& [resource, last] : one->last_of_resources) versions.insert(VersionOf(resource));
      versions.erase("");
      one->group.versions.assign(versions.begin(), versions.end());
      one->ChooseTraces();
      list_.groups.push_back(std::move(one->group));
    }
    return {};
  }

  Result<void> ReadVersions(const std::vector<Gathered*>& of) {
    std::set<std::string> resources;
    for (const Gathered* one : of) {
      for (const auto& [resource, last] : one->last_of_resources) resources.insert(resource);
    }
    return ReadVersions(resources);
  }
  Result<void> ReadVersions(const std::set<std::string>& resources) {
    auto sets = sets_.Read(question_, resources);
    if (!sets) return std::unexpected(sets.error());
    for (const AttributeSet& set : *sets) {
      const auto version = std::ranges::find(set.attributes, "service.version", &Attribute::key);
      if (version != set.attributes.end()) versions_[set.id] = version->text;
    }
    return {};
  }
  std::string VersionOf(const std::string& resource) const {
    const auto found = versions_.find(resource);
    return found == versions_.end() ? "" : found->second;
  }

  Question& question_;
  const ExceptionSearch& search_;
  AttributeSets& sets_;
  state::ExceptionDecisions* const decisions_;
  const uint32_t events_max_;
  Keys keys_;
  std::map<Key, Gathered> groups_;
  std::map<std::string, std::string> versions_;  // by resource
  ExceptionList list_;
};

}  // namespace

Result<ExceptionList> ExceptionReader::Read(const ExceptionSearch& search, store::Cancellation* cancellation) {
  if (search.limit == 0 || search.limit > kExceptionsMax) {
    return Fail(Code::kInvalidArgument, "limit {} is not within 1 to {}", search.limit, kExceptionsMax);
  }
  if (search.steps == 0 || search.steps > kExceptionStepsMax) {
    return Fail(Code::kInvalidArgument, "{} steps are not within 1 to {}", search.steps, kExceptionStepsMax);
  }
  if (search.from_unix_nanos < 0 || search.from_unix_nanos >= search.to_unix_nanos) {
    return Fail(Code::kInvalidArgument, "the time range is empty: from {} to {}", search.from_unix_nanos,
                search.to_unix_nanos);
  }
  Question question(clickhouse_, database_, cancellation);
  return Reading(question, search, sets_, decisions_, events_max_).Run();
}

Result<void> ExceptionReader::NoteRegressions(int64_t from_unix_nanos, int64_t to_unix_nanos,
                                              store::Cancellation* cancellation) {
  const ExceptionSearch search{.from_unix_nanos = from_unix_nanos, .to_unix_nanos = to_unix_nanos, .steps = 1};
  Question question(clickhouse_, database_, cancellation);
  return Reading(question, search, sets_, decisions_, events_max_).NoteRegressions();
}

}  // namespace sightline::query
