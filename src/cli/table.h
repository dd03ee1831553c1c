// Text for terminals: widths as a terminal shows them, cutting, columns. Everything that came from outside is made
// harmless first: control characters could rewrite the screen.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sightline::cli {

// Control characters, bidirectional overrides and broken UTF-8 become '�'; tabs and line ends become a space.
std::string Printable(std::string_view text);

// Columns that printable `text` takes: 2 for East Asian wide characters and emoji, 0 for combining marks.
size_t DisplayWidth(std::string_view text);

// At most `width` columns; what is cut is shown by "…".
std::string CutToWidth(std::string_view text, size_t width);

// Exactly `width` columns, padded with spaces.
std::string PadToWidth(std::string_view text, size_t width, bool right = false);

// "812ns", "3.4µs", "56.7ms", "1.23s", "2m03s", "1h05m"
std::string DurationText(uint64_t nanos);

// "2026-11-22 09:00:00.123", UTC
std::string TimeText(int64_t unix_nanos);

struct Column {
  std::string title;
  bool right = false;
  size_t width_max = 60;
};

struct Cell {
  std::string text;   // printable
  std::string color;  // SGR parameters as "31"; "" for none
};

// A header line and a line for each row. Colours only if `color`.
std::string FormatTable(const std::vector<Column>& columns, const std::vector<std::vector<Cell>>& rows, bool color);

std::string Colored(std::string_view text, std::string_view sgr, bool color);

// What is known of the terminal behind stdout.
struct Terminal {
  bool is_tty = false;
  bool color = false;  // a terminal, and NO_COLOR is unset or empty (https://no-color.org)
  size_t width = 100;  // COLUMNS, else the terminal's, else 100
};
Terminal StdoutTerminal();

}  // namespace sightline::cli
