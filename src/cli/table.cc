#include "cli/table.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>

namespace sightline::cli {
namespace {

// The code point at the front of `text` and its length in bytes; U+FFFD and 1 where it is no UTF-8.
struct CodePoint {
  uint32_t value = 0xFFFD;
  size_t bytes = 1;
};

CodePoint Decode(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const size_t bytes = lead >= 0xF0 && lead < 0xF5   ? 4
                       : lead >= 0xE0 && lead < 0xF0 ? 3
                       : lead >= 0xC2 && lead < 0xE0 ? 2
                                                     : 0;
  if (bytes == 0 || text.size() < bytes) return {};
  uint32_t value = lead & (0xFF >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3F);
  }
  constexpr std::array<uint32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kSmallest[bytes] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) return {};
  return {value, bytes};
}

bool In(uint32_t value, uint32_t first, uint32_t last) {
  return value >= first && value <= last;
}

bool IsUnsafe(uint32_t value) {
  return value < 0x20 || In(value, 0x7F, 0x9F) || In(value, 0x200E, 0x200F) || In(value, 0x202A, 0x202E) ||
         In(value, 0x2066, 0x2069);
}

// The ranges that matter of Unicode's EastAsianWidth and of combining marks.
size_t Width(uint32_t value) {
  if (In(value, 0x0300, 0x036F) || In(value, 0x200B, 0x200D) || In(value, 0x20D0, 0x20FF) ||
      In(value, 0xFE00, 0xFE0F)) {
    return 0;
  }
  const bool wide = In(value, 0x1100, 0x115F) || In(value, 0x2E80, 0x303E) || In(value, 0x3041, 0xA4CF) ||
                    In(value, 0xAC00, 0xD7A3) || In(value, 0xF900, 0xFAFF) || In(value, 0xFE30, 0xFE6F) ||
                    In(value, 0xFF00, 0xFF60) || In(value, 0xFFE0, 0xFFE6) || In(value, 0x1F300, 0x1F64F) ||
                    In(value, 0x1F900, 0x1F9FF) || In(value, 0x20000, 0x3FFFD);
  return wide ? 2 : 1;
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = Decode(text);
    if (point.value == '\n' || point.value == '\t' || point.value == '\r') {
      out += ' ';
    } else if (IsUnsafe(point.value) || point.value == 0xFFFD) {
      out += "\xEF\xBF\xBD";
    } else {
      out += text.substr(0, point.bytes);
    }
    text.remove_prefix(point.bytes);
  }
  return out;
}

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const CodePoint point = Decode(text);
    width += Width(point.value);
    text.remove_prefix(point.bytes);
  }
  return width;
}

std::string CutToWidth(std::string_view text, size_t width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  if (width == 0) return "";
  size_t used = 0, bytes = 0;
  while (bytes < text.size()) {
    const CodePoint point = Decode(text.substr(bytes));
    if (used + Width(point.value) > width - 1) break;
    used += Width(point.value);
    bytes += point.bytes;
  }
  return std::string(text.substr(0, bytes)) + "…";
}

std::string PadToWidth(std::string_view text, size_t width, bool right) {
  std::string cut = CutToWidth(text, width);
  const std::string spaces(width - std::min(width, DisplayWidth(cut)), ' ');
  return right ? spaces + cut : cut + spaces;
}

std::string DurationText(uint64_t nanos) {
  constexpr uint64_t kMicro = 1000, kMilli = 1'000'000, kSecond = 1'000'000'000;
  // The limits lie where rounding would show 1000 of the smaller unit.
  if (nanos < kMicro) return fmt::format("{}ns", nanos);
  if (nanos < 999'950) return fmt::format("{:.1f}µs", static_cast<double>(nanos) / kMicro);
  if (nanos < 999'950'000) return fmt::format("{:.1f}ms", static_cast<double>(nanos) / kMilli);
  const uint64_t seconds = nanos / kSecond;
  if (nanos < 59'995'000'000) return fmt::format("{:.2f}s", static_cast<double>(nanos) / kSecond);
  if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
}

std::string TimeText(int64_t unix_nanos) {
  constexpr int64_t kSecond = 1'000'000'000;
  int64_t seconds = unix_nanos / kSecond;
  int64_t rest = unix_nanos % kSecond;
  if (rest < 0) {
    rest += kSecond;
    --seconds;
  }
  const std::time_t time = seconds;
  std::tm utc{};
  gmtime_r(&time, &utc);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec, rest / 1'000'000);
}

std::string Colored(std::string_view text, std::string_view sgr, bool color) {
  if (!color || sgr.empty() || text.empty()) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", sgr, text);
}

std::string FormatTable(const std::vector<Column>& columns, const std::vector<std::vector<Cell>>& rows, bool color) {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns.size(); ++i) {
    size_t width = DisplayWidth(columns[i].title);
    for (const auto& row : rows) width = std::max(width, std::min(DisplayWidth(row[i].text), columns[i].width_max));
    widths.push_back(width);
  }
  std::string out;
  auto line = [&](auto cell_of) {
    std::string text;
    for (size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) text += "  ";
      const Cell cell = cell_of(i);
      const bool last = i + 1 == columns.size() && !columns[i].right;
      const std::string fitted =
          last ? CutToWidth(cell.text, widths[i]) : PadToWidth(cell.text, widths[i], columns[i].right);
      text += Colored(fitted, cell.color, color);
    }
    while (text.ends_with(' ')) text.pop_back();
    out += text + "\n";
  };
  line([&](size_t i) { return Cell{columns[i].title, "2"}; });
  for (const auto& row : rows) line([&](size_t i) { return row[i]; });
  return out;
}

Terminal StdoutTerminal() {
  Terminal terminal;
  terminal.is_tty = isatty(STDOUT_FILENO) != 0;
  const char* no_color = std::getenv("NO_COLOR");
  terminal.color = terminal.is_tty && (no_color == nullptr || *no_color == '\0');
  winsize size{};
  if (terminal.is_tty && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) terminal.width = size.ws_col;
  if (const char* columns = std::getenv("COLUMNS"); columns != nullptr) {
    const long width = std::strtol(columns, nullptr, 10);
    if (width > 0) terminal.width = static_cast<size_t>(width);
  }
  terminal.width = std::clamp<size_t>(terminal.width, 40, 400);
  return terminal;
}

}  // namespace sightline::cli
