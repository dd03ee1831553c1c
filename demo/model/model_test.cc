#include "demo/model/model.h"

#include <gmock/gmock.h>

#include <cmath>
#include <numeric>

#include "demo/catalog/document.h"
#include "demo/model/feature_store.h"

namespace demo::model {
namespace {

using testing::HasSubstr;

constexpr std::string_view kTiny = R"(# a comment
version v9
bias -1
feature query_length 10 2 0.5
feature embedding_dot_product 0 1 2
embedding 4 2
bucket 1 3 4
bucket 2 -3 -4
)";

TEST(Weights, ComeBackAsTheyWereWritten) {
  const auto weights = ParseWeights(kTiny);
  ASSERT_TRUE(weights) << weights.error().message;
  EXPECT_EQ(weights->version, "v9");
  EXPECT_EQ(weights->terms.size(), 2u);
  const auto again = ParseWeights(FormatWeights(*weights));
  ASSERT_TRUE(again);
  EXPECT_EQ(FormatWeights(*again), FormatWeights(*weights));
  EXPECT_EQ(again->embedding, weights->embedding);
}

TEST(Weights, AMistakeIsNamedByItsLine) {
  for (const char* line : {"bias x", "feature unheard_of 0 1 1", "feature query_length 0 0 1", "bucket 4 1 1",
                           "bucket 1 1", "embedding 0 2", "dimension 4", "version"}) {
    const auto weights = ParseWeights(std::string(kTiny) + line + "\n");
    ASSERT_FALSE(weights) << line;
    EXPECT_THAT(weights.error().message, HasSubstr("line 9")) << line;
  }
  EXPECT_FALSE(ParseWeights(""));
}

TEST(Model, PredictsTheSigmoidOfTheWeightedFeatures) {
  const Model model(*ParseWeights(kTiny));
  FeatureVector features{};
  features[0] = 14;    // + 0.5 * (14 - 10) / 2
  features[6] = 0.25;  // + 2 * 0.25
  const Prediction prediction = model.Predict(features);
  EXPECT_DOUBLE_EQ(prediction.raw_score, -1 + 1 + 0.5);
  EXPECT_DOUBLE_EQ(prediction.score, 1 / (1 + std::exp(-0.5)));
  EXPECT_DOUBLE_EQ(prediction.confidence, 2 * prediction.score - 1);
}

TEST(Model, EmbeddingsHaveLengthOneOrNone) {
  const Model model(*ParseWeights(kTiny));
  const uint32_t known[] = {1, 5};  // both fall into bucket 1
  EXPECT_THAT(model.Embed(known), testing::ElementsAre(testing::FloatEq(0.6f), testing::FloatEq(0.8f)));
  const uint32_t unknown[] = {3};
  EXPECT_THAT(model.Embed(unknown), testing::ElementsAre(0.0f, 0.0f));
  const uint32_t opposite[] = {1, 2};
  EXPECT_THAT(model.Embed(opposite), testing::ElementsAre(0.0f, 0.0f));
}

TEST(Models, AUserAlwaysGetsTheSameVersionAndTheShareHolds) {
  const auto models = Models::Load();
  ASSERT_TRUE(models) << models.error().message;
  int canary = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::string user = "user_" + std::to_string(i);
    const Model& model = models->ForUser(user, 0.1);
    EXPECT_EQ(&model, &models->ForUser(user, 0.1));
    if (&model == &models->canary()) {
      ++canary;
      EXPECT_EQ(&models->ForUser(user, 0.5), &models->canary()) << "a larger share takes nobody's canary away";
    }
  }
  EXPECT_NEAR(canary, 1000, 100);
  EXPECT_EQ(&models->ForUser("anyone", 0), &models->stable());
  EXPECT_EQ(&models->ForUser("anyone", 1), &models->canary());
}

TEST(Models, WordsOfOneTopicAreNearerThanThoseOfAnother) {
  const auto models = Models::Load();
  const auto near = [&](std::string_view a, std::string_view b) {
    const auto x = models->stable().Embed(HashStems(a)), y = models->stable().Embed(HashStems(b));
    return std::inner_product(x.begin(), x.end(), y.begin(), 0.0f);
  };
  EXPECT_GT(near("sourdough", "flour crumb"), near("sourdough", "telescopes mirrors") + 0.3f);
  EXPECT_GT(near("neural networks", "activations layers"), near("neural networks", "pruning blight") + 0.3f);
}

TEST(FeatureStore, GivesEachModelItsOwnEmbedding) {
  const auto models = Models::Load();
  const Model* const both[] = {&models->stable(), &models->canary()};
  auto database = sqlite::Database::Create(":memory:");
  const auto documents = catalog::GenerateDocuments();
  const auto stored = StoreFeatures(*database, documents, both);
  ASSERT_TRUE(stored) << stored.error().message;
  auto reader = FeatureReader::Open(*database);
  ASSERT_TRUE(reader);
  const std::string_view wanted[] = {documents[9].id, "NONE", documents[7].id, "\"quoted\\"};
  for (const Model* model : both) {
    const auto features = reader->Read(wanted, model->version());
    ASSERT_TRUE(features) << features.error().message;
    ASSERT_EQ(features->size(), std::size(wanted));
    EXPECT_TRUE((*features)[0]);
    EXPECT_FALSE((*features)[1]);
    EXPECT_FALSE((*features)[3]);
    const DocumentFeatures& last = *(*features)[2];
    const auto stems = HashStems(documents[7].title + " " + documents[7].text);
    EXPECT_TRUE(std::ranges::equal(last.stems, stems));
    EXPECT_TRUE(std::ranges::equal(last.embedding, model->Embed(stems)));
    EXPECT_EQ(last.age_days, documents[7].age_days);
    EXPECT_EQ(last.popularity, documents[7].popularity);
  }
  EXPECT_FALSE((*reader->Read(wanted, "v9"))[0]);
}

TEST(Features, OverlapsAreSharesOfTheQuery) {
  const StemHashes document = HashStems("Sourdough bread needs flour and time"), title = HashStems("Sourdough bread");
  const QueryFeatures query{.length = 20, .token_count = 2, .user_id_hash = 7, .stems = HashStems("flour for breads")};
  const FeatureVector features = ComputeFeatures(query, {.stems = document, .title_stems = title});
  EXPECT_EQ(features[0], 20);
  EXPECT_EQ(features[5], 1.0);
  EXPECT_EQ(features[7], 0.5);
  EXPECT_EQ(ComputeFeatures({}, {.stems = document})[5], 0.0);
}

}  // namespace
}  // namespace demo::model
