// Recursive descent over the text; one grammar for values and conditions, which a check of kinds tells apart.
#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/units.h"
#include "sample/ottl_ast.h"

namespace sightline::sample::ottl {
namespace {

using Op = Expression::Op;

struct Token {
  enum class Kind : uint8_t { kEnd, kName, kString, kInt, kFloat, kBytes, kSymbol } kind = Kind::kEnd;
  std::string text;  // of a string: without quotes and escapes
  size_t at = 0;
};

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool IsHexDigit(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Thread: one.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<Token> Next() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
    Token token{.at = at_};
    if (at_ == text_.size()) return token;
    const char c = text_[at_];
    if (IsLetter(c)) {
      token.kind = Token::Kind::kName;
      while (at_ < text_.size() && (IsLetter(text_[at_]) || IsDigit(text_[at_]))) token.text += text_[at_++];
      return token;
    }
    if (c == '"') return ReadString(std::move(token));
    if (IsDigit(c) || (c == '.' && at_ + 1 < text_.size() && IsDigit(text_[at_ + 1])))
      return ReadNumber(std::move(token));
    token.kind = Token::Kind::kSymbol;
    for (const std::string_view two : {"==", "!=", "<=", ">="}) {
      if (text_.substr(at_, 2) == two) {
        at_ += 2;
        token.text = two;
        return token;
      }
    }
    if (std::string_view("<>+-*/()[].,").find(c) == std::string_view::npos) {
      return Fail(Code::kInvalidArgument, "unexpected character '{}' at {}", c, at_ + 1);
    }
    ++at_;
    token.text = c;
    return token;
  }

 private:
  Result<Token> ReadString(Token token) {
    token.kind = Token::Kind::kString;
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] != '\\') {
        token.text += text_[at_];
        continue;
      }
      if (++at_ == text_.size()) break;
      // Go's unquoting; what it does not know is kept with its backslash, so that regular expressions stay readable.
      switch (text_[at_]) {
        case 'n':
          token.text += '\n';
          break;
        case 't':
          token.text += '\t';
          break;
        case 'r':
          token.text += '\r';
          break;
        case '"':
          token.text += '"';
          break;
        case '\\':
          token.text += '\\';
          break;
        default:
          token.text += '\\';
          token.text += text_[at_];
      }
    }
    if (at_ >= text_.size()) return Fail(Code::kInvalidArgument, "the text that begins at {} has no end", token.at + 1);
    ++at_;
    return token;
  }

  Result<Token> ReadNumber(Token token) {
    if (text_.substr(at_, 2) == "0x" && at_ + 2 < text_.size() && IsHexDigit(text_[at_ + 2])) {
      token.kind = Token::Kind::kBytes;
      for (at_ += 2; at_ < text_.size() && IsHexDigit(text_[at_]); ++at_) token.text += text_[at_];
      return token;
    }
    token.kind = Token::Kind::kInt;
    const auto digits = [&] {
      while (at_ < text_.size() && IsDigit(text_[at_])) token.text += text_[at_++];
    };
    digits();
    if (at_ < text_.size() && text_[at_] == '.') {
      token.kind = Token::Kind::kFloat;
      token.text += text_[at_++];
      digits();
      const std::string_view rest = text_.substr(at_);
      const size_t sign = rest.size() > 1 && (rest[1] == '-' || rest[1] == '+') ? 2 : 1;
      if (!rest.empty() && (rest[0] == 'e' || rest[0] == 'E') && rest.size() > sign && IsDigit(rest[sign])) {
        token.text += rest.substr(0, sign);
        at_ += sign;
        digits();
      }
    }
    return token;
  }

  std::string_view text_;
  size_t at_ = 0;
};

struct FunctionInfo {
  std::string_view name;
  Function function;
  uint8_t arguments;
  bool is_condition;  // gives true or false
};

constexpr FunctionInfo kFunctions[] = {
    {"IsMatch", Function::kIsMatch, 2, true},
    {"HasPrefix", Function::kHasPrefix, 2, true},
    {"HasSuffix", Function::kHasSuffix, 2, true},
    {"IsRootSpan", Function::kIsRootSpan, 0, true},
    {"IsString", Function::kIsString, 1, true},
    {"IsInt", Function::kIsInt, 1, true},
    {"IsBool", Function::kIsBool, 1, true},
    {"IsDouble", Function::kIsDouble, 1, true},
    {"IsMap", Function::kIsMap, 1, true},
    {"IsList", Function::kIsList, 1, true},
    {"Int", Function::kInt, 1, false},
    {"Double", Function::kDouble, 1, false},
    {"String", Function::kString, 1, false},
    {"Len", Function::kLen, 1, false},
    {"ToLowerCase", Function::kToLowerCase, 1, false},
    {"ToUpperCase", Function::kToUpperCase, 1, false},
    {"Substring", Function::kSubstring, 3, false},
    {"Duration", Function::kDuration, 1, false},
    {"Nanoseconds", Function::kNanoseconds, 1, false},
    {"Microseconds", Function::kMicroseconds, 1, false},
    {"Milliseconds", Function::kMilliseconds, 1, false},
    {"Seconds", Function::kSeconds, 1, false},
    {"UnixNano", Function::kUnixNano, 1, false},
    {"UnixMilli", Function::kUnixMilli, 1, false},
    {"TraceID", Function::kTraceId, 1, false},
    {"SpanID", Function::kSpanId, 1, false},
};

constexpr std::pair<std::string_view, int64_t> kEnums[] = {
    {"SPAN_KIND_UNSPECIFIED", 0}, {"SPAN_KIND_INTERNAL", 1}, {"SPAN_KIND_SERVER", 2},
    {"SPAN_KIND_CLIENT", 3},      {"SPAN_KIND_PRODUCER", 4}, {"SPAN_KIND_CONSUMER", 5},
    {"STATUS_CODE_UNSET", 0},     {"STATUS_CODE_OK", 1},     {"STATUS_CODE_ERROR", 2},
};

struct PathInfo {
  std::string_view name;
  Path path;
};

constexpr PathInfo kSpanPaths[] = {
    {"name", Path::kName},
    {"kind", Path::kKind},
    {"kind.string", Path::kKindString},
    {"kind.deprecated_string", Path::kKindDeprecatedString},
    {"status.code", Path::kStatusCode},
    {"status.message", Path::kStatusMessage},
    {"start_time_unix_nano", Path::kStartTimeNanos},
    {"end_time_unix_nano", Path::kEndTimeNanos},
    {"start_time", Path::kStartTime},
    {"end_time", Path::kEndTime},
    {"trace_state", Path::kTraceState},
    {"trace_id", Path::kTraceId},
    {"trace_id.string", Path::kTraceIdString},
    {"span_id", Path::kSpanId},
    {"span_id.string", Path::kSpanIdString},
    {"parent_span_id", Path::kParentSpanId},
    {"parent_span_id.string", Path::kParentSpanIdString},
    {"flags", Path::kFlags},
    {"dropped_attributes_count", Path::kDroppedAttributes},
    {"dropped_events_count", Path::kDroppedEvents},
    {"dropped_links_count", Path::kDroppedLinks},
};

constexpr PathInfo kEventPaths[] = {
    {"name", Path::kEventName},
    {"time_unix_nano", Path::kEventTimeNanos},
    {"time", Path::kEventTime},
    {"event_index", Path::kEventIndex},
    {"dropped_attributes_count", Path::kEventDroppedAttributes},
};

// Thread: one.
class Parser {
 public:
  Parser(std::string_view text, Context context, Keys keys) : lexer_(text), context_(context), keys_(keys) {}

  Result<Expression> Run() {
    SIGHTLINE_TRY(Advance());
    auto expression = Or(0);
    if (!expression) return expression;
    if (token_.kind != Token::Kind::kEnd) return Unexpected("the end");
    SIGHTLINE_TRY(WantCondition(*expression));
    return expression;
  }

 private:
  Result<void> Advance() {
    auto token = lexer_.Next();
    if (!token) return std::unexpected(token.error());
    token_ = *std::move(token);
    return {};
  }
  bool IsSymbol(std::string_view symbol) const { return token_.kind == Token::Kind::kSymbol && token_.text == symbol; }
  bool IsName(std::string_view name) const { return token_.kind == Token::Kind::kName && token_.text == name; }
  std::unexpected<Error> Unexpected(std::string_view wanted) const {
    return Fail(Code::kInvalidArgument, "expected {} at {}, found {}", wanted, token_.at + 1,
                token_.kind == Token::Kind::kEnd ? std::string("the end") : fmt::format("\"{}\"", token_.text));
  }
  Result<void> Want(std::string_view symbol) {
    if (!IsSymbol(symbol)) return Unexpected(fmt::format("\"{}\"", symbol));
    return Advance();
  }
  Result<void> CountNode(int depth) {
    if (++nodes_ > kNodesMax) return Fail(Code::kInvalidArgument, "more than {} parts", kNodesMax);
    if (depth > kDepthMax) return Fail(Code::kInvalidArgument, "nested deeper than {}", kDepthMax);
    return {};
  }

  static bool IsCondition(const Expression& expression);
  static bool IsComparison(Op op) { return op >= Op::kEqual && op <= Op::kGreaterOrEqual; }
  Result<void> WantCondition(const Expression& expression) const;
  Result<void> WantValue(const Expression& expression) const;
  static Expression Make(Op op, Expression left, Expression right);

  Result<Expression> Or(int depth);
  Result<Expression> And(int depth);
  Result<Expression> Not(int depth);
  Result<Expression> Comparison(int depth);
  Result<Expression> Sum(int depth);
  Result<Expression> Product(int depth);
  Result<Expression> Unary(int depth);
  Result<Expression> Primary(int depth);
  Result<Expression> Literal();
  Result<Expression> Name(int depth);
  Result<Expression> Call(const FunctionInfo& info, int depth);
  Result<Expression> PathExpression(std::string name, size_t at);
  Result<Expression> ResolvePath(std::string name, const std::string* key, size_t at);

  Lexer lexer_;
  Token token_;
  Context context_;
  Keys keys_;
  size_t nodes_ = 0;
};

bool Parser::IsCondition(const Expression& expression) {
  switch (expression.op) {
    case Op::kLiteral:
      return expression.literal.type == Value::Type::kBool;
    case Op::kCall:
      for (const FunctionInfo& info : kFunctions) {
        if (info.function == expression.function) return info.is_condition;
      }
      return false;
    case Op::kNot:
    case Op::kAnd:
    case Op::kOr:
      return true;
    default:
      return IsComparison(expression.op);
  }
}

Result<void> Parser::WantCondition(const Expression& expression) const {
  if (IsCondition(expression)) return {};
  return Fail(Code::kInvalidArgument, "expected a condition before {}: compare the value with something",
              token_.at + 1);
}

Result<void> Parser::WantValue(const Expression& expression) const {
  if (expression.op < Op::kEqual) return {};
  return Fail(Code::kInvalidArgument, "expected a value before {}, not a condition", token_.at + 1);
}

Expression Parser::Make(Op op, Expression left, Expression right) {
  Expression expression{.op = op};
  expression.operands.push_back(std::move(left));
  expression.operands.push_back(std::move(right));
  return expression;
}

Result<Expression> Parser::Or(int depth) {
  SIGHTLINE_TRY(CountNode(depth));
  auto left = And(depth + 1);
  while (left && IsName("or")) {
    SIGHTLINE_TRY(WantCondition(*left));
    SIGHTLINE_TRY(Advance());
    auto right = And(depth + 1);
    if (!right) return right;
    SIGHTLINE_TRY(WantCondition(*right));
    left = Make(Op::kOr, *std::move(left), *std::move(right));
  }
  return left;
}

Result<Expression> Parser::And(int depth) {
  auto left = Not(depth);
  while (left && IsName("and")) {
    SIGHTLINE_TRY(WantCondition(*left));
    SIGHTLINE_TRY(Advance());
    auto right = Not(depth);
    if (!right) return right;
    SIGHTLINE_TRY(WantCondition(*right));
    left = Make(Op::kAnd, *std::move(left), *std::move(right));
  }
  return left;
}

Result<Expression> Parser::Not(int depth) {
  SIGHTLINE_TRY(CountNode(depth));
  if (!IsName("not")) return Comparison(depth);
  SIGHTLINE_TRY(Advance());
  auto operand = Not(depth + 1);
  if (!operand) return operand;
  SIGHTLINE_TRY(WantCondition(*operand));
  Expression expression{.op = Op::kNot};
  expression.operands.push_back(*std::move(operand));
  return expression;
}

Result<Expression> Parser::Comparison(int depth) {
  auto left = Sum(depth);
  if (!left) return left;
  constexpr std::pair<std::string_view, Op> kOperators[] = {{"==", Op::kEqual},  {"!=", Op::kNotEqual},
                                                            {"<", Op::kLess},    {"<=", Op::kLessOrEqual},
                                                            {">", Op::kGreater}, {">=", Op::kGreaterOrEqual}};
  for (const auto& [symbol, op] : kOperators) {
    if (!IsSymbol(symbol)) continue;
    SIGHTLINE_TRY(WantValue(*left));
    SIGHTLINE_TRY(Advance());
    auto right = Sum(depth);
    if (!right) return right;
    SIGHTLINE_TRY(WantValue(*right));
    return Make(op, *std::move(left), *std::move(right));
  }
  return left;
}

Result<Expression> Parser::Sum(int depth) {
  auto left = Product(depth);
  while (left && (IsSymbol("+") || IsSymbol("-"))) {
    const Op op = IsSymbol("+") ? Op::kAdd : Op::kSubtract;
    SIGHTLINE_TRY(WantValue(*left));
    SIGHTLINE_TRY(Advance());
    auto right = Product(depth);
    if (!right) return right;
    SIGHTLINE_TRY(WantValue(*right));
    left = Make(op, *std::move(left), *std::move(right));
  }
  return left;
}

Result<Expression> Parser::Product(int depth) {
  auto left = Unary(depth);
  while (left && (IsSymbol("*") || IsSymbol("/"))) {
    const Op op = IsSymbol("*") ? Op::kMultiply : Op::kDivide;
    SIGHTLINE_TRY(WantValue(*left));
    SIGHTLINE_TRY(Advance());
    auto right = Unary(depth);
    if (!right) return right;
    SIGHTLINE_TRY(WantValue(*right));
    left = Make(op, *std::move(left), *std::move(right));
  }
  return left;
}

Result<Expression> Parser::Unary(int depth) {
  SIGHTLINE_TRY(CountNode(depth));
  if (!IsSymbol("-") && !IsSymbol("+")) return Primary(depth);
  const bool negates = IsSymbol("-");
  SIGHTLINE_TRY(Advance());
  auto operand = Unary(depth + 1);
  if (!operand) return operand;
  SIGHTLINE_TRY(WantValue(*operand));
  if (!negates) return operand;
  Expression expression{.op = Op::kNegate};
  expression.operands.push_back(*std::move(operand));
  return expression;
}

Result<Expression> Parser::Primary(int depth) {
  if (IsSymbol("(")) {
    SIGHTLINE_TRY(Advance());
    auto inner = Or(depth + 1);
    if (!inner) return inner;
    SIGHTLINE_TRY(Want(")"));
    return inner;
  }
  if (token_.kind == Token::Kind::kName) return Name(depth);
  return Literal();
}

Result<Expression> Parser::Literal() {
  Expression expression;
  expression.text = token_.text;
  const char* const end = token_.text.data() + token_.text.size();
  switch (token_.kind) {
    case Token::Kind::kString:
      expression.literal.type = Value::Type::kString;
      break;
    case Token::Kind::kInt:
      expression.literal.type = Value::Type::kInt;
      if (std::from_chars(token_.text.data(), end, expression.literal.number).ec != std::errc()) {
        return Fail(Code::kInvalidArgument, "{} at {} is beyond 64 bits", token_.text, token_.at + 1);
      }
      break;
    case Token::Kind::kFloat:
      expression.literal.type = Value::Type::kFloat;
      if (std::from_chars(token_.text.data(), end, expression.literal.real).ec != std::errc()) {
        return Fail(Code::kInvalidArgument, "{} at {} is no number", token_.text, token_.at + 1);
      }
      break;
    case Token::Kind::kBytes:
      expression.literal.type = Value::Type::kBytes;
      if (token_.text.size() % 2 != 0) return Fail(Code::kInvalidArgument, "0x{} has half a byte", token_.text);
      expression.text.clear();
      for (size_t i = 0; i < token_.text.size(); i += 2) {
        uint8_t byte = 0;
        std::from_chars(token_.text.data() + i, token_.text.data() + i + 2, byte, 16);
        expression.text += static_cast<char>(byte);
      }
      break;
    default:
      return Unexpected("a value");
  }
  SIGHTLINE_TRY(Advance());
  return expression;
}

Result<Expression> Parser::Name(int depth) {
  const std::string name = token_.text;
  const size_t at = token_.at;
  SIGHTLINE_TRY(Advance());
  if (name == "true" || name == "false") return Expression{.literal = Value::Bool(name == "true")};
  if (name == "nil") return Expression{};
  for (const FunctionInfo& info : kFunctions) {
    if (info.name == name) return Call(info, depth);
  }
  for (const auto& [symbol, number] : kEnums) {
    if (symbol == name) return Expression{.literal = Value::Int(number)};
  }
  if (name[0] >= 'A' && name[0] <= 'Z') {
    std::string known;
    for (const FunctionInfo& info : kFunctions) known += (known.empty() ? "" : ", ") + std::string(info.name);
    return Fail(Code::kInvalidArgument, "unknown function or enum \"{}\" at {}; functions are {}", name, at + 1, known);
  }
  return PathExpression(name, at);
}

Result<Expression> Parser::Call(const FunctionInfo& info, int depth) {
  Expression call{.op = Op::kCall, .function = info.function};
  SIGHTLINE_TRY(Want("("));
  while (!IsSymbol(")")) {
    if (!call.operands.empty()) SIGHTLINE_TRY(Want(","));
    auto argument = Sum(depth + 1);
    if (!argument) return argument;
    SIGHTLINE_TRY(WantValue(*argument));
    call.operands.push_back(*std::move(argument));
  }
  SIGHTLINE_TRY(Advance());
  if (call.operands.size() != info.arguments) {
    return Fail(Code::kInvalidArgument, "{} takes {} arguments, not {}", info.name, info.arguments,
                call.operands.size());
  }
  const auto literal_text = [&](size_t i) {
    return call.operands[i].op == Op::kLiteral && call.operands[i].literal.type == Value::Type::kString;
  };
  if (info.function == Function::kIsMatch) {
    if (!literal_text(1)) return Fail(Code::kInvalidArgument, "the pattern of IsMatch must be a text");
    auto pattern = TextMatcher::Regex({call.operands[1].text});
    if (!pattern) return std::unexpected(pattern.error());
    call.pattern = *std::move(pattern);
  }
  if (info.function == Function::kDuration) {
    if (!literal_text(0))
      return Fail(Code::kInvalidArgument, "the argument of Duration must be a text such as \"1.5s\"");
    const Result<int64_t> nanos = ParseDuration(call.operands[0].text);
    if (!nanos) return std::unexpected(nanos.error());
    return Expression{.literal = Value::Duration(*nanos)};
  }
  if (info.function == Function::kIsRootSpan && context_ == Context::kSpanEvent) {
    return Fail(Code::kInvalidArgument, "IsRootSpan is for conditions on spans");
  }
  return call;
}

// name(.name)*, then possibly ["key"].
Result<Expression> Parser::PathExpression(std::string name, size_t at) {
  while (IsSymbol(".")) {
    SIGHTLINE_TRY(Advance());
    if (token_.kind != Token::Kind::kName) return Unexpected("a name");
    name += "." + token_.text;
    SIGHTLINE_TRY(Advance());
  }
  if (!IsSymbol("[")) return ResolvePath(std::move(name), nullptr, at);
  SIGHTLINE_TRY(Advance());
  if (token_.kind != Token::Kind::kString) return Unexpected("a key in quotes");
  const std::string key = token_.text;
  SIGHTLINE_TRY(Advance());
  SIGHTLINE_TRY(Want("]"));
  if (IsSymbol("["))
    return Fail(Code::kInvalidArgument, "values inside of values are not supported (at {})", token_.at + 1);
  return ResolvePath(std::move(name), &key, at);
}

Result<Expression> Parser::ResolvePath(std::string name, const std::string* key, size_t at) {
  Expression expression{.op = Op::kPath};
  bool of_event = context_ == Context::kSpanEvent;
  if (name.starts_with("resource.")) {
    if (name == "resource.attributes" && key != nullptr) {
      expression.path = Path::kResourceAttribute;
      expression.slot = keys_.resource.Add(*key);
      return expression;
    }
    return Fail(Code::kInvalidArgument, "of a resource only resource.attributes[\"...\"] is supported (at {})", at + 1);
  }
  if (name.starts_with("spanevent.") && of_event) {
    name.erase(0, std::string_view("spanevent.").size());
  } else if (name.starts_with("span.")) {
    name.erase(0, std::string_view("span.").size());
    of_event = false;
  }
  if (name == "attributes" && key != nullptr) {
    expression.path = of_event ? Path::kEventAttribute : Path::kSpanAttribute;
    expression.slot = of_event ? keys_.event.Add(*key) : keys_.span.Add(*key);
    return expression;
  }
  if (name == "trace_state" && key != nullptr && !of_event) {
    expression.path = Path::kTraceStateMember;
    expression.text = *key;
    return expression;
  }
  const std::span<const PathInfo> paths = of_event ? std::span<const PathInfo>(kEventPaths) : kSpanPaths;
  for (const PathInfo& info : paths) {
    if (info.name != name || key != nullptr) continue;
    expression.path = info.path;
    return expression;
  }
  std::string known = "attributes[\"...\"], resource.attributes[\"...\"]";
  for (const PathInfo& info : paths) known += ", " + std::string(info.name);
  return Fail(Code::kInvalidArgument, "unknown path \"{}\" at {}; known are {}", name, at + 1, known);
}

}  // namespace

Result<Expression> Parse(std::string_view text, Context context, Keys keys) {
  return Parser(text, context, keys).Run();
}

}  // namespace sightline::sample::ottl
