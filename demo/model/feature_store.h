// Features of documents in SQLite, by model version, and the reader that each prediction asks.
#pragma once

#include <cstdint>
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

  // What it gives is valid until the next Read. An error where there is no such document.
  Result<DocumentFeatures> Read(std::string_view doc_id, std::string_view model_version);

 private:
  explicit FeatureReader(sqlite::Statement select) : select_(std::move(select)) {}
  sqlite::Statement select_;
  // Of the last document: copies, so that the statement is done with at once.
  std::vector<uint32_t> stems_, title_stems_;
  std::vector<float> embedding_;
};

}  // namespace demo::model
