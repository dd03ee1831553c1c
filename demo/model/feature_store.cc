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
-- What a prediction reads.
CREATE VIEW model_inputs AS
SELECT f.length, f.category, f.popularity, f.age_days, f.stems, f.title_stems, e.embedding, f.doc_id, e.model_version
FROM document_features AS f JOIN document_embeddings AS e ON e.doc_id = f.doc_id;
)";

// The documents are a JSON array, as SQLite has no parameters that are lists.
constexpr const char* kSelect =
    "SELECT wanted.key, m.length, m.category, m.popularity, m.age_days, m.stems, m.title_stems, m.embedding "
    "FROM json_each(?) AS wanted JOIN model_inputs AS m ON m.doc_id = wanted.value WHERE m.model_version = ?";

std::string JsonArray(std::span<const std::string_view> texts) {
  std::string json = "[";
  for (const std::string_view text : texts) {
    json += json.size() == 1 ? "\"" : ",\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') json += '\\';
      json += c;
    }
    json += '"';
  }
  return json + "]";
}

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

Result<std::vector<std::optional<DocumentFeatures>>> FeatureReader::Read(std::span<const std::string_view> doc_ids,
                                                                         std::string_view model_version) {
  const std::string wanted = JsonArray(doc_ids);
  const sqlite::ResetLater reset(select_);
  select_.Bind(1, wanted).Bind(2, model_version);
  if (copies_.size() < doc_ids.size()) copies_.resize(doc_ids.size());
  std::vector<std::optional<DocumentFeatures>> features(doc_ids.size());
  for (;;) {
    const auto row = select_.Step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return features;
    const auto place = static_cast<size_t>(select_.Int(0));
    if (place < features.size()) features[place] = ReadRow(copies_[place]);
  }
}

DocumentFeatures FeatureReader::ReadRow(Copy& copy) const {
  const auto take = [&]<typename Number>(int column, std::vector<Number>& to) {
    const auto numbers = select_.Numbers<Number>(column);
    to.assign(numbers.begin(), numbers.end());
  };
  take(5, copy.stems);
  take(6, copy.title_stems);
  take(7, copy.embedding);
  return {.length = select_.Int(1),
          .category = select_.Int(2),
          .popularity = select_.Double(3),
          .age_days = select_.Int(4),
          .stems = copy.stems,
          .title_stems = copy.title_stems,
          .embedding = copy.embedding};
}

}  // namespace demo::model
