#include "traceql/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/units.h"
#include "traceql/utf8.h"

namespace sightline::traceql {
namespace {

struct Word {
  std::string_view text;
  Value value;
};

const std::array kSpanWords = {
    Word{"true", Value::Bool(true)},       Word{"false", Value::Bool(false)}, Word{"unset", Value::Status(0)},
    Word{"ok", Value::Status(1)},          Word{"error", Value::Status(2)},   Word{"unspecified", Value::Kind(0)},
    Word{"internal", Value::Kind(1)},      Word{"server", Value::Kind(2)},    Word{"client", Value::Kind(3)},
    Word{"producer", Value::Kind(4)},      Word{"consumer", Value::Kind(5)},  Word{"minInt", Value::Int(INT64_MIN)},
    Word{"maxInt", Value::Int(INT64_MAX)},
};

const std::array kLogWords = {
    Word{"true", Value::Bool(true)},       Word{"false", Value::Bool(false)},     Word{"unset", Value::Severity(0)},
    Word{"trace", Value::Severity(1)},     Word{"debug", Value::Severity(2)},     Word{"info", Value::Severity(3)},
    Word{"warn", Value::Severity(4)},      Word{"error", Value::Severity(5)},     Word{"fatal", Value::Severity(6)},
    Word{"minInt", Value::Int(INT64_MIN)}, Word{"maxInt", Value::Int(INT64_MAX)},
};

std::span<const Word> Words(bool of_logs) {
  return of_logs ? std::span<const Word>(kLogWords) : std::span<const Word>(kSpanWords);
}

template <typename Array>
auto TextsOf(const Array& words) {
  std::array<std::string_view, std::tuple_size_v<Array>> texts;
  std::ranges::transform(words, texts.begin(), &Word::text);
  return texts;
}

std::string_view WordOf(std::span<const Word> words, const Value& value) {
  for (const Word& word : words)
    if (word.value.type == value.type && word.value.integer == value.integer) return word.text;
  return "";
}

// With a point or an exponent, so that it reads back as a float.
std::string PrintFloat(double number) {
  std::string text = fmt::format("{}", number);
  if (text.find_first_of(".en") == text.npos) text += ".0";
  return text;
}

std::string PrintSignedDuration(int64_t nanos) {
  if (nanos == 0) return "0s";
  if (nanos == INT64_MIN) return "-9223372036854775807ns";  // the nearest that can be written
  return nanos < 0                ? "-" + PrintDuration(-nanos)
         : nanos == kForeverNanos ? "9223372036854775807ns"
                                  : PrintDuration(nanos);
}

}  // namespace

std::string_view TypeName(Type type) {
  switch (type) {
    case Type::kNil:
      return "nil";
    case Type::kBool:
      return "true or false";
    case Type::kInt:
    case Type::kFloat:
      return "a number";
    case Type::kDuration:
      return "a duration";
    case Type::kString:
      return "a string";
    case Type::kStatus:
      return "a status";
    case Type::kKind:
      return "a kind";
    case Type::kSeverity:
      return "a severity";
    case Type::kArray:
      return "an array";
    case Type::kAny:
      return "an attribute";
  }
  return "";
}

bool IsNumber(Type type) {
  return type == Type::kInt || type == Type::kFloat || type == Type::kDuration;
}

bool Comparable(Type left, Type right) {
  if (left == right || (IsNumber(left) && IsNumber(right))) return true;
  for (const Type type : {left, right})
    if (type == Type::kAny || type == Type::kNil || type == Type::kArray) return true;
  return false;
}

Value Value::Whole(Type type, int64_t value) {
  Value made;
  made.type = type;
  made.integer = value;
  return made;
}

Value Value::Float(double value) {
  Value made;
  made.type = Type::kFloat;
  made.number = value;
  return made;
}

Value Value::String(std::string_view value) {
  Value made;
  made.type = Type::kString;
  made.text = value;
  return made;
}

Value Value::Array(std::span<const Value> values) {
  Value made;
  made.type = Type::kArray;
  made.elements = values;
  return made;
}

double Value::AsDouble() const {
  return type == Type::kFloat ? number : static_cast<double>(integer);
}

Value Literal::value() const {
  Value value = scalar;
  value.text = text;
  return value;
}

std::string PrintString(std::string_view text) {
  std::string quoted = "\"";
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    switch (c) {
      case '"':
      case '\\':
        quoted += '\\';
        quoted += c;
        break;
      case '\n':
        quoted += "\\n";
        break;
      case '\r':
        quoted += "\\r";
        break;
      case '\t':
        quoted += "\\t";
        break;
      default:
        const size_t length = CharacterBytes(text, i);
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || length == 0) {
          quoted += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        } else {
          quoted += text.substr(i, length);
          i += length - 1;
        }
    }
  }
  return quoted + '"';
}

std::string PrintedText(std::string_view literal) {
  std::string text;
  if (literal.size() < 2) return text;
  literal = literal.substr(1, literal.size() - 2);
  for (size_t i = 0; i < literal.size(); ++i) {
    if (literal[i] != '\\' || i + 1 == literal.size()) {
      text += literal[i];
      continue;
    }
    const char escaped = literal[++i];
    if (escaped == 'x' && i + 2 < literal.size()) {
      text += static_cast<char>(std::stoi(std::string(literal.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      text += escaped == 'n' ? '\n' : escaped == 'r' ? '\r' : escaped == 't' ? '\t' : escaped;
    }
  }
  return text;
}

std::string PrintValue(const Value& value) {
  switch (value.type) {
    case Type::kNil:
    case Type::kAny:
      return "nil";
    case Type::kInt:
      return value.integer == INT64_MIN ? "minInt" : std::to_string(value.integer);
    case Type::kFloat:
      return PrintFloat(value.number);
    case Type::kDuration:
      return PrintSignedDuration(value.integer);
    case Type::kString:
      return PrintString(value.text);
    case Type::kBool:
    case Type::kStatus:
    case Type::kKind:
      return std::string(WordOf(kSpanWords, value));
    case Type::kSeverity:
      return std::string(WordOf(kLogWords, value));
    case Type::kArray: {
      std::string list = "[";
      for (const Value& element : value.elements) list += (list.size() > 1 ? ", " : "") + PrintValue(element);
      return list + "]";
    }
  }
  return "";
}

Value LiteralWord(std::string_view word, bool of_logs) {
  const auto words = Words(of_logs);
  const auto found = std::ranges::find(words, word, &Word::text);
  return found == words.end() ? Value::Nil() : found->value;
}

std::span<const std::string_view> LiteralWords(bool of_logs) {
  static const auto spans = TextsOf(kSpanWords);
  static const auto logs = TextsOf(kLogWords);
  return of_logs ? std::span<const std::string_view>(logs) : std::span<const std::string_view>(spans);
}

int64_t SeverityLevel(int64_t severity_number) {
  return severity_number < 1 || severity_number > 24 ? 0 : (severity_number + 3) / 4;
}

}  // namespace sightline::traceql
