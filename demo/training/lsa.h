// Word embeddings by latent semantic analysis: words that stand in the same documents point into the same direction.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "demo/model/features.h"

namespace demo::training {

// The `dimensions` strongest left singular vectors of the TF-IDF matrix (buckets of words x texts), by orthogonal
// iteration from a fixed start; a row a bucket, times its IDF, in steps of 1/1000 of the largest number. Rows of
// buckets that no text's word falls into are empty.
std::vector<std::vector<int>> EmbedWords(std::span<const model::StemHashes> texts, size_t buckets, size_t dimensions);

}  // namespace demo::training
