// What can be said about a SQL text without parsing it: enough to send it the right way. Knows ClickHouse's comments,
// string literals and quoted names; understands no grammar. Never a safety gate (that reads the engine's syntax tree).
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sightline::store {

struct SqlShape {
  std::string first_word;       // upper case: "SELECT", "INSERT", "KILL"; "(" if the text starts with one
  std::string last_word;        // upper case
  std::string format;           // name in a FORMAT clause outside parentheses, as written; empty if there is none
  size_t format_begin = 0;      // offsets of the clause: of its first byte,
  size_t format_end = 0;        // and behind the name
  bool insert_of_data = false;  // INSERT whose rows follow in a format (no SELECT, no VALUES before it)
};
SqlShape ReadShape(std::string_view sql);

// What `{name:Type}` placeholders of `sql` need as the values of `parameters`: ClickHouse reads strings, numbers and
// times as TSV-escaped text, but arrays, maps and tuples ("['it\'s']") as they are.
std::map<std::string, std::string> EscapeParameters(std::string_view sql,
                                                    const std::map<std::string, std::string>& parameters);

// The way back, for who receives such values.
std::map<std::string, std::string> UnescapeParameters(std::string_view sql,
                                                      const std::map<std::string, std::string>& parameters);

// Lines of fields, unescaped. NULL reads "\N".
std::vector<std::vector<std::string>> ParseTabSeparated(std::string_view text);

}  // namespace sightline::store
