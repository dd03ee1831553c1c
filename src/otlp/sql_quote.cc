#include "otlp/sql_quote.h"

namespace sightline::otlp {
namespace {

std::string Quote(std::string_view text, char quote) {
  std::string quoted(1, quote);
  for (const char c : text) {
    if (c == quote || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + quote;
}

}  // namespace

std::string QuoteString(std::string_view text) {
  return Quote(text, '\'');
}

std::string QuoteName(std::string_view name) {
  return Quote(name, '`');
}

}  // namespace sightline::otlp
