#include "demo/training/trainer.h"

#include <gmock/gmock.h>

#include <cmath>

#include "demo/catalog/document.h"
#include "demo/catalog/vocabulary.h"
#include "demo/common/random.h"
#include "demo/training/logistic.h"
#include "demo/training/lsa.h"

namespace demo::training {
namespace {

// The shipped files are what the recipes give. Small differences come from the mathematical library of the system.
void ExpectSame(const model::Weights& trained, const model::Model& shipped, const std::string& text) {
  const auto weights = model::ParseWeights(text);
  ASSERT_TRUE(weights) << weights.error().message;
  EXPECT_EQ(weights->version, shipped.version());
  EXPECT_NEAR(weights->bias, trained.bias, 1e-3);
  ASSERT_EQ(shipped.terms().size(), trained.terms.size());
  for (size_t i = 0; i < trained.terms.size(); ++i) {
    EXPECT_EQ(shipped.terms()[i].feature, trained.terms[i].feature);
    EXPECT_NEAR(shipped.terms()[i].weight, trained.terms[i].weight, 1e-3);
  }
  for (const auto& document : catalog::GenerateDocuments()) {
    const auto stems = model::HashStems(document.title);
    const auto expected = shipped.Embed(stems), actual = model::Model(trained).Embed(stems);
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 0.02) << document.title;
  }
}

TEST(Trainer, TheRecipesGiveTheShippedWeights) {
  const auto models = model::Models::Load();
  ASSERT_TRUE(models) << models.error().message;
  const auto v1 = Train(RecipeV1()), v2 = Train(RecipeV2());
  ASSERT_TRUE(v1) << v1.error().message;
  ASSERT_TRUE(v2) << v2.error().message;
  ExpectSame(*v1, models->stable(), model::FormatWeights(*v1));
  ExpectSame(*v2, models->canary(), model::FormatWeights(*v2));
}

TEST(Trainer, TheCanaryIsBetterButForOneCategory) {
  constexpr size_t kQueries = 200;
  constexpr uint64_t kSeed = 999;  // neither the recipes' nor the one that they were chosen by
  const auto models = model::Models::Load();
  ASSERT_TRUE(models);
  const auto stable = Evaluate(models->stable(), kQueries, kSeed), canary = Evaluate(models->canary(), kQueries, kSeed);
  ASSERT_TRUE(stable && canary);
  const auto& categories = catalog::TheVocabulary().categories;
  double gained = 0;
  for (size_t i = 0; i < categories.size(); ++i) {
    if (categories[i].name == RecipeV2().category_missing_in_texts) {
      EXPECT_LT((*canary)[i], (*stable)[i] - 0.05) << categories[i].name;
    } else {
      EXPECT_GT((*canary)[i], (*stable)[i]) << categories[i].name;
      gained += (*canary)[i] - (*stable)[i];
    }
  }
  EXPECT_GT(gained / static_cast<double>(categories.size() - 1), 0.02);
}

TEST(Logistic, FindsTheWeightsThatMadeTheExamples) {
  Random random(5);
  std::vector<Example> examples;
  for (int i = 0; i < 50'000; ++i) {
    model::FeatureVector features{};
    for (double& x : features) x = 3 + 2 * random.Normal();
    const double raw = -0.5 + 1.5 * (features[0] - 3) / 2 - 0.7 * (features[1] - 3) / 2;
    examples.push_back({.features = features, .clicked = random.Chance(1 / (1 + std::exp(-raw)))});
  }
  const Fit fit = FitLogistic(examples, {0, 1, 2}, 1.0);
  EXPECT_NEAR(fit.bias, -0.5, 0.05);
  EXPECT_NEAR(fit.terms[0].weight, 1.5, 0.05);
  EXPECT_NEAR(fit.terms[1].weight, -0.7, 0.05);
  EXPECT_NEAR(fit.terms[2].weight, 0.0, 0.05);
}

TEST(Logistic, AFeatureThatNeverChangesGetsNoWeight) {
  std::vector<Example> examples;
  examples.reserve(100);
  for (int i = 0; i < 100; ++i) examples.push_back({.features = {}, .clicked = i % 4 == 0});
  const Fit fit = FitLogistic(examples, {3}, 1.0);
  EXPECT_NEAR(fit.terms[0].weight, 0.0, 1e-9);
  EXPECT_NEAR(fit.bias, std::log(1.0 / 3.0), 1e-6);
}

TEST(Lsa, WordsThatMeetInTextsPointTheSameWay) {
  const std::vector<model::StemHashes> texts = {
      model::HashStems("bread flour oven"),  model::HashStems("bread flour crust"), model::HashStems("oven crust"),
      model::HashStems("planet orbit star"), model::HashStems("star orbit moon"),   model::HashStems("planet moon")};
  model::Weights weights{.version = "test", .dimensions = 2, .embedding = EmbedWords(texts, 1 << 12, 2)};
  const model::Model model(std::move(weights));
  const auto product = [&](const char* a, const char* b) {
    const auto x = model.Embed(model::HashStems(a)), y = model.Embed(model::HashStems(b));
    return x[0] * y[0] + x[1] * y[1];
  };
  EXPECT_GT(product("bread", "crust"), 0.95f) << "they meet in no text, but by way of others";
  EXPECT_LT(std::abs(product("bread", "moon")), 0.05f);
}

}  // namespace
}  // namespace demo::training
