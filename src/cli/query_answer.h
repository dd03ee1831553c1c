// What `sightline query` prints of the server's answers. Data: JSON of the API -> a table for people, CSV for programs.
#pragma once

#include <string>

#include "base/error.h"
#include "cli/table.h"

namespace sightline::cli {

// As text; "" where the answer has nothing. kInternal: the JSON is no such answer.
Result<std::string> SeriesTable(const std::string& json, const Terminal& terminal);
Result<std::string> GroupsTable(const std::string& json, const Terminal& terminal);
Result<std::string> SpansTable(const std::string& json, const Terminal& terminal);

// With a head, as RFC 4180 says. Series have a row for each step that has a value.
Result<std::string> SeriesCsv(const std::string& json);
Result<std::string> GroupsCsv(const std::string& json);

}  // namespace sightline::cli
