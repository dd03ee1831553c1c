// What the model sees of a query and a document. Data: texts, columns -> numbers with names.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace demo::model {

// The names are those of the span attributes: features.query_length ...
inline constexpr std::array<std::string_view, 10> kFeatureNames = {
    "query_length",  // characters
    "query_token_count",
    "user_id_hash",  // 0 to 999
    "doc_length",    // words
    "doc_category_encoded",
    "query_doc_overlap",  // share of the query's words that the document has
    "embedding_dot_product",
    "query_title_overlap",  // the same for its title
    "doc_popularity",
    "doc_age_days",
};
inline constexpr size_t kFeatureCount = kFeatureNames.size();
using FeatureVector = std::array<double, kFeatureCount>;

// The stems of a text, without stopwords, as 32-bit hashes, sorted, each once.
using StemHashes = std::vector<uint32_t>;
StemHashes HashStems(std::string_view text);

// The share of `some` that stands in `others`, both sorted; 0 without any.
double StemOverlap(std::span<const uint32_t> some, std::span<const uint32_t> others);

struct QueryFeatures {
  size_t length = 0;
  size_t token_count = 0;
  uint64_t user_id_hash = 0;
  StemHashes stems;
  std::vector<float> embedding;  // the model's that reads it
};

// Borrows from what it was read by.
struct DocumentFeatures {
  int64_t length = 0;
  int64_t category = 0;
  double popularity = 0;
  int64_t age_days = 0;
  std::span<const uint32_t> stems;
  std::span<const uint32_t> title_stems;
  std::span<const float> embedding;
};

uint64_t HashUserId(std::string_view user_id);
FeatureVector ComputeFeatures(const QueryFeatures& query, const DocumentFeatures& document);

}  // namespace demo::model
