// The documents in SQLite, and full-text search over them: FTS5, ranked by BM25.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "demo/catalog/document.h"
#include "demo/common/error.h"
#include "demo/sqlite/database.h"

namespace demo::search {

// Makes the tables `documents` and `documents_fts`.
Result<void> StoreDocuments(sqlite::Database& database, std::span<const catalog::Document> documents);

struct Candidate {
  std::string doc_id;
  std::string title;
  std::string text;
  std::string category;
  double base_score;  // 0 to 1, from BM25
};

// "neural" OR "networks", each quoted, so that nothing in them is FTS5's syntax.
std::string FtsQuery(const std::vector<std::string>& tokens);

// The database must outlive it.
// Thread: the database's.
class SearchIndex {
 public:
  static Result<SearchIndex> Open(sqlite::Database& database);

  // The best ones for any of the tokens, the best first. No tokens: none.
  Result<std::vector<Candidate>> Search(const std::vector<std::string>& tokens, size_t limit);

 private:
  explicit SearchIndex(sqlite::Statement select) : select_(std::move(select)) {}
  sqlite::Statement select_;
};

}  // namespace demo::search
