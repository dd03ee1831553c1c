// train-recommender: writes the weights of all model versions, and prints how they compare.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>

#include "demo/catalog/vocabulary.h"
#include "demo/training/trainer.h"

namespace demo::training {
namespace {

constexpr size_t kQueriesOfACategory = 300;
constexpr uint64_t kEvaluationSeed = 303;

// Trains, writes DIRECTORY/VERSION.txt, and gives NDCG@10 by category.
Result<std::vector<double>> TrainOne(const Recipe& recipe, const std::string& directory) {
  const auto weights = Train(recipe);
  if (!weights) return std::unexpected(weights.error());
  const std::string path = directory + "/" + recipe.version + ".txt";
  std::ofstream file(path, std::ios::binary);
  file << FormatWeights(*weights);
  file.close();
  if (!file) return Fail("OSError", "cannot write {}", path);
  return Evaluate(model::Model(*weights), kQueriesOfACategory, kEvaluationSeed);
}

Result<void> Run(const std::string& directory) {
  const auto v1 = TrainOne(RecipeV1(), directory), v2 = TrainOne(RecipeV2(), directory);
  if (!v1) return std::unexpected(v1.error());
  if (!v2) return std::unexpected(v2.error());
  fmt::print("{:<20} {:>7} {:>7}\n", "NDCG@10", "v1", "v2");
  const auto& categories = catalog::TheVocabulary().categories;
  for (size_t i = 0; i < categories.size(); ++i) {
    fmt::print("{:<20} {:>7.3f} {:>7.3f}\n", categories[i].name, (*v1)[i], (*v2)[i]);
  }
  return {};
}

}  // namespace
}  // namespace demo::training

int main(int argc, char** argv) {
  CLI::App app("Trains the model versions of the recommender from generated clicks");
  std::string directory = "demo/model/weights";
  app.add_option("--out", directory, "Where the weights files go")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  if (const auto done = demo::training::Run(directory); !done) {
    fmt::print(stderr, "train-recommender: {}\n", done.error().message);
    return 1;
  }
  return 0;
}
