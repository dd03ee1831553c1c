#include "demo/search/search_index.h"

#include <utility>

namespace demo::search {
namespace {

constexpr const char* kSchema = R"(
CREATE TABLE documents (
  doc_id TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  category TEXT NOT NULL,
  popularity REAL NOT NULL,
  age_days INTEGER NOT NULL
);
CREATE VIRTUAL TABLE documents_fts USING fts5(
  title, text, category, content = 'documents', tokenize = 'porter unicode61'
);
)";

// bm25() is negative, the best match the lowest. A title counts more than the text.
constexpr const char* kSelect = R"(
SELECT d.doc_id, d.title, d.text, d.category, found.score
FROM (
  SELECT rowid, bm25(documents_fts, 3.0, 1.0, 1.5) AS score
  FROM documents_fts WHERE documents_fts MATCH ? ORDER BY score LIMIT ?
) AS found JOIN documents AS d ON d.rowid = found.rowid
ORDER BY found.score
)";

// A match of this strength scores one half.
constexpr double kHalfScore = 10.0;

}  // namespace

Result<void> StoreDocuments(sqlite::Database& database, std::span<const catalog::Document> documents) {
  if (auto made = database.Execute(kSchema); !made) return made;
  auto insert = database.Prepare(
      "INSERT INTO documents (doc_id, title, text, category, popularity, age_days) VALUES (?, ?, ?, ?, ?, ?)");
  if (!insert) return std::unexpected(insert.error());
  if (auto begun = database.Execute("BEGIN"); !begun) return begun;
  for (const auto& document : documents) {
    insert->Bind(1, document.id).Bind(2, document.title).Bind(3, document.text);
    insert->Bind(4, catalog::CategoryOf(document)).Bind(5, document.popularity).Bind(6, document.age_days);
    if (auto done = insert->Step(); !done) return std::unexpected(done.error());
    insert->Reset();
  }
  return database.Execute("INSERT INTO documents_fts(documents_fts) VALUES ('rebuild'); COMMIT");
}

std::string FtsQuery(const std::vector<std::string>& tokens) {
  std::string query;
  for (const auto& token : tokens) {
    query += query.empty() ? "\"" : " OR \"";
    for (const char c : token) query += c == '"' ? std::string_view("\"\"") : std::string_view(&c, 1);
    query += '"';
  }
  return query;
}

Result<SearchIndex> SearchIndex::Open(sqlite::Database& database) {
  auto select = database.Prepare(kSelect);
  if (!select) return std::unexpected(select.error());
  return SearchIndex(*std::move(select));
}

Result<std::vector<Candidate>> SearchIndex::Search(const std::vector<std::string>& tokens, size_t limit) {
  std::vector<Candidate> found;
  if (tokens.empty()) return found;
  const std::string query = FtsQuery(tokens);
  const sqlite::ResetLater reset(select_);
  select_.Bind(1, query).Bind(2, static_cast<int64_t>(limit));
  for (;;) {
    const auto row = select_.Step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return found;
    const double strength = -select_.Double(4);
    found.push_back({.doc_id = std::string(select_.Text(0)),
                     .title = std::string(select_.Text(1)),
                     .text = std::string(select_.Text(2)),
                     .category = std::string(select_.Text(3)),
                     .base_score = strength / (strength + kHalfScore)});
  }
}

}  // namespace demo::search
