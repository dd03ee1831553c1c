// The INSERT statement of a block, the same for both implementations of the contract.
#pragma once

#include <string>
#include <vector>

#include "store/sql_text.h"

namespace sightline::store {

// Indexes that only merges make: making them twice would cost as much as the rest of an insert
// (docs/adr/005-log-text.md). For embedded.h: servers of older releases do not know the setting.
inline constexpr const char* kIndexesByMergesOnly = "exclude_materialize_skip_indexes_on_insert = 'idx_body'";

// `table` is "database.table", both plain names; `setting` is "name = value" or nothing.
inline std::string InsertText(const std::string& table, const std::vector<std::string>& columns,
                              const std::string& deduplication_token, const std::string& setting = "") {
  std::string text = "INSERT INTO " + table;
  for (size_t i = 0; i < columns.size(); ++i) text += (i == 0 ? " (" : ", ") + QuoteName(columns[i]);
  if (!columns.empty()) text += ")";
  // Without a token the deduplication window would hash every value of the block.
  std::string settings = setting;
  if (!deduplication_token.empty()) {
    settings += settings.empty() ? "" : ", ";
    settings += "insert_deduplication_token = " + QuoteString(deduplication_token);
  }
  return settings.empty() ? text : text + " SETTINGS " + settings;
}

}  // namespace sightline::store
