// What notify is told by whoever evaluates rules: a transition of one alert that people hear of, and who can add to it
// what helps to understand it.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "state/database.h"

namespace sightline::notify {

using Labels = std::map<std::string, std::string>;

enum class EventState : uint8_t { kFiring, kResolved, kNoData, kError };
std::string_view EventStateName(EventState state);  // "firing", "resolved", "no_data", "error"

// Times are Unix nanoseconds.
struct AlertEvent {
  std::string rule_id, rule_name;
  std::string fingerprint;  // of the alert: the rule and the labels of its group
  Labels labels;       // of the rule and of the group; routes and silences look at them, and at alertname, severity
  Labels annotations;  // with templates filled in
  EventState state = EventState::kFiring;
  std::string severity;                                     // "critical", "warning"
  double value = std::numeric_limits<double>::quiet_NaN();  // NaN: none
  std::string unit;
  std::string condition;  // for people: "above 0.05 for 2m"
  std::string problem;    // of kError: what the query failed with
  int64_t starts_unix_nanos = 0;
  int64_t ends_unix_nanos = 0;  // 0: not yet
  int64_t at_unix_nanos = 0;    // of the transition
  std::string link;             // a path of the UI that shows the chart at that time: "/alerts/rules/3?from=…"
};

std::string EventToJson(const AlertEvent& event);
Result<AlertEvent> EventFromJson(std::string_view json);

// The labels that matchers see: the event's, and of those that it does not have alertname (the rule's name) and
// severity.
Labels LabelsToMatch(const AlertEvent& event);

// Thread: as the implementation says.
class EventSink {
 public:
  virtual ~EventSink() = default;
  // Within the transaction that keeps the transition itself: either both are kept, or none. An error fails it.
  virtual Result<void> Add(state::Session& session, const AlertEvent& event) = 0;
  // After that transaction: there is something to do.
  virtual void Wake() = 0;
};

// In which the spans behind an alert differ from others.
struct Difference {
  std::string field, value;            // as TraceQL writes them
  double selection = 0, baseline = 0;  // shares
};
struct Enrichment {
  std::vector<Difference> differences;  // the most telling first
  std::vector<std::string> trace_ids;
};

// Asked just before a notification is made. Thread: any, one call at a time.
class Enricher {
 public:
  virtual ~Enricher() = default;
  // Takes at most `seconds_max`; none: there is nothing to say, or it cannot be found out now.
  virtual std::optional<Enrichment> Enrich(const AlertEvent& event, int seconds_max) = 0;
};

}  // namespace sightline::notify
