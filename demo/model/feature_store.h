// Features of documents in SQLite, by model version, and the reader that predictions ask.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "demo/catalog/document.h"
#include "demo/common/error.h"
#include "demo/model/features.h"
#include "demo/model/model.h"
#include "demo/sqlite/database.h"

namespace demo::model {

// Makes the tables `document_features`, for all models, and `document_embeddings`, and the view `model_inputs` of both.
Result<void> StoreFeatures(sqlite::Database& database, std::span<const catalog::Document> documents,
                           std::span<const Model* const> models);

// The database must outlive it.
// Thread: the database's.
class FeatureReader {
 public:
  static Result<FeatureReader> Open(sqlite::Database& database);

  // Of all these documents, in their order; nothing where one has no features for the model. One statement, whose cost
  // hardly grows with their number. What it gives is valid until the next Read.
  Result<std::vector<std::optional<DocumentFeatures>>> Read(std::span<const std::string_view> doc_ids,
                                                            std::string_view model_version);

 private:
  // Copies, so that the statement is done with at once. Their memory is used again.
  struct Copy {
    std::vector<uint32_t> stems, title_stems;
    std::vector<float> embedding;
  };

  explicit FeatureReader(sqlite::Statement select) : select_(std::move(select)) {}
  DocumentFeatures ReadRow(Copy& copy) const;

  sqlite::Statement select_;
  std::vector<Copy> copies_;  // of the last documents, in their order
};

}  // namespace demo::model
