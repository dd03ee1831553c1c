// Who hears of an alert: the routing document, and the channels it names for labels.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "notify/alert_event.h"
#include "notify/matchers.h"

namespace sightline::notify {

// How alerts of a channel are told together.
struct Grouping {
  std::vector<std::string> by = {"alertname"};  // labels; "..." alone: each alert for itself
  int64_t wait_nanos = 30'000'000'000;          // before a new group is told
  int64_t interval_nanos = 300'000'000'000;     // at least between two notifications of a group
  int64_t repeat_nanos = 14'400'000'000'000;    // after which what still fires is told again
};

struct Route {
  std::vector<Matcher> matchers;
  std::vector<std::string> channels;  // ids
  Grouping grouping;
  bool goes_on = false;  // routes below are looked at too
};

struct Routing {
  std::vector<Route> routes;
  std::vector<std::string> default_channels;  // of alerts that no route takes
  std::string json;                           // the document, minified
};

// kInvalidArgument: "routes[1].group_wait: …". Whether the channels exist is the caller's to know.
Result<Routing> ReadRouting(std::string_view document);

std::vector<std::string> ChannelsOf(const Routing& routing);  // that it names, each once

struct Target {
  std::string channel;
  Grouping grouping;
  Labels group_labels;  // those of `by` that the alert has
};
// A channel that several routes name with the same group counts once, as the first says.
std::vector<Target> TargetsOf(const Routing& routing, const Labels& labels, const std::string& fingerprint);

// Tells groups apart.
std::string GroupKey(const Target& target);

}  // namespace sightline::notify
