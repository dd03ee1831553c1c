#include "demo/model/features.h"

#include <algorithm>
#include <numeric>

#include "demo/common/random.h"
#include "demo/common/text.h"

namespace demo::model {
namespace {

constexpr uint64_t kUserIdHashes = 1000;

}  // namespace

StemHashes HashStems(std::string_view text) {
  StemHashes hashes;
  for (const auto& stem : Stems(text)) hashes.push_back(static_cast<uint32_t>(HashText(stem)));
  std::ranges::sort(hashes);
  const auto twice = std::ranges::unique(hashes);
  hashes.erase(twice.begin(), twice.end());
  return hashes;
}

double StemOverlap(std::span<const uint32_t> some, std::span<const uint32_t> others) {
  if (some.empty()) return 0;
  const auto found =
      std::ranges::count_if(some, [&](uint32_t stem) { return std::ranges::binary_search(others, stem); });
  return static_cast<double>(found) / static_cast<double>(some.size());
}

uint64_t HashUserId(std::string_view user_id) {
  return HashText(user_id) % kUserIdHashes;
}

FeatureVector ComputeFeatures(const QueryFeatures& query, const DocumentFeatures& document) {
  // What has no embedding has the product 0.
  const size_t dimensions = std::min(query.embedding.size(), document.embedding.size());
  const float product = std::inner_product(query.embedding.begin(), query.embedding.begin() + dimensions,
                                           document.embedding.begin(), 0.0f);
  return {static_cast<double>(query.length),
          static_cast<double>(query.token_count),
          static_cast<double>(query.user_id_hash),
          static_cast<double>(document.length),
          static_cast<double>(document.category),
          StemOverlap(query.stems, document.stems),
          static_cast<double>(product),
          StemOverlap(query.stems, document.title_stems),
          document.popularity,
          static_cast<double>(document.age_days)};
}

}  // namespace demo::model
