#include "serve/accepts.h"

#include <algorithm>

namespace sightline::serve {

bool Accepts(std::string_view header, std::string_view wanted) {
  while (!header.empty()) {
    const size_t comma = std::min(header.find(','), header.size());
    std::string_view item = header.substr(0, comma);
    header.remove_prefix(std::min(comma + 1, header.size()));
    item.remove_prefix(std::min(item.find_first_not_of(' '), item.size()));
    const std::string_view token = item.substr(0, item.find_first_of("; "));
    if (token != wanted) continue;
    const size_t weight = item.find("q=");
    return weight == item.npos || item.substr(weight + 2).find_first_of("123456789") != item.npos;
  }
  return false;
}

}  // namespace sightline::serve
