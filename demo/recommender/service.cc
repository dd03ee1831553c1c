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
  const auto& span = otel::CurrentSpan();
  span.AddLink(prediction->request);
  span.SetAttributes({{"feedback.kind", FeedbackName(feedback->kind)},
                      {"feedback.prediction_id", feedback->prediction_id},
                      {"doc_id", prediction->doc_id},
                      {"model.version", prediction->model_version},
                      {"model.rank", prediction->rank}});
  return Json(202, R"({"status":"accepted"})");
}

http::Response Service::SetChaos(const http::Request& request) {
  const auto config = ParseChaosConfig(request.body, chaos_.config());
  if (!config) return UnprocessableEntity({"body", "", config.error().message});
  chaos_.SetConfig(*config);
  return Json(200, FormatChaosConfig(*config));
}

}  // namespace demo::recommender
