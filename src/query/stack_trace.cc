#include "query/stack_trace.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <memory>

namespace sightline::query {
namespace {

constexpr size_t kFramesMax = 200;
constexpr size_t kLineBytesMax = 2000;

// What a line may look like; `function` and `file` are groups 1 and 2, or the other way round.
struct Format {
  const char* needs;  // a line without it does not match: most lines are of one format, and looking for it costs little
  const char* pattern;
  bool file_first = false;
  bool newest_last = false;
};
constexpr std::array kFormats = {
    // Python:   File "/app/shop.py", line 12, in pay
    Format{"File \"", R"re(^\s*File "([^"]+)", line \d+(?:, in (.+))?$)re", true, true},
    // .NET:   at Shop.Cart.Pay(String id) in /src/Cart.cs:line 12
    Format{") in ", R"(^\s*at ([^()\s][^()]*)\(.*\) in (.+):line \d+$)"},
    // Java:   at app//com.shop.Cart.pay(Cart.java:12)
    Format{"at ", R"(^\s*at (?:[\w.@-]*/)*([\w.$<>]+)\(([^():]*)(?::\d+)?\)(?: ~?\[.*\])?$)"},
    // JavaScript:   at async Cart.pay [as run] (file:///app/cart.js:12:5)
    Format{"at ", R"(^\s*at (?:async )?(?:new )?([^()]+?)(?: \[as [^\]]+\])? \((.+?)(?::\d+)?(?::\d+)?\)$)"},
    // JavaScript, without a name:   at /app/cart.js:12:5
    Format{"at ", R"(^\s*at (?:async )?()(\S+?):\d+:\d+$)"},
    // Firefox, Safari: pay@https://shop.example/cart.js:12:5
    Format{"@", R"(^([^@\s]*)@(\S+?):\d+:\d+$)"},
    // PHP: #0 /app/cart.php(12): Cart->pay()
    Format{"#", R"(^#\d+ (\S+)\(\d+\): ([^(]+)\()", true},
    // GDB, Boost: #0  0x00007f in shop::Pay(int) (id=1) at /src/pay.cc:12
    Format{
        "#",
        R"(^\s*(?:#\d+|\d+#)\s+(?:0x[0-9a-fA-F]+ )?(?:in )?([^()]+?(?:\(anonymous namespace\)[^()]*?)?) ?(?:\(.*\))?(?: const)?(?: \(.*\))? at (\S+?)(?::\d+)*$)"},
    Format{
        "#",
        R"(^\s*(?:#\d+|\d+#)\s+(?:0x[0-9a-fA-F]+ )?(?:in )?([^()]+(?:\(anonymous namespace\)[^()]*)?)(?:\(.*\))?(?: const)?(?: (?:in|from) (\S+))?$)"},
    // Ruby: app/cart.rb:12:in `Cart#pay'
    Format{":in ", R"(^\s*(?:from )?(\S+?):\d+:in [`'](.+)'$)", true},
};
// Go and Rust have a frame in two lines.
constexpr const char* kGoFunction =
    R"(^(?:created by )?([\w./*()\-·\[\]]+?)(?:\((?:0x|\.\.\.|\{|\)|[0-9?,\s]).*)?(?: in goroutine \d+)?$)";
constexpr const char* kGoFile = R"(^\t(\S+\.(?:go|s)):\d+)";
constexpr const char* kRustFunction = R"(^\s*\d+: (?:0x[0-9a-f]+ - )?(\S.*?)(?:::h[0-9a-f]{16})?$)";
constexpr const char* kRustFile = R"(^\s+at (\S+\.rs):\d+(?::\d+)?$)";

constexpr const char* kForeign =
    R"(node_modules|node:|site-packages|dist-packages|lib/python|<frozen |/usr/local/go/|pkg/mod/|/rustc/|/usr/include/|^/(?:usr/)?lib/|\(anonymous\)@)";
constexpr const char* kForeignFunction =
    R"(^(?:java|javax|jdk|sun|kotlin|kotlinx|scala|org\.springframework|org\.apache|io\.netty|reactor|System|Microsoft)\.|^(?:runtime[./]|panic$|std::|core::|boost::|__|raise$|abort$|rust_))";

const RE2& Compiled(size_t format) {
  static const auto* const patterns = [] {
    auto* made = new std::array<std::unique_ptr<RE2>, kFormats.size()>;
    for (size_t i = 0; i < kFormats.size(); ++i) (*made)[i] = std::make_unique<RE2>(kFormats[i].pattern);
    return made;
  }();
  return *(*patterns)[format];
}

std::string LastParts(std::string_view path) {
  path = path.substr(0, path.find_first_of("?#"));
  const size_t last = path.find_last_of("/\\");
  if (last == path.npos || last == 0) return std::string(path);
  const size_t before = path.find_last_of("/\\", last - 1);
  return std::string(before == path.npos ? path : path.substr(before + 1));
}

StackFrame Frame(std::string function, const std::string& path) {
  static const RE2 foreign(kForeign), foreign_function(kForeignFunction);
  StackFrame frame;
  while (!function.empty() && (function.back() == ' ' || function.back() == '.')) function.pop_back();
  frame.foreign = RE2::PartialMatch(path, foreign) || RE2::PartialMatch(function, foreign_function);
  // Numbers of lambdas, of generated classes and of closures change with each build.
  static const RE2 numbers(R"(0x[0-9a-fA-F]+|\d+)");
  RE2::GlobalReplace(&function, numbers, "#");
  frame.function = std::move(function);
  frame.file = LastParts(path);
  return frame;
}

// Thread: of its owner.
class Reading {
 public:
  void Read(std::string_view line) {
    if (line.size() > kLineBytesMax) return;
    if (ReadFileOfFunction(line)) return;
    for (size_t i = 0; i < kFormats.size(); ++i) {
      if (line.find(kFormats[i].needs) == line.npos) continue;
      std::string first, second;
      if (!RE2::PartialMatch(line, Compiled(i), &first, &second)) continue;
      if (kFormats[i].file_first) std::swap(first, second);
      newest_last_ = newest_last_ || kFormats[i].newest_last;
      Add(Frame(std::move(first), second));
      return;
    }
    ReadFunctionAlone(line);
  }

  std::vector<StackFrame> Take() {
    if (newest_last_) std::ranges::reverse(frames_);
    return std::move(frames_);
  }

  // A chain of exceptions: of Python what was raised last stands last, of others first.
  void BeginCause() {
    if (newest_last_) frames_.clear();
    ends_ = ends_ || (!newest_last_ && !frames_.empty());
  }

 private:
  bool ReadFileOfFunction(std::string_view line) {
    static const RE2 go(kGoFile), rust(kRustFile);
    if (function_.empty()) return false;
    std::string file;
    const bool found = RE2::PartialMatch(line, go, &file) || RE2::FullMatch(line, rust, &file);
    if (found) Add(Frame(function_, file));
    function_.clear();
    return found;
  }

  // It is one if the next line has its file.
  void ReadFunctionAlone(std::string_view line) {
    static const RE2 go(kGoFunction), rust(kRustFunction);
    if (!RE2::FullMatch(line, rust, &function_) && !RE2::FullMatch(line, go, &function_)) function_.clear();
  }

  void Add(StackFrame frame) {
    const bool says_something = !frame.function.empty() || !frame.file.empty();
    if (says_something && !ends_ && frames_.size() < kFramesMax) frames_.push_back(std::move(frame));
  }

  std::vector<StackFrame> frames_;
  std::string function_;
  bool newest_last_ = false, ends_ = false;
};

bool BeginsCause(std::string_view line) {
  return line.starts_with("Caused by: ") || line.starts_with("Traceback (most recent call last)") ||
         line.starts_with("The above exception was") || line.starts_with("During handling of the above");
}

}  // namespace

std::string StackFrame::Text() const {
  if (function.empty() || file.empty()) return function + file;
  return function + " (" + file + ")";
}

std::vector<StackFrame> ParseStackTrace(std::string_view text) {
  Reading reading;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (BeginsCause(line)) {
      reading.BeginCause();
    } else {
      reading.Read(line);
    }
  }
  return reading.Take();
}

std::vector<std::string> TellingFrames(std::string_view text) {
  const std::vector<StackFrame> frames = ParseStackTrace(text);
  const bool has_own = std::ranges::any_of(frames, [](const StackFrame& frame) { return !frame.foreign; });
  std::vector<std::string> telling;
  for (const StackFrame& frame : frames) {
    if (telling.size() == kTellingFramesMax) break;
    if (!has_own || !frame.foreign) telling.push_back(frame.Text());
  }
  return telling;
}

}  // namespace sightline::query
