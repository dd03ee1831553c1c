#include "query/metric_formula.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

namespace sightline::query {

struct Formula::Node {
  enum class Kind : uint8_t {
    kNumber,
    kName,
    kNegate,
    kAdd,
    kSubtract,
    kMultiply,
    kDivide,
    kAbs,
    kMin,
    kMax,
    kClamp,  // only of a call: it becomes kMin and kMax
    kOr
  };
  Kind kind = Kind::kNumber;
  double number = 0;
  std::string name;
  std::vector<Node> operands;  // at most two
  int held = 0;                // results that are held at once while it is computed
};

namespace {

using Node = Formula::Node;
using Kind = Node::Kind;

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kUnbounded = std::numeric_limits<size_t>::max();

struct Function {
  std::string_view name;
  Kind kind;
  size_t operands_min, operands_max;
};
constexpr Function kFunctions[] = {{"abs", Kind::kAbs, 1, 1},
                                   {"min", Kind::kMin, 2, kUnbounded},
                                   {"max", Kind::kMax, 2, kUnbounded},
                                   {"clamp", Kind::kClamp, 3, 3},
                                   {"or", Kind::kOr, 2, 2}};

bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// By recursive descent; throws FormulaError. Thread: of its owner.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Node Run() {
    Node node = Sum();
    if (!AtEnd()) Refuse("an operator is wanted");
    return node;
  }
  std::vector<std::string> TakeNames() { return std::move(names_); }

 private:
  [[noreturn]] void Refuse(std::string message) { throw FormulaError{at_ + 1, std::move(message)}; }

  void SkipSpaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) ++at_;
  }
  bool AtEnd() {
    SkipSpaces();
    return at_ == text_.size();
  }
  char Next() { return AtEnd() ? '\0' : text_[at_]; }
  bool Take(char wanted) {
    if (Next() != wanted) return false;
    ++at_;
    return true;
  }
  void Deeper() {
    if (++depth_ > kFormulaDepthMax) Refuse(fmt::format("it is nested more than {} deep", kFormulaDepthMax));
  }

  void CountOperator() {
    if (++operators_ > kFormulaOperatorsMax) Refuse(fmt::format("it has more than {} operators", kFormulaOperatorsMax));
  }

  // `chars` are the operators, of one precedence, that `kinds` name.
  template <typename Operand>
  Node Chain(std::string_view chars, std::initializer_list<Kind> kinds, Operand operand) {
    Node left = operand();
    while (!AtEnd()) {
      const size_t place = chars.find(text_[at_]);
      if (place == chars.npos) break;
      ++at_;
      CountOperator();
      Node right = operand();
      left = Joined(*(kinds.begin() + place), std::move(left), std::move(right));
    }
    return left;
  }
  Node Sum() {
    return Chain("+-", {Kind::kAdd, Kind::kSubtract}, [this] { return Product(); });
  }
  Node Product() {
    return Chain("*/", {Kind::kMultiply, Kind::kDivide}, [this] { return Signed(); });
  }
  Node Signed() {
    Deeper();
    Node node;
    if (Take('-')) {
      node = Joined(Kind::kNegate, Signed());
    } else {
      node = Primary();
    }
    --depth_;
    return node;
  }
  Node Primary() {
    const char next = Next();
    if (next == '(') {
      ++at_;
      Node node = Sum();
      if (!Take(')')) Refuse("a ) is wanted");
      return node;
    }
    if (IsDigit(next) || next == '.') return Number();
    if (IsLetter(next)) return NameOrCall();
    Refuse(next == '\0' ? "a name or a number is wanted behind it" : "a name or a number is wanted");
  }
  Node Number() {
    Node node{.kind = Kind::kNumber, .held = 1};
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), node.number);
    if (error != std::errc()) Refuse("this is no number");
    at_ = static_cast<size_t>(end - text_.data());
    return node;
  }
  Node NameOrCall() {
    const size_t begin = at_;
    while (at_ < text_.size() && (IsLetter(text_[at_]) || IsDigit(text_[at_]) || text_[at_] == '_')) ++at_;
    const std::string_view word = text_.substr(begin, at_ - begin);
    if (Next() != '(') {
      if (std::ranges::find(names_, word) == names_.end()) names_.emplace_back(word);
      return {.kind = Kind::kName, .name = std::string(word)};
    }
    const auto function = std::ranges::find(kFunctions, word, &Function::name);
    if (function == std::end(kFunctions)) {
      at_ = begin;
      Refuse(fmt::format("there is no function {}: abs, min, max, clamp and or are known", word));
    }
    ++at_;
    std::vector<Node> operands;
    do {
      CountOperator();
      operands.push_back(Sum());
    } while (Take(','));
    if (!Take(')')) Refuse("a ) or , is wanted");
    if (operands.size() < function->operands_min || operands.size() > function->operands_max) {
      at_ = begin;
      Refuse(fmt::format("{} takes {}{}", word, function->operands_min,
                         function->operands_max == kUnbounded ? " or more" : ""));
    }
    if (function->kind == Kind::kAbs) return Joined(Kind::kAbs, std::move(operands[0]));
    if (function->kind == Kind::kClamp) {
      Node raised = Joined(Kind::kMax, std::move(operands[0]), std::move(operands[1]));
      return Joined(Kind::kMin, std::move(raised), std::move(operands[2]));
    }
    Node node = std::move(operands[0]);
    for (size_t i = 1; i < operands.size(); ++i) node = Joined(function->kind, std::move(node), std::move(operands[i]));
    return node;
  }

  static Node Joined(Kind kind, Node operand) {
    Node node{.kind = kind, .held = std::max(operand.held, 1)};
    node.operands.push_back(std::move(operand));
    return node;
  }
  // The side that holds more is computed first: then its result alone is held while the other one is.
  static Node Joined(Kind kind, Node left, Node right) {
    const auto [least, most] = std::minmax(left.held, right.held);
    Node node{.kind = kind, .held = std::max({most, least + (most > 0 ? 1 : 0), 1})};
    node.operands.push_back(std::move(left));
    node.operands.push_back(std::move(right));
    return node;
  }

  const std::string_view text_;
  size_t at_ = 0, operators_ = 0;
  int depth_ = 0;
  std::vector<std::string> names_;
};

double Apply(Kind kind, double a, double b) {
  if (kind == Kind::kOr) return std::isnan(a) ? b : a;
  if (std::isnan(a) || std::isnan(b)) return kNone;
  switch (kind) {
    case Kind::kAdd:
      return a + b;
    case Kind::kSubtract:
      return a - b;
    case Kind::kMultiply:
      return a * b;
    case Kind::kDivide:
      return b == 0 ? kNone : a / b;
    case Kind::kMin:
      return std::min(a, b);
    default:
      return std::max(a, b);
  }
}

// Thread: of its owner.
class Computer {
 public:
  using Series = std::vector<MetricSeries>;

  Computer(const std::vector<NamedSeries>& named, size_t steps) : named_(named), steps_(steps) {}

  Series Run(const Node& node) {
    if (node.kind == Kind::kName) return Named(node);
    return Compute(node);
  }

 private:
  // What has a name is borrowed, a result is held in `room`.
  const Series& Of(const Node& node, Series& room) {
    if (node.kind == Kind::kName) return Named(node);
    return room = Compute(node);
  }
  const Series& Named(const Node& node) const {
    return std::ranges::find(named_, node.name, &NamedSeries::name)->series;
  }

  Series Compute(const Node& node) {
    switch (node.kind) {
      case Kind::kNumber:
        return {{{}, std::vector<double>(steps_, node.number)}};
      case Kind::kNegate:
        return Each(Run(node.operands[0]), [](double value) { return -value; });
      case Kind::kAbs:
        return Each(Run(node.operands[0]), [](double value) { return std::abs(value); });
      default:
        break;
    }
    const Node &left = node.operands[0], &right = node.operands[1];
    Series left_room, right_room;
    if (left.held >= right.held) {
      const Series& first = Of(left, left_room);
      return Both(node.kind, first, Of(right, right_room));
    }
    const Series& first = Of(right, right_room);
    return Both(node.kind, Of(left, left_room), first);
  }

  template <typename Change>
  static Series Each(Series series, Change change) {
    for (auto& one : series) std::ranges::transform(one.values, one.values.begin(), change);
    return series;
  }
  static bool IsAlone(const Series& series) { return series.size() == 1 && series.front().labels.empty(); }
  MetricSeries Pair(Kind kind, const MetricSeries& a, const MetricSeries& b) const {
    MetricSeries result{a.labels.empty() ? b.labels : a.labels, std::vector<double>(steps_)};
    for (size_t i = 0; i < steps_; ++i) result.values[i] = Apply(kind, a.values[i], b.values[i]);
    return result;
  }
  Series Both(Kind kind, const Series& left, const Series& right) const {
    Series result;
    if (kind == Kind::kOr && left.empty()) return right;
    if (kind == Kind::kOr && right.empty()) return left;
    if (IsAlone(left)) {
      for (const auto& one : right) result.push_back(Pair(kind, left.front(), one));
      return result;
    }
    if (IsAlone(right)) {
      for (const auto& one : left) result.push_back(Pair(kind, one, right.front()));
      return result;
    }
    std::map<Labels, const MetricSeries*> partners;
    for (const auto& one : right) partners.emplace(Sorted(one.labels), &one);
    for (const auto& one : left) {
      const auto partner = partners.find(Sorted(one.labels));
      if (partner != partners.end()) {
        result.push_back(Pair(kind, one, *partner->second));
        partners.erase(partner);
      } else if (kind == Kind::kOr) {
        result.push_back(one);
      }
    }
    if (kind != Kind::kOr) return result;
    for (const auto& one : right) {
      if (partners.contains(Sorted(one.labels))) result.push_back(one);
    }
    return result;
  }

  using Labels = decltype(MetricSeries::labels);
  static Labels Sorted(Labels labels) {
    std::ranges::sort(labels);
    return labels;
  }

  const std::vector<NamedSeries>& named_;
  const size_t steps_;
};

// None: of a number, which goes with any unit.
std::optional<std::string> UnitOf(const Node& node, const std::vector<NamedSeries>& named) {
  if (node.kind == Kind::kNumber) return std::nullopt;
  if (node.kind == Kind::kName) return std::ranges::find(named, node.name, &NamedSeries::name)->unit;
  std::optional<std::string> unit = UnitOf(node.operands[0], named);
  for (size_t i = 1; i < node.operands.size(); ++i) {
    const auto other = UnitOf(node.operands[i], named);
    if (!other || !unit) {
      if (node.kind == Kind::kDivide && other) return "";  // a number by something
      if (!unit) unit = other;
    } else if (node.kind == Kind::kDivide) {
      unit = *unit == *other ? "1" : "";
    } else if (*unit != *other || node.kind == Kind::kMultiply) {
      unit = *unit == "1" ? *other : *other == "1" ? *unit : "";
      if (node.kind != Kind::kMultiply) unit = "";
    }
  }
  return unit;
}

}  // namespace

std::expected<Formula, FormulaError> Formula::Parse(std::string_view text) {
  if (text.size() > kFormulaBytesMax) {
    return std::unexpected(FormulaError{1, fmt::format("{} bytes are more than {}", text.size(), kFormulaBytesMax)});
  }
  try {
    Parser parser(text);
    Formula formula;
    formula.root_ = std::make_shared<const Node>(parser.Run());
    formula.names_ = parser.TakeNames();
    return formula;
  } catch (const FormulaError& error) {
    return std::unexpected(error);
  }
}

std::vector<MetricSeries> Formula::Compute(const std::vector<NamedSeries>& named, size_t steps) const {
  return Computer(named, steps).Run(*root_);
}

int Formula::held() const {
  return root_->held;
}

std::string Formula::Unit(const std::vector<NamedSeries>& named) const {
  return UnitOf(*root_, named).value_or("1");
}

}  // namespace sightline::query
