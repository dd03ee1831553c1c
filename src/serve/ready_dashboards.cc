#include "serve/ready_dashboards.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/log.h"
#include "serve/custom_dashboard.h"

namespace sightline::serve {
namespace {

constexpr int64_t kSecondNanos = 1'000'000'000;
constexpr int64_t kStoredForNanos = 10 * kSecondNanos;
constexpr int64_t kFieldsLookBackNanos = 30 * 86'400 * kSecondNanos;  // of the newest spans
constexpr int kMetricPagesMax = 5;
constexpr std::string_view kCustomName = "custom-metrics";
// Of instrumentation, and shown elsewhere or nowhere: they are no service's own.
constexpr std::string_view kNotCustom[] = {"traces.span.metrics.*", "traces.service.graph.*", "process.*", "otel.*",
                                           "otlp.exporter.*"};

std::vector<std::string> Texts(simdjson::dom::element requires_, std::string_view key) {
  std::vector<std::string> texts;
  simdjson::dom::array array;
  if (requires_[key].get(array) != simdjson::SUCCESS) return texts;
  for (const simdjson::dom::element text : array) texts.emplace_back(text.get_string().value());
  return texts;
}

bool Truth(simdjson::dom::element requires_, std::string_view key) {
  bool truth = false;
  return requires_[key].get(truth) == simdjson::SUCCESS && truth;
}

bool Matches(std::string_view pattern, std::string_view name) {
  return pattern.ends_with('*') ? name.starts_with(pattern.substr(0, pattern.size() - 1)) : pattern == name;
}

}  // namespace

ReadyDashboards::ReadyDashboards(query::MetricReader& metrics, query::FieldReader& fields, const Clock& clock)
    : metrics_(metrics), fields_(fields), clock_(clock) {
  simdjson::dom::parser parser;
  for (const auto& [name, text] : ReadyDashboardFiles()) {
    simdjson::dom::element root, needs, document;
    SIGHTLINE_CHECK(parser.parse(text.data(), text.size()).get(root) == simdjson::SUCCESS);
    SIGHTLINE_CHECK(root["requires"].get(needs) == simdjson::SUCCESS);
    SIGHTLINE_CHECK(root["document"].get(document) == simdjson::SUCCESS);
    auto read = state::ReadDashboardDocument(simdjson::minify(document));
    if (!read) Log(LogLevel::kError, "a ready dashboard is wrong", {{"name", name}, {"error", read.error().message}});
    SIGHTLINE_CHECK(read.has_value());
    entries_.push_back({std::string(name), *std::move(read), Texts(needs, "metrics"), Texts(needs, "fields"),
                        Truth(needs, "spans"), Truth(needs, "logs")});
  }
}

Result<ReadyDashboards::Stored> ReadyDashboards::ReadStored(store::Cancellation* cancellation) {
  const int64_t now = clock_.UnixNanos();
  {
    const std::lock_guard lock(mutex_);
    if (now < stored_until_) return stored_;
  }
  Stored stored;
  query::MetricSearch search{.service = std::nullopt, .text = "", .limit = query::kMetricsMax, .after = std::nullopt};
  for (int pages = 0; pages < kMetricPagesMax; ++pages) {
    auto page = metrics_.List(search, cancellation);
    if (!page) return std::unexpected(page.error());
    std::ranges::move(page->metrics, std::back_inserter(stored.metrics));
    if (!page->next) break;
    search.after = page->next;
  }
  for (const auto signal : {otlp::Signal::kTraces, otlp::Signal::kLogs}) {
    auto names = fields_.Names({.signal = signal,
                                .from_unix_nanos = now - kFieldsLookBackNanos,
                                .to_unix_nanos = now + kSecondNanos,
                                .text = "",
                                .limit = query::kFieldsMax},
                               cancellation);
    if (!names) return std::unexpected(names.error());
    (signal == otlp::Signal::kTraces ? stored.spans : stored.logs) = !names->names.empty();
    if (signal != otlp::Signal::kTraces) continue;
    for (auto& name : names->names) stored.fields.push_back(std::move(name.field));
  }
  const std::lock_guard lock(mutex_);
  stored_ = stored;
  stored_until_ = now + kStoredForNanos;
  return stored;
}

bool ReadyDashboards::HasData(const Entry& entry, const Stored& stored) {
  if ((entry.spans && stored.spans) || (entry.logs && stored.logs)) return true;
  for (const auto& pattern : entry.metrics) {
    for (const auto& metric : stored.metrics) {
      if (Matches(pattern, metric.key.name)) return true;
    }
  }
  return std::ranges::any_of(
      entry.fields, [&](const auto& field) { return std::ranges::find(stored.fields, field) != stored.fields.end(); });
}

Result<state::DashboardDocument> ReadyDashboards::Custom(const Stored& stored) const {
  std::vector<std::string> shown(std::begin(kNotCustom), std::end(kNotCustom));
  for (const Entry& entry : entries_) std::ranges::copy(entry.metrics, std::back_inserter(shown));
  std::vector<query::MetricInfo> custom;
  std::set<std::string_view> names;
  for (const auto& metric : stored.metrics) {
    const bool elsewhere =
        std::ranges::any_of(shown, [&](const auto& pattern) { return Matches(pattern, metric.key.name); });
    // What has no name nobody can ask for.
    if (!elsewhere && !metric.key.name.empty() && names.insert(metric.key.name).second) custom.push_back(metric);
  }
  return state::ReadDashboardDocument(CustomDashboardJson(custom));
}

Result<std::vector<ReadyDashboard>> ReadyDashboards::List(store::Cancellation* cancellation) {
  auto stored = ReadStored(cancellation);
  if (!stored) return std::unexpected(stored.error());
  std::vector<ReadyDashboard> list;
  for (const Entry& entry : entries_) list.push_back({entry.name, entry.document, HasData(entry, *stored)});
  auto custom = Custom(*stored);
  if (!custom) {
    // Names of metrics come from outside: the other dashboards are listed all the same.
    Log(LogLevel::kError, "the dashboard of custom metrics is wrong", {{"error", custom.error().message}});
    return list;
  }
  const bool has_data = custom->panels > 0;
  list.push_back({std::string(kCustomName), *std::move(custom), has_data});
  return list;
}

Result<state::DashboardDocument> ReadyDashboards::Get(const std::string& name, store::Cancellation* cancellation) {
  const auto entry = std::ranges::find(entries_, name, &Entry::name);
  if (entry != entries_.end()) return entry->document;
  if (name != kCustomName) return Fail(Code::kNotFound, "there is no dashboard ready-{}", name);
  auto stored = ReadStored(cancellation);
  if (!stored) return std::unexpected(stored.error());
  return Custom(*stored);
}

}  // namespace sightline::serve
