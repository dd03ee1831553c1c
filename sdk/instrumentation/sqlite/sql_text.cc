#include "sql_text.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace otel::instrumentation {
namespace {

bool IsSpace(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsWordChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || IsDigit(c) || c == '_' || c == '$' || (c & 0x80) != 0;
}

struct Token {
  enum class Kind { kEnd, kLiteral, kName, kQuotedName, kParameter, kSign };
  Kind kind = Kind::kEnd;
  std::string_view text;
  bool after_space = false;  // or after a comment
};

// https://www.sqlite.org/lang_keywords.html and src/tokenize.c say what SQLite takes for what.
class Lexer {
 public:
  explicit Lexer(std::string_view sql) : rest_(sql.substr(0, kSqlReadBytesMax)) {}

  Token Next() {
    const bool space = SkipSpace();
    if (rest_.empty()) return {};
    const char c = rest_[0], next = At(1);
    if (c == '\'') return Take(Token::Kind::kLiteral, Quoted(0, '\''), space);
    if ((c == 'x' || c == 'X') && next == '\'') return Take(Token::Kind::kLiteral, Quoted(1, '\''), space);
    if (IsDigit(c) || (c == '.' && IsDigit(next))) return Take(Token::Kind::kLiteral, Number(), space);
    if (c == '"' || c == '`') return Take(Token::Kind::kQuotedName, Quoted(0, c), space);
    if (c == '[') return Take(Token::Kind::kQuotedName, Until("]", 1), space);
    if (c == '?' || ((c == ':' || c == '@' || c == '$' || c == '#') && IsWordChar(next))) {
      return Take(Token::Kind::kParameter, Word(1), space);
    }
    if (IsWordChar(c)) return Take(Token::Kind::kName, Word(0), space);
    return Take(Token::Kind::kSign, 1, space);
  }

 private:
  char At(size_t i) const { return i < rest_.size() ? rest_[i] : '\0'; }

  bool SkipSpace() {
    const size_t before = rest_.size();
    for (;;) {
      size_t size = 0;
      while (size < rest_.size() && IsSpace(rest_[size])) ++size;
      if (size == 0 && rest_.starts_with("--")) size = Until("\n", 2);
      if (size == 0 && rest_.starts_with("/*")) size = Until("*/", 2);
      if (size == 0) return rest_.size() != before;
      rest_.remove_prefix(size);
    }
  }
  // Up to and with `end`; all of it where that is missing.
  size_t Until(std::string_view end, size_t from) const {
    const size_t found = rest_.find(end, from);
    return found == std::string_view::npos ? rest_.size() : found + end.size();
  }
  // A quote within is written twice.
  size_t Quoted(size_t open, char quote) const {
    for (size_t i = open + 1; i < rest_.size(); ++i) {
      if (rest_[i] != quote) continue;
      if (At(i + 1) != quote) return i + 1;
      ++i;
    }
    return rest_.size();
  }
  size_t Number() const {
    size_t i = 0;
    for (; i < rest_.size(); ++i) {
      const bool signed_exponent =
          (rest_[i] == '+' || rest_[i] == '-') && i > 0 && (rest_[i - 1] == 'e' || rest_[i - 1] == 'E');
      if (!IsWordChar(rest_[i]) && rest_[i] != '.' && !(signed_exponent && IsDigit(At(i + 1)) && !IsHex())) break;
    }
    return i;
  }
  bool IsHex() const { return rest_[0] == '0' && (At(1) == 'x' || At(1) == 'X'); }
  size_t Word(size_t from) const {
    size_t i = from;
    while (i < rest_.size() && IsWordChar(rest_[i])) ++i;
    return i;
  }
  Token Take(Token::Kind kind, size_t size, bool space) {
    const Token token{kind, rest_.substr(0, size), space};
    rest_.remove_prefix(size);
    return token;
  }

  std::string_view rest_;
};

// Of a name that is not quoted, compared without case.
bool Is(const Token& token, std::string_view word) {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  return token.kind == Token::Kind::kName && std::ranges::equal(token.text, word, {}, upper);
}
template <size_t kSize>
bool IsOneOf(const Token& token, const std::array<std::string_view, kSize>& words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return Is(token, word); });
}
bool IsSign(const Token& token, char sign) {
  return token.kind == Token::Kind::kSign && token.text[0] == sign;
}

// Writes db.query.text.
class TextWriter {
 public:
  // False where there is no more room.
  bool Add(const Token& token) {
    Track(token);
    const bool value = IsValue(token);
    const std::string_view piece = value ? "?" : token.text;
    // "IN (?, ?, ?)" becomes "IN (?)", so that its length makes no new text.
    const bool placeholder = value || piece == "?";
    const bool again = placeholder && !lists_.empty() && lists_.back() == List::kIn && EndsWithPlaceholderAndComma();
    if (again) {
      text_.resize(text_.rfind(','));
    } else {
      if (text_.size() + 1 + piece.size() > kSqlTextBytesMax) return false;
      if (token.after_space && !text_.empty()) text_ += ' ';
      text_ += piece;
    }
    previous_ = token;
    return true;
  }
  std::string Take() { return std::move(text_); }

 private:
  enum class List { kOther, kIn, kValues };

  void Track(const Token& token) {
    if (IsSign(token, '(')) {
      if (lists_.size() >= kDepthMax) return;
      const bool values = Is(previous_, "VALUES") || (IsSign(previous_, ',') && after_values_);
      lists_.push_back(Is(previous_, "IN") ? List::kIn : values ? List::kValues : List::kOther);
      if (values) after_values_ = false;
    } else if (IsSign(token, ')') && !lists_.empty()) {
      after_values_ = lists_.back() == List::kValues;
      lists_.pop_back();
    } else if (Is(token, "SELECT") && !lists_.empty()) {
      lists_.back() = List::kOther;
    }
  }
  bool IsValue(const Token& token) const {
    if (token.kind == Token::Kind::kLiteral) return true;
    if (Is(token, "TRUE") || Is(token, "FALSE")) return true;
    if (token.kind != Token::Kind::kQuotedName || token.text[0] != '"') return false;
    if (!lists_.empty() && lists_.back() != List::kOther) return true;
    static constexpr std::array<std::string_view, 5> kBeforeValues = {"LIKE", "GLOB", "MATCH", "REGEXP", "ESCAPE"};
    if (IsOneOf(previous_, kBeforeValues)) return true;
    return previous_.kind == Token::Kind::kSign &&
           std::string_view("=<>|").find(previous_.text[0]) != std::string_view::npos;
  }
  bool EndsWithPlaceholderAndComma() const { return text_.ends_with("?,") || text_.ends_with("? ,"); }

  static constexpr size_t kDepthMax = 1000;

  std::string text_;
  std::vector<List> lists_;  // in which the next token lies
  Token previous_;
  bool after_values_ = false;  // a list of VALUES has just ended
};

// Writes db.query.summary.
class SummaryWriter {
 public:
  void Add(const Token& token) {
    if (token.kind == Token::Kind::kEnd) return FinishTarget();
    if (IsSign(token, ';') && state_ != State::kDone) {
      FinishTarget();
      if (state_ == State::kDone) return;
      state_ = State::kStart;
      first_ = {};
      depth_ = 0;
    } else if (continues_name_) {
      AddToName(token);
    } else {
      AddToken(token);
    }
    previous_ = token;
  }
  std::string TakeOperation() { return std::move(operation_); }
  std::string TakeSummary() { return std::move(summary_); }

 private:
  enum class State { kStart, kObject, kOther, kTarget, kAfterTarget, kDone };

  void AddToken(const Token& token) {
    if (IsSign(token, '(')) ++depth_;
    if (state_ == State::kDone) return;
    if (IsSign(token, ')')) {
      if (depth_ > 0) --depth_;
      state_ = State::kOther;
      return;
    }
    if (token.kind == Token::Kind::kName && !IsSign(previous_, '.') && AddKeyword(token)) return;
    const bool name = token.kind == Token::Kind::kName || token.kind == Token::Kind::kQuotedName ||
                      (token.kind == Token::Kind::kLiteral && token.text[0] == '\'');
    if (state_ == State::kTarget) {
      if (!name) {
        state_ = State::kOther;
        return;
      }
      // What stands in quotes may be of any length, and may hold a value.
      target_ = token.text;
      continues_name_ = true;
    } else if (state_ == State::kAfterTarget && IsSign(token, ',') && lists_targets_) {
      state_ = State::kTarget;
    }
  }

  // schema.table
  void AddToName(const Token& token) {
    if (IsSign(token, '.') || IsSign(previous_, '.')) {
      target_ += token.text;
      return;
    }
    FinishTarget();
    AddToken(token);
  }
  void FinishTarget() {
    if (!continues_name_) return;
    continues_name_ = false;
    Append(target_);
    state_ = is_trigger_ ? State::kDone : State::kAfterTarget;
  }

  // True where the word is one that the summary knows.
  bool AddKeyword(const Token& token) {
    static constexpr std::array<std::string_view, 5> kWithTargets = {"INSERT", "UPDATE", "DELETE", "REPLACE", "PRAGMA"};
    static constexpr std::array<std::string_view, 3> kWithObjects = {"CREATE", "DROP", "ALTER"};
    static constexpr std::array<std::string_view, 12> kObjectNoise = {
        "TEMP", "TEMPORARY", "UNIQUE", "VIRTUAL", "IF", "NOT", "EXISTS", "OR", "ROLLBACK", "ABORT", "FAIL", "IGNORE"};
    static constexpr std::array<std::string_view, 4> kObjects = {"TABLE", "INDEX", "VIEW", "TRIGGER"};
    const bool begins = state_ == State::kStart || (depth_ == 0 && !has_main_ && (Is(first_, "WITH") || explains_));
    if (Is(token, "SELECT")) {
      Operation(token.text, depth_ == 0);
      lists_targets_ = true;
      state_ = State::kOther;
    } else if (begins && IsOneOf(token, kWithTargets)) {
      Operation(token.text, true);
      state_ = Is(token, "UPDATE") || Is(token, "PRAGMA") ? State::kTarget : State::kOther;
      lists_targets_ = false;
    } else if (begins && IsOneOf(token, kWithObjects)) {
      pending_operation_ = token.text;
      state_ = State::kObject;
    } else if (state_ == State::kObject && IsOneOf(token, kObjects)) {
      is_trigger_ = Is(token, "TRIGGER");
      pending_operation_ += ' ';
      pending_operation_ += token.text;
      Operation(pending_operation_, true);
      state_ = State::kTarget;
    } else if (state_ == State::kStart) {
      first_ = token;
      explains_ = Is(token, "EXPLAIN");
      if (explains_) operation_ = token.text;
      if (!Is(token, "WITH")) Operation(token.text, !explains_);
      state_ = State::kOther;
    } else if ((state_ == State::kTarget || state_ == State::kObject) && IsOneOf(token, kObjectNoise)) {
      // UPDATE OR IGNORE t, CREATE TABLE IF NOT EXISTS t
    } else if (Is(token, "INTO") || Is(token, "JOIN") || (Is(token, "FROM") && !Is(previous_, "DISTINCT"))) {
      state_ = State::kTarget;
    } else {
      static constexpr std::array<std::string_view, 8> kEndTargets = {"WHERE", "GROUP", "ORDER",  "LIMIT",
                                                                      "SET",   "ON",    "VALUES", "HAVING"};
      if (!IsOneOf(token, kEndTargets)) return false;
      state_ = State::kOther;
    }
    return true;
  }

  void Operation(std::string_view name, bool is_main) {
    if (is_main && !has_main_) {
      if (operation_.empty()) operation_ = name.substr(0, kSqlSummaryBytesMax);
      has_main_ = true;
    }
    Append(name);
  }
  void Append(std::string_view item) {
    if (full_ || item.empty()) return;
    if (summary_.size() + !summary_.empty() + item.size() > kSqlSummaryBytesMax) {
      full_ = true;
      return;
    }
    if (!summary_.empty()) summary_ += ' ';
    summary_ += item;
  }

  std::string summary_, operation_, pending_operation_, target_;
  State state_ = State::kStart;
  Token first_, previous_;
  size_t depth_ = 0;
  bool has_main_ = false, explains_ = false, is_trigger_ = false, continues_name_ = false, lists_targets_ = false;
  bool full_ = false;
};

}  // namespace

SqlDescription DescribeSql(std::string_view sql) {
  Lexer lexer(sql);
  TextWriter text;
  SummaryWriter summary;
  for (bool room = true;;) {
    const Token token = lexer.Next();
    summary.Add(token);
    if (token.kind == Token::Kind::kEnd) break;
    room = room && text.Add(token);
  }
  return {.text = text.Take(), .operation = summary.TakeOperation(), .summary = summary.TakeSummary()};
}

}  // namespace otel::instrumentation
