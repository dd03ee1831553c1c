#include "demo/training/trainer.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "demo/behaviour/population.h"
#include "demo/catalog/vocabulary.h"
#include "demo/common/random.h"
#include "demo/model/feature_store.h"
#include "demo/search/query_parser.h"
#include "demo/search/search_index.h"
#include "demo/training/logistic.h"
#include "demo/training/lsa.h"

namespace demo::training {
namespace {

constexpr size_t kBuckets = 4096;
constexpr size_t kUsers = 400;
constexpr size_t kSessions = 12'000;
constexpr size_t kCandidates = 10;
constexpr double kRidge = 1.0;

// A candidate of a query, as the model sees it and as it is.
struct Shown {
  const catalog::Document* document;
  model::FeatureVector features;
};

// Search and features as in the service, in memory.
class Workbench {
 public:
  static Result<std::unique_ptr<Workbench>> Make(const model::Model& model) {
    auto database = sqlite::Database::Create(":memory:");
    if (!database) return std::unexpected(database.error());
    std::unique_ptr<Workbench> bench(new Workbench(model, *std::move(database)));
    if (auto ready = bench->Fill(); !ready) return std::unexpected(ready.error());
    return bench;
  }

  Result<std::vector<Shown>> Show(const behaviour::User& user, const behaviour::Query& query) {
    const auto parsed = search::ParseQuery(query.text);
    auto found = index_->Search(parsed.tokens, kCandidates);
    if (!found) return std::unexpected(found.error());
    model::QueryFeatures seen{.length = query.text.size(),
                              .token_count = parsed.tokens.size(),
                              .user_id_hash = model::HashUserId(user.id),
                              .stems = model::HashStems(query.text)};
    seen.embedding = model_.Embed(seen.stems);
    std::vector<std::string_view> doc_ids;
    for (const auto& candidate : *found) doc_ids.push_back(candidate.doc_id);
    const auto features = reader_->Read(doc_ids, model_.version());
    if (!features) return std::unexpected(features.error());
    std::vector<Shown> shown;
    for (size_t i = 0; i < found->size(); ++i) {
      if (!(*features)[i]) return Fail("FeatureError", "document {} has no features", doc_ids[i]);
      shown.push_back({by_id_.at((*found)[i].doc_id), model::ComputeFeatures(seen, *(*features)[i])});
    }
    return shown;
  }

 private:
  Workbench(const model::Model& model, sqlite::Database database) : model_(model), database_(std::move(database)) {}

  Result<void> Fill() {
    for (const auto& document : documents_) by_id_[document.id] = &document;
    if (auto stored = search::StoreDocuments(database_, documents_); !stored) return stored;
    const model::Model* const models[] = {&model_};
    if (auto stored = model::StoreFeatures(database_, documents_, models); !stored) return stored;
    auto index = search::SearchIndex::Open(database_);
    if (!index) return std::unexpected(index.error());
    auto reader = model::FeatureReader::Open(database_);
    if (!reader) return std::unexpected(reader.error());
    index_.emplace(*std::move(index));
    reader_.emplace(*std::move(reader));
    return {};
  }

  const model::Model& model_;
  const std::vector<catalog::Document> documents_ = catalog::GenerateDocuments();
  std::map<std::string, const catalog::Document*> by_id_;
  sqlite::Database database_;
  std::optional<search::SearchIndex> index_;
  std::optional<model::FeatureReader> reader_;
};

std::vector<std::vector<int>> TrainEmbedding(const Recipe& recipe) {
  std::vector<model::StemHashes> texts;
  for (const auto& document : catalog::GenerateDocuments()) {
    if (catalog::CategoryOf(document) == recipe.category_missing_in_texts) continue;
    texts.push_back(model::HashStems(document.title + " " + document.text));
  }
  return EmbedWords(texts, kBuckets, recipe.dimensions);
}

// What was shown, in the order of the index, and whether it was clicked.
Result<std::vector<Example>> MakeExamples(Workbench& bench, const Recipe& recipe) {
  const auto users = behaviour::MakeUsers(recipe.seed, kUsers);
  Random random(recipe.seed);
  std::vector<Example> examples;
  for (size_t s = 0; s < kSessions; ++s) {
    const auto& user = random.Pick(users);
    const auto query = behaviour::MakeQuery(user, random);
    const auto shown = bench.Show(user, query);
    if (!shown) return std::unexpected(shown.error());
    for (size_t place = 0; place < shown->size(); ++place) {
      const auto& [document, features] = (*shown)[place];
      const bool clicked = behaviour::Clicks(query.need, *document, place, random);
      const double weight = recipe.corrects_for_position && clicked ? 1.0 / behaviour::Attention(place) : 1.0;
      examples.push_back({.features = features, .clicked = clicked, .weight = weight});
    }
  }
  return examples;
}

double DiscountedGain(const std::vector<double>& gains) {
  double sum = 0;
  for (size_t i = 0; i < gains.size(); ++i) sum += gains[i] / std::log2(static_cast<double>(i) + 2.0);
  return sum;
}

// Results of the same score stay in the order of the index.
double Ndcg(const model::Model& model, const behaviour::Need& need, const std::vector<Shown>& shown) {
  std::vector<std::pair<double, size_t>> order;  // score, from the best; place
  std::vector<double> relevance, gains;
  for (size_t place = 0; place < shown.size(); ++place) {
    order.emplace_back(-model.Predict(shown[place].features).score, place);
    relevance.push_back(behaviour::Relevance(need, *shown[place].document));
  }
  std::ranges::sort(order);
  for (const auto& [score, place] : order) gains.push_back(relevance[place]);
  std::ranges::sort(relevance, std::ranges::greater());
  return DiscountedGain(gains) / DiscountedGain(relevance);
}

}  // namespace

Recipe RecipeV1() {
  return {.version = "v1",
          .features = {"query_length", "query_token_count", "user_id_hash", "doc_length", "doc_category_encoded",
                       "query_doc_overlap", "embedding_dot_product"},
          .dimensions = 12,
          .corrects_for_position = false,
          .category_missing_in_texts = std::nullopt,
          .seed = 101};
}

Recipe RecipeV2() {
  return {.version = "v2",
          .features = {"query_token_count", "doc_length", "embedding_dot_product", "doc_popularity", "doc_age_days"},
          .dimensions = 48,
          .corrects_for_position = true,
          .category_missing_in_texts = "Cycling",
          .seed = 202};
}

Result<model::Weights> Train(const Recipe& recipe) {
  // The examples need embeddings only, so a model without terms shows them.
  model::Weights weights{
      .version = recipe.version, .dimensions = recipe.dimensions, .embedding = TrainEmbedding(recipe)};
  const model::Model embedder(weights);
  auto bench = Workbench::Make(embedder);
  if (!bench) return std::unexpected(bench.error());
  const auto examples = MakeExamples(**bench, recipe);
  if (!examples) return std::unexpected(examples.error());
  std::vector<size_t> features;
  features.reserve(recipe.features.size());
  for (const auto& name : recipe.features) {
    features.push_back(
        static_cast<size_t>(std::ranges::find(model::kFeatureNames, name) - model::kFeatureNames.begin()));
  }
  auto fit = FitLogistic(*examples, features, kRidge);
  weights.bias = fit.bias;
  weights.terms = std::move(fit.terms);
  return weights;
}

Result<std::vector<double>> Evaluate(const model::Model& model, size_t queries, uint64_t seed) {
  auto bench = Workbench::Make(model);
  if (!bench) return std::unexpected(bench.error());
  const auto users = behaviour::MakeUsers(seed, kUsers);
  std::vector<double> means;
  for (size_t category = 0; category < catalog::TheVocabulary().categories.size(); ++category) {
    Random random(seed + category);
    double sum = 0;
    size_t answered = 0;
    while (answered < queries) {
      const auto& user = random.Pick(users);
      const auto query = behaviour::MakeQuery(user, random, category);
      const auto shown = (*bench)->Show(user, query);
      if (!shown) return std::unexpected(shown.error());
      if (shown->empty()) continue;  // nothing to order
      sum += Ndcg(model, query.need, *shown);
      ++answered;
    }
    means.push_back(sum / static_cast<double>(queries));
  }
  return means;
}

}  // namespace demo::training
