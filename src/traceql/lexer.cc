#include "traceql/lexer.h"

#include <array>
#include <charconv>
#include <cmath>

#include "traceql/aliases.h"

namespace sightline::traceql {
namespace {

using Kind = Token::Kind;

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool ContinuesWord(char c) {
  return IsLetter(c) || IsDigit(c) || (c & 0x80) != 0;
}

struct Unit {
  std::string_view name;
  double nanos;
};
// Longer names first.
constexpr std::array kUnits = {
    Unit{"ms", 1e6}, Unit{"us", 1e3},   Unit{"\xC2\xB5s", 1e3}, Unit{"ns", 1},          Unit{"s", 1e9},
    Unit{"m", 60e9}, Unit{"h", 3600e9}, Unit{"d", 86400e9},     Unit{"w", 7 * 86400e9}, Unit{"y", 365 * 86400e9}};

const Unit* UnitAt(std::string_view text) {
  for (const Unit& unit : kUnits)
    if (text.starts_with(unit.name)) return &unit;
  return nullptr;
}

void AppendUtf8(uint32_t code, std::string& text) {
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xc0 | code >> 6);
    text += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    text += static_cast<char>(0xe0 | code >> 12);
    text += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    text += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    text += static_cast<char>(0xf0 | code >> 18);
    text += static_cast<char>(0x80 | (code >> 12 & 0x3f));
    text += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    text += static_cast<char>(0x80 | (code & 0x3f));
  }
}

// A word that reads like an operator of other languages.
std::string_view OperatorWord(std::string_view word) {
  if (word == "and" || word == "AND") return "&&";
  if (word == "or" || word == "OR") return "||";
  if (word == "not" || word == "NOT") return "!";
  return "";
}

// The one of this name in another scope, or the one that is written nearly so.
std::string NearestIntrinsic(std::string_view written, std::string_view name, Subject subject) {
  std::vector<std::string> names;
  for (const auto& each : Intrinsics()) {
    if (FindIntrinsic(each.scope, each.name, subject) == nullptr) continue;
    names.push_back(std::string(ScopeName(each.scope)) + ":" + std::string(each.name));
    if (each.name == name || each.bare == name) return names.back();
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  return std::string(Nearest(written, views));
}

}  // namespace

size_t Lexer::SpaceHere() const {
  const char c = Peek();
  if (c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\v' || c == '\f') return 1;
  return text_.substr(at_).starts_with("\xC2\xA0") ? 2 : 0;  // a no-break space comes with pasted text
}

void Lexer::SkipSpaces() {
  while (at_ < text_.size()) {
    if (const size_t space = SpaceHere(); space > 0) {
      at_ += space;
    } else if (text_.substr(at_).starts_with("//")) {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (text_.substr(at_).starts_with("/*")) {
      const size_t end = text_.find("*/", at_ + 2);
      at_ = end == text_.npos ? text_.size() : end + 2;
    } else {
      return;
    }
  }
}

Token Lexer::Fail(size_t offset, std::string message, std::string suggestion) {
  if (!error_) error_ = MakeParseError(text_, offset, std::move(message), {}, std::move(suggestion));
  at_ = text_.size();
  Token end;
  end.offset = offset;
  return end;
}

Token Lexer::Finish(Token token, Kind kind) {
  token.kind = kind;
  token.text = text_.substr(token.offset, at_ - token.offset);
  return token;
}

Token Lexer::Next() {
  SkipSpaces();
  Token token;
  token.offset = at_;
  if (at_ >= text_.size()) return token;
  const char c = Peek();
  if (IsDigit(c) || (c == '.' && IsDigit(Peek(1)))) return Number(std::move(token));
  if (c == '.') return Scoped(std::move(token), Scope::kNone, false);
  if (c == '"') return Quoted(std::move(token));
  if (c == '`') return RawQuoted(std::move(token));
  if (IsLetter(c)) return Word(std::move(token));
  if (variables_ == Variables::kAllowed && AcceptVariable()) {
    token.literal.scalar.type = Type::kAny;
    return Finish(std::move(token), Kind::kLiteral);
  }
  if (c == '\'') return Fail(at_, "strings stand in double quotes or in backticks", "\"");
  if (const auto op = OperatorAt(text_.substr(at_))) {
    token.op = *op;
    at_ += OperatorText(*op).size();
    return Finish(std::move(token), Kind::kOperator);
  }
  if (std::string_view("{}(),|").find(c) != std::string_view::npos) {
    ++at_;
    return Finish(std::move(token), Kind::kPunctuation);
  }
  size_t end = at_ + 1;
  while (end < text_.size() && (text_[end] & 0xc0) == 0x80) ++end;
  return Fail(at_, "`" + std::string(text_.substr(at_, end - at_)) + "` has no meaning here", c == '&' ? "&&" : "");
}

bool Lexer::AcceptVariable() {
  if (Peek() != '$') return false;
  const bool braced = Peek(1) == '{';
  const size_t begin = braced ? 2 : 1;
  size_t end = begin;
  if (!IsLetter(Peek(end))) return false;
  while (IsLetter(Peek(end)) || IsDigit(Peek(end))) ++end;
  if (braced && Peek(end++) != '}') return false;
  at_ += end;
  return true;
}

Token Lexer::Word(Token token) {
  while (at_ < text_.size() && ContinuesWord(Peek())) ++at_;
  const std::string_view word = text_.substr(token.offset, at_ - token.offset);
  const char next = Peek();
  if (next != '.' && next != ':') {
    if (const auto op = OperatorWord(word); !op.empty())
      return Fail(token.offset, "`" + std::string(word) + "` is no operator", std::string(op));
    return Finish(std::move(token), Kind::kWord);
  }
  if (word == "parent" && next == '.' && subject_ == Subject::kSpans) {
    // parent.span.x, parent.resource.x; parent.x else
    const std::string_view rest = text_.substr(at_);
    for (const Scope scope : {Scope::kSpan, Scope::kResource}) {
      const std::string prefix = "." + std::string(ScopeName(scope)) + ".";
      if (!rest.starts_with(prefix)) continue;
      at_ += prefix.size() - 1;
      return Scoped(std::move(token), scope, true);
    }
    return Scoped(std::move(token), Scope::kNone, true);
  }
  const auto scope = FindScope(word, subject_);
  if (scope && next == ':') return ScopedIntrinsic(std::move(token), *scope);
  if (scope == Scope::kSpan && subject_ == Subject::kLogs)
    return Fail(token.offset, "log records have no attributes of spans", "log.");
  if (scope == Scope::kBody) return InBody(std::move(token));
  if (scope && *scope != Scope::kTrace) return Scoped(std::move(token), *scope, false);
  if (scope)
    return Fail(token.offset, "a trace has no attributes of its own; its intrinsics begin with `trace:`", "trace:");
  if (next == ':') {
    const auto prefixes = ScopePrefixes(subject_);
    const std::vector<std::string_view> views(prefixes.begin(), prefixes.end());
    return Fail(token.offset, "there is no scope `" + std::string(word) + ":`",
                std::string(Nearest(std::string(word) + ":", views)));
  }
  // service.name = ...: an attribute whose scope was left out, or a misspelt scope.
  std::string key;
  if (!AttributeKey(key)) return Token{};
  std::vector<std::string> prefixes = ScopePrefixes(subject_);
  prefixes.push_back("parent.");
  const std::vector<std::string_view> views(prefixes.begin(), prefixes.end());
  const auto nearest = Nearest(std::string(word) + ".", views);
  const std::string name = std::string(word) + key;
  return Fail(token.offset, "the attribute `" + name + "` lacks its scope, as in `span.`, `resource.` or `.` for any",
              nearest.empty() ? "." + name : std::string(nearest) + key.substr(1));
}

Token Lexer::Scoped(Token token, Scope scope, bool of_parent) {
  ++at_;  // the point
  std::string key;
  const size_t begin = at_;
  if (!AttributeKey(key)) return Token{};
  if (at_ == begin || key.empty()) return Fail(begin, "an attribute's name is missing behind the point");
  token.field.of_parent = of_parent;
  // parent.duration is the parent's duration; an attribute of this name is parent.span.duration.
  const IntrinsicInfo* info = of_parent && scope == Scope::kNone ? FindBareIntrinsic(key, subject_) : nullptr;
  if (info != nullptr && info->scope == Scope::kSpan && info->intrinsic != Intrinsic::kParent) {
    token.field.scope = info->scope;
    token.field.intrinsic = info->intrinsic;
    return Finish(std::move(token), Kind::kField);
  }
  token.field.scope = scope;
  token.field.aliases = AliasesOf(key);
  token.field.key = std::move(key);
  return Finish(std::move(token), Kind::kField);
}

Token Lexer::InBody(Token token) {
  std::vector<std::string> path;
  while (Peek() == '.') {
    const size_t begin = ++at_;
    if (!AttributeKey(path.emplace_back(), /*part=*/true)) return Token{};
    if (at_ == begin) return Fail(begin, "a key of the body is missing behind the point");
  }
  token.field = BodyField(std::move(path));
  return Finish(std::move(token), Kind::kField);
}

Token Lexer::ScopedIntrinsic(Token token, Scope scope) {
  ++at_;  // the colon
  const size_t begin = at_;
  while (at_ < text_.size() && ContinuesWord(Peek())) ++at_;
  const std::string_view name = text_.substr(begin, at_ - begin);
  const IntrinsicInfo* info = FindIntrinsic(scope, name, subject_);
  if (info == nullptr) {
    const std::string written = std::string(ScopeName(scope)) + ":" + std::string(name);
    return Fail(token.offset, "there is no intrinsic `" + written + "`", NearestIntrinsic(written, name, subject_));
  }
  token.field.scope = scope;
  token.field.intrinsic = info->intrinsic;
  return Finish(std::move(token), Kind::kField);
}

bool Lexer::AttributeKey(std::string& key, bool part) {
  while (at_ < text_.size() && IsAttributeCharacter(Peek()) && SpaceHere() == 0 && !(part && Peek() == '.')) {
    if (Peek() != '"') {
      key += text_[at_++];
      continue;
    }
    const size_t quote = at_++;
    while (Peek() != '"') {
      if (at_ >= text_.size()) {
        Fail(quote, "the quote of this name is not closed");
        return false;
      }
      if (Peek() == '\\') {
        ++at_;
        if (Peek() != '"' && Peek() != '\\') {
          Fail(at_ - 1, "in an attribute's name only \\\" and \\\\ are escapes");
          return false;
        }
      }
      key += text_[at_++];
    }
    ++at_;
  }
  return true;
}

Token Lexer::Number(Token token) {
  size_t end = at_;
  bool whole = true;
  while (end < text_.size() && IsDigit(text_[end])) ++end;
  if (end < text_.size() && text_[end] == '.' && end + 1 < text_.size() && IsDigit(text_[end + 1])) {
    whole = false;
    for (++end; end < text_.size() && IsDigit(text_[end]);) ++end;
  }
  if (UnitAt(text_.substr(end)) != nullptr) return Duration(std::move(token));
  if (end < text_.size() && (text_[end] == 'e' || text_[end] == 'E')) {
    size_t digits = end + 1;
    if (digits < text_.size() && (text_[digits] == '+' || text_[digits] == '-')) ++digits;
    if (digits < text_.size() && IsDigit(text_[digits])) {
      whole = false;
      for (end = digits; end < text_.size() && IsDigit(text_[end]);) ++end;
    }
  }
  const char* const first = text_.data() + at_;
  const char* const last = text_.data() + end;
  if (end < text_.size() && ContinuesWord(text_[end])) {
    return Fail(end, "the number ends in something that is no unit of time: y w d h m s ms us ns");
  }
  if (whole) {
    int64_t value = 0;
    if (std::from_chars(first, last, value).ec != std::errc()) return Fail(at_, "the number is too large for 64 bits");
    token.literal.scalar = Value::Int(value);
  } else {
    double value = 0;
    if (std::from_chars(first, last, value).ec != std::errc()) return Fail(at_, "the number is out of range");
    token.literal.scalar = Value::Float(value);
  }
  at_ = end;
  return Finish(std::move(token), Kind::kLiteral);
}

Token Lexer::Duration(Token token) {
  // Whole numbers are exact, as they are printed; 1.5h is rounded to the nanosecond.
  int64_t sum = 0;
  while (IsDigit(Peek()) || (Peek() == '.' && IsDigit(Peek(1)))) {
    size_t end = at_;
    while (end < text_.size() && (IsDigit(text_[end]) || text_[end] == '.')) ++end;
    const Unit* unit = UnitAt(text_.substr(end));
    if (unit == nullptr) return Fail(end, "a unit of time is missing: y w d h m s ms us ns");
    const char* const first = text_.data() + at_;
    const char* const last = text_.data() + end;
    int64_t whole = 0, nanos = 0;
    double part = 0;
    bool fits = true;
    if (const auto read = std::from_chars(first, last, whole); read.ec == std::errc() && read.ptr == last) {
      fits = !__builtin_mul_overflow(whole, static_cast<int64_t>(unit->nanos), &nanos);
    } else if (const auto fraction = std::from_chars(first, last, part);
               fraction.ec == std::errc() && fraction.ptr == last) {
      const double exact = std::round(part * unit->nanos);
      fits = exact < 9.2e18;
      if (fits) nanos = static_cast<int64_t>(exact);
    } else {
      return Fail(at_, "the number of this duration cannot be read");
    }
    if (!fits || __builtin_add_overflow(sum, nanos, &sum))
      return Fail(token.offset, "the duration is longer than 292 years");
    at_ = end + unit->name.size();
  }
  if (ContinuesWord(Peek()))
    return Fail(at_, "the duration ends in something that is no unit of time: y w d h m s ms us ns");
  token.literal.scalar = Value::Duration(sum);
  return Finish(std::move(token), Kind::kLiteral);
}

Token Lexer::RawQuoted(Token token) {
  const size_t end = text_.find('`', at_ + 1);
  if (end == text_.npos) return Fail(at_, "the backtick is not closed");
  token.literal.scalar = Value::String({});
  token.literal.text = text_.substr(at_ + 1, end - at_ - 1);
  at_ = end + 1;
  return Finish(std::move(token), Kind::kLiteral);
}

Token Lexer::Quoted(Token token) {
  std::string text;
  for (++at_; Peek() != '"';) {
    if (at_ >= text_.size() || Peek() == '\n') return Fail(token.offset, "the quote is not closed", "\"");
    if (Peek() != '\\') {
      text += text_[at_++];
    } else if (!Escape(text)) {
      return Token{};
    }
  }
  ++at_;
  token.literal.scalar = Value::String({});
  token.literal.text = std::move(text);
  return Finish(std::move(token), Kind::kLiteral);
}

bool Lexer::Escape(std::string& text) {
  constexpr std::string_view kFrom = "abfnrtv\\\"", kTo = "\a\b\f\n\r\t\v\\\"";
  const size_t begin = at_;
  const char c = Peek(1);
  at_ += 2;
  if (const size_t simple = kFrom.find(c); c != '\0' && simple != kFrom.npos) {
    text += kTo[simple];
    return true;
  }
  if (c == 'u' && Unicode(4, text)) return true;
  if (c == 'U' && Unicode(8, text)) return true;
  if (c == 'x' || (c >= '0' && c <= '7')) {
    const size_t digits = c == 'x' ? 2 : 3;
    const size_t first = c == 'x' ? at_ : at_ - 1;
    unsigned byte = 0;
    const char* const end = text_.data() + std::min(first + digits, text_.size());
    const auto read = std::from_chars(text_.data() + first, end, byte, c == 'x' ? 16 : 8);
    if (read.ec == std::errc() && read.ptr == text_.data() + first + digits && byte < 256) {
      at_ = first + digits;
      text += static_cast<char>(byte);
      return true;
    }
  }
  Fail(begin, "this escape has no meaning; a backslash of a regular expression is doubled, or stands in `backticks`",
       c == '\0' ? "" : "\\\\" + std::string(1, c));
  return false;
}

bool Lexer::Unicode(size_t digits, std::string& text) {
  uint32_t code = 0;
  if (at_ + digits > text_.size()) return false;
  const char* const end = text_.data() + at_ + digits;
  const auto read = std::from_chars(text_.data() + at_, end, code, 16);
  if (read.ec != std::errc() || read.ptr != end || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
  AppendUtf8(code, text);
  at_ += digits;
  return true;
}

}  // namespace sightline::traceql
