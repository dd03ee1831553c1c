#include "cli/config_docs.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "cli/config.h"
#include "cli/config_flags.h"

namespace sightline::cli {
namespace {

constexpr std::string_view kIntroduction = R"(# Configuration

<!-- Made by `sightline config docs --output docs/configuration.md`; change src/cli/config.cc instead. -->

`sightline serve` and `sightline gateway` ([gateway.md](gateway.md)) are configured by a YAML file (`--config FILE`), environment variables and flags. A flag wins over a
variable, and that over the file. Every key can be given in each of the three ways:

| way | `limits.memory_bytes_max` as an example |
|---|---|
| file | `limits: {memory_bytes_max: 512MiB}` |
| variable | `SIGHTLINE_LIMITS_MEMORY_BYTES_MAX=512MiB` |
| flag | `--set limits.memory_bytes_max=512MiB`, and for some keys a short flag |

An unknown key, an unknown `SIGHTLINE_*` variable and a value of the wrong type are errors that name their place; the
program then ends with exit code 2. `sightline config check FILE` checks a file without starting anything;
`sightline config show` prints the values in effect, where they come from, and what they mean. Three variables of that
prefix are no configuration and stand in nobody's way: `SIGHTLINE_SERVER` (the server that `sightline sql`, `traces` and
`trace` ask), `SIGHTLINE_LIBCHDB` and `SIGHTLINE_SHARED_DIR` (of `./dev` and the tests).

Types: a *duration* is a number with a unit, or several (`500ms`, `1h30m`, `30d`; units `ns us ms s m h d w`). A *size*
is a number of bytes, with a unit or without (`64MiB`, `25MB`, `1048576`). A *list of texts* is `[a, b]` in YAML and
`a,b` in a variable or flag.

)";

// Text inside a table cell.
std::string Cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string FlagName(std::string_view key) {
  for (const auto flags : {ConfigFlags(), GatewayFlags()}) {
    const auto it = std::ranges::find(flags, key, &ConfigFlag::key);
    if (it != flags.end()) return fmt::format("`{}`", it->name);
  }
  return "";
}

std::string DefaultCell(const ConfigKey& key) {
  if (key.default_yaml.empty()) return "not set";
  if (key.default_yaml.starts_with('\n')) return "the list below";
  return fmt::format("`{}`", key.default_yaml);
}

std::string SectionOf(std::string_view path) {
  return std::string(path.substr(0, path.find('.')));
}

}  // namespace

std::string ConfigurationMarkdown() {
  Config defaults;
  ConfigSchema schema = MakeConfigSchema();
  BindConfig(schema, defaults);

  std::string out(kIntroduction);
  std::string lists;  // long defaults, after the table of their section
  std::string section;
  for (const ConfigKey& key : schema.keys()) {
    const bool top = key.path.find('.') == std::string::npos;
    if (const std::string next = top ? "general" : SectionOf(key.path); next != section) {
      out += std::exchange(lists, "");
      const auto it = std::ranges::find(schema.sections(), next, &std::pair<std::string, std::string>::first);
      out += fmt::format("{}## {}\n\n", section.empty() ? "" : "\n", top ? "General" : "`" + next + "`");
      if (it != schema.sections().end()) out += it->second + "\n\n";
      out += "| key | type | default | short flag | meaning |\n|---|---|---|---|---|\n";
      section = next;
    }
    fmt::format_to(std::back_inserter(out), "| `{}` | {} | {} | {} | {} |\n", key.path, Cell(key.type),
                   Cell(DefaultCell(key)), FlagName(key.path), Cell(key.doc));
    if (key.default_yaml.starts_with('\n')) {
      lists += fmt::format("\nThe default of `{}`:\n\n```yaml{}\n```\n", key.path, key.default_yaml);
    }
  }
  return out + lists;
}

}  // namespace sightline::cli
