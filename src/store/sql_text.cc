#include "store/sql_text.h"

#include <algorithm>
#include <cctype>

namespace sightline::store {
namespace {

bool IsWordByte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

std::string Upper(std::string_view word) {
  std::string upper(word);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return upper;
}

// Offset behind the quoted text that starts at `at` with quote `sql[at]`.
size_t SkipQuoted(std::string_view sql, size_t at) {
  const char quote = sql[at];
  for (size_t i = at + 1; i < sql.size(); ++i) {
    if (sql[i] == '\\') {
      ++i;
    } else if (sql[i] == quote) {
      return i + 1;  // a doubled quote starts the next quoted text at once: the same in effect
    }
  }
  return sql.size();
}

size_t SkipTo(std::string_view sql, size_t at, std::string_view end) {
  const size_t found = sql.find(end, at);
  return found == std::string_view::npos ? sql.size() : found + end.size();
}

// Offset behind a $tag$...$tag$ literal, or `at` + 1 when there is none.
size_t SkipHeredoc(std::string_view sql, size_t at) {
  size_t end = at + 1;
  while (end < sql.size() && IsWordByte(sql[end])) ++end;
  if (end >= sql.size() || sql[end] != '$') return at + 1;
  const std::string_view tag = sql.substr(at, end + 1 - at);
  return SkipTo(sql, end + 1, tag);
}

// Calls back with each word outside parentheses, and each opening parenthesis, until it returns false.
template <typename OnToken>
void ForEachToken(std::string_view sql, OnToken on_token) {
  int depth = 0;
  for (size_t i = 0; i < sql.size();) {
    const char c = sql[i];
    if (c == '\'' || c == '"' || c == '`') {
      i = SkipQuoted(sql, i);
    } else if (sql.substr(i, 2) == "--" || c == '#') {
      i = SkipTo(sql, i, "\n");
    } else if (sql.substr(i, 2) == "/*") {
      i = SkipTo(sql, i + 2, "*/");
    } else if (c == '$') {
      i = SkipHeredoc(sql, i);
    } else if (c == '(' || c == '[' || c == '{') {
      if (!on_token(sql.substr(i, 1), i, depth)) return;
      ++depth;
      ++i;
    } else if (c == ')' || c == ']' || c == '}') {
      depth = std::max(0, depth - 1);
      ++i;
    } else if (IsWordByte(c)) {
      size_t end = i;
      while (end < sql.size() && IsWordByte(sql[end])) ++end;
      if (!on_token(sql.substr(i, end - i), i, depth)) return;
      i = end;
    } else {
      ++i;
    }
  }
}

bool IsComposite(std::string_view type) {
  return type.starts_with("Array") || type.starts_with("Map") || type.starts_with("Tuple") ||
         type.starts_with("Nested") || type.starts_with("Identifier");
}

// The type in `{name:Type}`; empty if the text has no such placeholder.
std::string_view PlaceholderType(std::string_view sql, std::string_view name) {
  for (size_t at = sql.find(name); at != std::string_view::npos; at = sql.find(name, at + 1)) {
    size_t before = at;
    while (before > 0 && std::isspace(static_cast<unsigned char>(sql[before - 1])) != 0) --before;
    size_t after = at + name.size();
    while (after < sql.size() && std::isspace(static_cast<unsigned char>(sql[after])) != 0) ++after;
    if (before == 0 || sql[before - 1] != '{' || after >= sql.size() || sql[after] != ':') continue;
    ++after;
    while (after < sql.size() && std::isspace(static_cast<unsigned char>(sql[after])) != 0) ++after;
    return sql.substr(after, sql.find('}', after) - after);
  }
  return {};
}

std::string EscapeTabSeparated(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '\\':
        escaped += "\\\\";
        break;
      case '\t':
        escaped += "\\t";
        break;
      case '\n':
        escaped += "\\n";
        break;
      case '\r':
        escaped += "\\r";
        break;
      case '\0':
        escaped += "\\0";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

char Unescaped(char c) {
  switch (c) {
    case 't':
      return '\t';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case '0':
      return '\0';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'a':
      return '\a';
    case 'v':
      return '\v';
    default:
      return c;
  }
}

}  // namespace

SqlShape ReadShape(std::string_view sql) {
  SqlShape shape;
  bool query_seen = false;  // rows come from a SELECT or stand in VALUES
  bool format_next = false;
  bool settings_seen = false;
  ForEachToken(sql, [&](std::string_view word, size_t at, int depth) {
    const std::string upper = Upper(word);
    if (shape.first_word.empty()) shape.first_word = upper;
    if (!IsWordByte(word[0])) format_next = false;  // format(...), the function
    if (depth > 0 || !IsWordByte(word[0])) return true;
    shape.last_word = upper;
    // Nothing but SETTINGS may follow the clause: else the word was a column's name.
    if (upper == "SETTINGS") settings_seen = true;
    if (!shape.format.empty() && !settings_seen) shape.format.clear();
    if (format_next) {
      format_next = false;
      shape.format = std::string(word);
      shape.format_end = at + word.size();
      shape.insert_of_data = shape.first_word == "INSERT" && !query_seen;
      return !shape.insert_of_data;  // what follows is data
    }
    if (upper == "FORMAT") {
      format_next = true;
      settings_seen = false;
      shape.format_begin = at;
    } else if (upper == "SELECT" || upper == "WITH" || upper == "VALUES") {
      query_seen = true;
      if (shape.first_word == "INSERT" && upper == "VALUES") return false;
    }
    return true;
  });
  if (shape.format.empty() && shape.first_word == "INSERT" && !query_seen) shape.insert_of_data = true;
  return shape;
}

std::map<std::string, std::string> EscapeParameters(std::string_view sql,
                                                    const std::map<std::string, std::string>& parameters) {
  std::map<std::string, std::string> escaped;
  for (const auto& [name, value] : parameters) {
    escaped[name] = IsComposite(PlaceholderType(sql, name)) ? value : EscapeTabSeparated(value);
  }
  return escaped;
}

std::map<std::string, std::string> UnescapeParameters(std::string_view sql,
                                                      const std::map<std::string, std::string>& parameters) {
  std::map<std::string, std::string> plain;
  for (const auto& [name, value] : parameters) {
    std::string& text = plain[name];
    if (IsComposite(PlaceholderType(sql, name))) {
      text = value;
      continue;
    }
    for (size_t i = 0; i < value.size(); ++i) {
      text += value[i] == '\\' && i + 1 < value.size() ? Unescaped(value[++i]) : value[i];
    }
  }
  return plain;
}

std::vector<std::vector<std::string>> ParseTabSeparated(std::string_view text) {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> row;
  std::string field;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && i + 1 < text.size()) {
      ++i;
      if (text[i] == 'N') field += '\\';
      field += Unescaped(text[i]);
    } else if (c == '\t') {
      row.push_back(std::move(field));
      field.clear();
    } else if (c == '\n') {
      row.push_back(std::move(field));
      field.clear();
      rows.push_back(std::move(row));
      row.clear();
    } else {
      field += c;
    }
  }
  return rows;
}

}  // namespace sightline::store
