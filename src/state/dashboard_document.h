// The document that a dashboard is: JSON -> checked, in one canonical text. What it may hold stands in
// src/serve/openapi.yaml (DashboardDocument); docs/dashboards.md says what it means.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace sightline::state {

inline constexpr size_t kDocumentBytesMax = 1 << 20;
inline constexpr int64_t kGridColumns = 24;

struct DashboardDocument {
  std::string json;  // as given, without spaces between its parts
  std::string title, description;
  std::vector<std::string> tags;
  uint64_t panels = 0;
};

// kInvalidArgument: "panels[3].queries[0].query: what is wrong with it"; of JSON that does not parse "document: …".
Result<DashboardDocument> ReadDashboardDocument(std::string_view json);

// Of what was checked when it was kept, maybe by a program with other rules: only what lists show is read. kInternal:
// it is no JSON.
Result<DashboardDocument> ReadKeptDashboardDocument(std::string_view json);

}  // namespace sightline::state
