// Words of queries and documents, as the parser, the model and the stand-in see them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace demo {

// ASCII letters in lower case, white space as single spaces, none at the ends.
std::string NormalizeText(std::string_view text);

// Words in lower case: ASCII letters, digits, and all bytes of other characters; '+' and '#' end a word as in "c++".
std::vector<std::string> Words(std::string_view text);

// Of UTF-8; nothing where it is not that.
std::optional<size_t> CountCharacters(std::string_view text);

bool IsStopword(std::string_view word);

// "bakes", "baking", "baked" -> "bak": crude, but the same for all who compare words.
std::string Stem(std::string_view word);

// Stems of all words that are no stopwords.
std::vector<std::string> Stems(std::string_view text);

// In a URL's path: all but unreserved characters as %XX.
std::string PercentEncode(std::string_view text);
std::string PercentDecode(std::string_view text, bool plus_is_space = false);

}  // namespace demo
