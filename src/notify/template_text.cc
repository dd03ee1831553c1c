#include "notify/template_text.h"

namespace sightline::notify {
namespace {

std::string_view Trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string FillTemplate(std::string_view text,
                         const std::function<std::optional<std::string>(std::string_view name)>& lookup) {
  std::string filled;
  while (!text.empty()) {
    const size_t close = text.find("}}");
    // The last opening before it: in "{{a {{b}}" the first opens nothing.
    const size_t open = close == text.npos ? text.npos : text.substr(0, close).rfind("{{");
    if (close == text.npos) return filled.append(text);
    if (open == text.npos) {
      filled += text.substr(0, close + 2);
    } else {
      filled += text.substr(0, open);
      const auto value = lookup(Trim(text.substr(open + 2, close - open - 2)));
      filled += value ? *value : std::string(text.substr(open, close + 2 - open));
    }
    text.remove_prefix(close + 2);
  }
  return filled;
}

}  // namespace sightline::notify
