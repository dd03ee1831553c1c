#include "demo/recommender/telemetry.h"

namespace demo::recommender {
namespace {

constexpr const char* kScope = "demo.recommender";

Telemetry Make() {
  const otel::Meter meter = otel::GetMeter(kScope);
  const auto duration = meter.CreateHistogram<double>(
      "component.duration", {.unit = "ms", .description = "How long a component worked on a request"});
  const auto predictions = meter.CreateCounter<int64_t>(
      "model.predictions.total", {.unit = "{prediction}", .description = "Predictions by status"});
  const auto component = [&](std::string_view name, std::string_view span) {
    return Component{.name = name, .span = span, .duration = duration.Bind({{"component", name}})};
  };
  return {
      .tracer = otel::GetTracer(kScope),
      .logger = otel::GetLogger(kScope),
      .http_requests = meter.CreateCounter<int64_t>(
          "http.requests.total", {.unit = "{request}", .description = "Requests by route and status"}),
      .search_queries = {meter.CreateCounter<int64_t>("search.queries.total",
                                                      {.unit = "{query}", .description = "Search queries by intent"}),
                         "intent",
                         {"comparison", "question", "discovery", "search"}},
      .predictions_successful = predictions.Bind({{"status", "success"}}),
      .predictions_failed = predictions.Bind({{"status", "failure"}}),
      .wikipedia_calls = {meter.CreateCounter<int64_t>(
                              "external.api.calls.total",
                              {.unit = "{call}", .description = "Questions to other services by status"}),
                          "status",
                          {"success", "failure", "not_found"},
                          {{"source", "wikipedia"}}},
      .chaos_events = meter.CreateCounter<int64_t>(
          "chaos.events.total", {.unit = "{event}", .description = "Faults on purpose by their kind"}),
      .feedback = meter.CreateCounter<int64_t>(
          "feedback.total", {.unit = "{event}", .description = "What people think of results, by kind and model"}),
      .inference_duration = meter.CreateHistogram<double>("model.inference.duration",
                                                          {.unit = "ms", .description = "How long a prediction took"}),
      .scores = meter.CreateHistogram<double>(
          "model.score.distribution", {.unit = "1",
                                       .description = "Scores of predictions",
                                       .explicit_bucket_boundaries = {{0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45,
                                                                       0.5, 0.6, 0.7, 0.8, 0.9}}}),
      .query_parser = component("query_parser", "query_parser.parse"),
      .search_index = component("search_index", "search_index.search"),
      .recommendation_engine = component("recommendation_engine", "recommendation_engine"),
      .wikipedia_client = component("wikipedia_client", "wikipedia_client.get_signal"),
      .ranker = component("ranker", "ranker.rank"),
  };
}

}  // namespace

CounterByValue::CounterByValue(const otel::Counter<int64_t>& counter, std::string_view key,
                               std::initializer_list<std::string_view> values,
                               const std::vector<otel::Attribute>& others) {
  for (const std::string_view value : values) {
    std::vector<otel::Attribute> attributes = others;
    attributes.push_back({key, value});
    bound_.emplace_back(value, counter.Bind(attributes));
  }
}

void CounterByValue::Add(int64_t count, std::string_view value) const {
  for (const auto& [known, bound] : bound_) {
    if (known == value) return bound.Add(count);
  }
}

const Telemetry& TheTelemetry() {
  static const auto* const telemetry = new Telemetry(Make());
  return *telemetry;
}

void RecordError(const otel::SpanRef& span, const Error& error) {
  span.AddEvent("exception", {{"exception.type", error.type}, {"exception.message", error.message}});
  span.SetStatus(otel::StatusCode::kError, error.message);
}

void RecordChaos(std::string_view event_type) {
  const Telemetry& telemetry = TheTelemetry();
  otel::CurrentSpan().SetAttributes({{"chaos.triggered", true}, {"chaos.event_type", event_type}});
  telemetry.chaos_events.Add(1, {{"event_type", event_type}});
  telemetry.logger.Emit({.severity = otel::Severity::kWarn,
                         .body = "A fault on purpose",
                         .attributes = {{"chaos.event_type", event_type}}});
}

}  // namespace demo::recommender
