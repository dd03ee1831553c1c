// The INSERT statement of a block, the same for both implementations of the contract.
#pragma once

#include <string>
#include <vector>

#include "otlp/sql_quote.h"
#include "store/sql_text.h"

namespace sightline::store {

// `table` is "database.table", both plain names.
inline std::string InsertText(const std::string& table, const std::vector<std::string>& columns,
                              const std::string& deduplication_token) {
  std::string text = "INSERT INTO " + table;
  for (size_t i = 0; i < columns.size(); ++i) text += (i == 0 ? " (" : ", ") + otlp::QuoteName(columns[i]);
  if (!columns.empty()) text += ")";
  // Without a token the deduplication window would hash every value of the block.
  if (!deduplication_token.empty()) {
    text += " SETTINGS insert_deduplication_token = " + otlp::QuoteString(deduplication_token);
  }
  return text;
}

}  // namespace sightline::store
