#include "demo/recommender/service.h"

#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "demo/catalog/document.h"
#include "demo/recommender/telemetry.h"

namespace demo::embedded {
std::string_view SearchPage();
}

namespace demo::recommender {
namespace {

constexpr size_t kSignalsMax = 10'000;
constexpr auto kKeepSignals = std::chrono::minutes(10);
constexpr size_t kPredictionsMax = 100'000;

// The route template of a request, "" where there is no such route.
std::string_view RouteOf(const http::Request& request) {
  for (const std::string_view route : {"/search", "/feedback", "/chaos/config", "/health", "/"}) {
    if (request.path == route) return route;
  }
  return "";
}

// Tells what a person would want to know about a search without opening its trace: one wide record, and the same on the
// span of the request.
void TellOfSearch(const SearchRequest& request, const SearchAnswer& answer, double latency_ms) {
  const std::string components = fmt::format("{}", fmt::join(answer.components_called, ","));
  const std::string failures = fmt::format("{}", fmt::join(answer.failures, ","));
  const size_t predictions = answer.predictions_successful + answer.predictions_failed;
  const double success_rate =
      predictions == 0 ? 0
                       : 100.0 * static_cast<double>(answer.predictions_successful) / static_cast<double>(predictions);
  const RankedDocument* top = answer.results.empty() ? nullptr : &answer.results.front();
  const std::vector<otel::Attribute> attributes = {
      {"user_id", request.user_id},
      {"query", request.query},
      {"query.intent", answer.query.intent},
      {"limit", request.limit},
      {"response.total_latency_ms", latency_ms},
      {"response.result_count", answer.results.size()},
      {"response.components_called", components},
      {"response.components_count", answer.components_called.size()},
      {"response.failures", failures},
      {"response.top_doc_id", top == nullptr ? std::string_view() : top->document.doc_id},
      {"response.top_final_score", top == nullptr ? 0.0 : top->final_score},
      {"model.name", model::Model::kName},
      {"model.version", answer.model_version},
      {"ml.predictions_successful", answer.predictions_successful},
      {"ml.predictions_failed", answer.predictions_failed},
      {"ml.prediction_success_rate", success_rate},
      {"external.signal_available", answer.signal.has_value()},
  };
  otel::CurrentSpan().SetAttributes(attributes);
  TheTelemetry().logger.Emit({.severity = otel::Severity::kInfo,
                              .body = "Search request completed",
                              .attributes = attributes,
                              .event_name = "search.completed"});
}

// Linked with the search that it is about, and a record of its own, so that models can be judged by it.
void TellOfFeedback(const Feedback& feedback, const LoggedPrediction& prediction) {
  const std::string_view kind = FeedbackName(feedback.kind);
  const std::string search_trace = prediction.request.IsValid() ? prediction.request.trace_id.Hex() : "";
  std::vector<otel::Attribute> attributes = {
      {"feedback.kind", kind},
      {"feedback.prediction_id", feedback.prediction_id},
      {"feedback.search_trace_id", search_trace},
      {"user_id", prediction.user_id},
      {"query", prediction.query},
      {"doc_id", prediction.doc_id},
      {"doc_category", prediction.category},
      {"model.name", model::Model::kName},
      {"model.version", prediction.model_version},
      {"result.rank", prediction.rank},
  };
  if (prediction.score) attributes.push_back({"model.score", *prediction.score});
  if (feedback.kind == FeedbackKind::kDwell) attributes.push_back({"feedback.dwell_seconds", feedback.dwell_seconds});
  const auto& span = otel::CurrentSpan();
  span.AddLink(prediction.request);
  span.SetAttributes(attributes);
  TheTelemetry().feedback.Add(1, {{"kind", kind}, {"model.version", prediction.model_version}});
  TheTelemetry().logger.Emit({.severity = otel::Severity::kInfo,
                              .body = "Feedback",
                              .attributes = attributes,
                              .event_name = "recommendation.feedback"});
}

http::Response Json(int status, std::string body) {
  return {.status = status, .body = std::move(body)};
}

}  // namespace

Service::Service(const ServiceOptions& options, model::Models models)
    : options_(options),
      models_(std::move(models)),
      signals_(kSignalsMax, kKeepSignals),
      chaos_(options.seed),
      predictions_(kPredictionsMax, options.seed) {}

Service::~Service() {
  flows_.clear();
  std::error_code ignored;
  std::filesystem::remove(options_.database_path, ignored);
}

Result<std::unique_ptr<Service>> Service::Create(const ServiceOptions& options) {
  auto models = model::Models::Load();
  if (!models) return std::unexpected(models.error());
  std::unique_ptr<Service> service(new Service(options, *std::move(models)));
  if (auto ready = service->Prepare(); !ready) return std::unexpected(ready.error());
  return service;
}

Result<void> Service::Prepare() {
  const auto documents = catalog::GenerateDocuments();
  {
    auto database = sqlite::Database::Create(options_.database_path);
    if (!database) return std::unexpected(database.error());
    const model::Model* const models[] = {&models_.stable(), &models_.canary()};
    if (auto stored = search::StoreDocuments(*database, documents); !stored) return stored;
    if (auto stored = model::StoreFeatures(*database, documents, models); !stored) return stored;
  }
  const SharedParts shared{.models = models_,
                           .signals = signals_,
                           .chaos = chaos_,
                           .wikipedia = options_.wikipedia,
                           .database_path = options_.database_path};
  for (size_t worker = 0; worker < options_.workers; ++worker) {
    auto flow = SearchFlow::Open(shared);
    if (!flow) return std::unexpected(flow.error());
    flows_.push_back(*std::move(flow));
  }
  return {};
}

http::Response Service::Handle(const http::Request& request, size_t worker) {
  http::Response response = Answer(request, worker);
  response.route = RouteOf(request);
  TheTelemetry().http_requests.Add(1, {{"http.request.method", request.method},
                                       {"http.route", response.route},
                                       {"http.response.status_code", response.status}});
  return response;
}

http::Response Service::Answer(const http::Request& request, size_t worker) {
  const bool get = request.method == "GET", post = request.method == "POST";
  if (request.path == "/search" && get) return Search(request, worker);
  if (request.path == "/feedback" && post) return TakeFeedback(request);
  if (request.path == "/chaos/config" && get) return Json(200, FormatChaosConfig(chaos_.config()));
  if (request.path == "/chaos/config" && post) return SetChaos(request);
  if (request.path == "/health" && get) return Json(200, R"({"status":"healthy"})");
  if (request.path == "/" && get) {
    return {.body = std::string(embedded::SearchPage()), .content_type = "text/html; charset=utf-8"};
  }
  return Json(404, R"({"detail":"Not Found"})");
}

http::Response Service::Search(const http::Request& request, size_t worker) {
  const auto parsed = ParseSearchRequest(request);
  if (!parsed) return UnprocessableEntity(parsed.error());
  const auto begin = std::chrono::steady_clock::now();
  const SearchAnswer answer = flows_[worker]->Run(*parsed);
  const auto ids = LogPredictions(*parsed, answer);
  const std::chrono::duration<double, std::milli> latency = std::chrono::steady_clock::now() - begin;
  TellOfSearch(*parsed, answer, latency.count());
  const auto& context = otel::CurrentSpan().context();
  return AnswerSearch(*parsed, answer, ids, latency.count(), context.IsValid() ? context.trace_id.Hex() : "");
}

std::vector<std::string> Service::LogPredictions(const SearchRequest& request, const SearchAnswer& answer) {
  std::vector<LoggedPrediction> predictions;
  predictions.reserve(answer.results.size());
  for (const auto& result : answer.results) {
    LoggedPrediction logged{.query = request.query,
                            .user_id = request.user_id,
                            .doc_id = result.document.doc_id,
                            .category = result.document.category,
                            .model_version = std::string(answer.model_version),
                            .rank = predictions.size() + 1,
                            .request = otel::CurrentSpan().context()};
    if (result.prediction) logged.score = result.prediction->score;
    predictions.push_back(std::move(logged));
  }
  return predictions_.Add(std::move(predictions));
}

http::Response Service::TakeFeedback(const http::Request& request) {
  const auto feedback = ParseFeedback(request.body);
  if (!feedback) return UnprocessableEntity(feedback.error());
  const auto prediction = predictions_.Find(feedback->prediction_id);
  if (!prediction) return Json(404, R"({"detail":"There is no such prediction, or not any more"})");
  TellOfFeedback(*feedback, *prediction);
  return Json(202, R"({"status":"accepted"})");
}

http::Response Service::SetChaos(const http::Request& request) {
  const auto config = ParseChaosConfig(request.body, chaos_.config());
  if (!config) return UnprocessableEntity({"body", "", config.error().message});
  chaos_.SetConfig(*config);
  return Json(200, FormatChaosConfig(*config));
}

}  // namespace demo::recommender
