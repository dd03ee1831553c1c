#include "demo/model/feature_store.h"

#include <utility>

#include "demo/catalog/vocabulary.h"
#include "demo/common/text.h"

namespace demo::model {
namespace {

constexpr const char* kSchema = R"(
CREATE TABLE document_features (
  doc_id TEXT PRIMARY KEY,
  length INTEGER NOT NULL,
  category INTEGER NOT NULL,
  popularity REAL NOT NULL,
  age_days INTEGER NOT NULL,
  stems BLOB NOT NULL,
  title_stems BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE document_embeddings (
  doc_id TEXT NOT NULL,
  model_version TEXT NOT NULL,
  embedding BLOB NOT NULL,
  PRIMARY KEY (doc_id, model_version)
) WITHOUT ROWID;
-- What one prediction reads. Its short question is what stands on the span of each.
CREATE VIEW model_inputs AS
SELECT f.length, f.category, f.popularity, f.age_days, f.stems, f.title_stems, e.embedding, f.doc_id, e.model_version
FROM document_features AS f JOIN document_embeddings AS e ON e.doc_id = f.doc_id;
)";

constexpr const char* kSelect = "SELECT * FROM model_inputs WHERE doc_id = ? AND model_version = ?";

Result<void> Insert(sqlite::Statement& statement) {
  const sqlite::ResetLater reset(statement);
  if (auto done = statement.Step(); !done) return std::unexpected(done.error());
  return {};
}

Result<void> StoreDocument(const catalog::Document& document, std::span<const Model* const> models,
                           sqlite::Statement& insert_features, sqlite::Statement& insert_embedding) {
  const auto stems = HashStems(document.title + " " + document.text), title_stems = HashStems(document.title);
  insert_features.Bind(1, document.id).Bind(2, static_cast<int64_t>(Words(document.text).size()));
  insert_features.Bind(3, static_cast<int64_t>(catalog::TheVocabulary().topics[document.topic].category));
  insert_features.Bind(4, document.popularity).Bind(5, document.age_days);
  insert_features.Bind(6, std::as_bytes(std::span(stems))).Bind(7, std::as_bytes(std::span(title_stems)));
  if (auto done = Insert(insert_features); !done) return done;
  for (const Model* model : models) {
    const auto embedding = model->Embed(stems);
    insert_embedding.Bind(1, document.id).Bind(2, model->version()).Bind(3, std::as_bytes(std::span(embedding)));
    if (auto done = Insert(insert_embedding); !done) return done;
  }
  return {};
}

}  // namespace

Result<void> StoreFeatures(sqlite::Database& database, std::span<const catalog::Document> documents,
                           std::span<const Model* const> models) {
  if (auto made = database.Execute(kSchema); !made) return made;
  auto features = database.Prepare("INSERT INTO document_features VALUES (?, ?, ?, ?, ?, ?, ?)");
  if (!features) return std::unexpected(features.error());
  auto embeddings = database.Prepare("INSERT INTO document_embeddings VALUES (?, ?, ?)");
  if (!embeddings) return std::unexpected(embeddings.error());
  if (auto begun = database.Execute("BEGIN"); !begun) return begun;
  for (const auto& document : documents) {
    if (auto done = StoreDocument(document, models, *features, *embeddings); !done) return done;
  }
  return database.Execute("COMMIT");
}

Result<FeatureReader> FeatureReader::Open(sqlite::Database& database) {
  auto select = database.Prepare(kSelect);
  if (!select) return std::unexpected(select.error());
  return FeatureReader(*std::move(select));
}

Result<DocumentFeatures> FeatureReader::Read(std::string_view doc_id, std::string_view model_version) {
  const sqlite::ResetLater reset(select_);
  select_.Bind(1, doc_id).Bind(2, model_version);
  const auto row = select_.Step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return Fail("FeatureError", "document {} has no features for model {}", doc_id, model_version);
  const auto copy = [&]<typename Number>(int column, std::vector<Number>& to) {
    const auto numbers = select_.Numbers<Number>(column);
    to.assign(numbers.begin(), numbers.end());
  };
  copy(4, stems_);
  copy(5, title_stems_);
  copy(6, embedding_);
  return DocumentFeatures{.length = select_.Int(0),
                          .category = select_.Int(1),
                          .popularity = select_.Double(2),
                          .age_days = select_.Int(3),
                          .stems = stems_,
                          .title_stems = title_stems_,
                          .embedding = embedding_};
}

}  // namespace demo::model
