#include "traceql/check.h"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "traceql/parse.h"

namespace sightline::traceql {
namespace {

std::string Ticks(Operator op) {
  return "`" + std::string(OperatorText(op)) + "`";
}

// Hexadecimal digits of an id, as ids are compared: small letters, leading zeros filled in.
void FillId(Literal& literal, size_t digits) {
  if (literal.scalar.type != Type::kString || literal.text.empty() || literal.text.size() > digits) return;
  std::ranges::transform(literal.text, literal.text.begin(), [](unsigned char c) { return std::tolower(c); });
  literal.text.insert(0, digits - literal.text.size(), '0');
}

size_t IdDigits(const Expression& expression) {
  const auto* field = std::get_if<Field>(&expression.node);
  if (field == nullptr) return 0;
  switch (field->intrinsic) {
    case Intrinsic::kTraceId:
    case Intrinsic::kLinkTraceId:
      return 32;
    case Intrinsic::kSpanId:
    case Intrinsic::kParentId:
    case Intrinsic::kLinkSpanId:
      return 16;
    default:
      return 0;
  }
}

bool ReadsSpan(const Expression& expression) {
  if (const auto* unary = std::get_if<Unary>(&expression.node)) return ReadsSpan(*unary->operand);
  if (const auto* binary = std::get_if<Binary>(&expression.node))
    return ReadsSpan(*binary->left) || ReadsSpan(*binary->right);
  const auto* literal = std::get_if<Literal>(&expression.node);
  return literal == nullptr || literal->scalar.type == Type::kAny;  // a variable may stand for a field
}

// by() without coalesce() behind it: one trace can have several sets of spans.
bool LeavesGroups(const Pipeline& pipeline) {
  bool groups = false;
  for (const Stage& stage : pipeline.stages) {
    if (std::holds_alternative<Group>(stage.node)) groups = true;
    if (std::holds_alternative<Coalesce>(stage.node)) groups = false;
  }
  return groups;
}

class Checker {
 public:
  explicit Checker(std::string_view text) : text_(text) {}

  void Check(Query& query) {
    if (auto* pipeline = std::get_if<Pipeline>(&query.node)) return Check(*pipeline);
    Check(std::get<MetricsExpression>(query.node), true);
  }
  void CheckCondition(Expression& condition) {
    Check(condition, true);
    const Type type = TypeOf(condition);
    if (type != Type::kAny && type != Type::kBool)
      Fail(condition.offset, "a condition is true or false, and this is " + std::string(TypeName(type)),
           {"a comparison"});
  }
  std::optional<ParseError> error() { return std::move(error_); }

 private:
  void Fail(size_t offset, std::string message, std::vector<std::string> expected = {}) {
    if (!error_) error_ = MakeParseError(text_, offset, std::move(message), std::move(expected));
  }

  // Between operands of these types, in conditions and between aggregates.
  void CheckTypes(Operator op, size_t offset, Type left, Type right) {
    if (!Comparable(left, right)) {
      Fail(offset,
           Ticks(op) + " stands between " + std::string(TypeName(left)) + " and " + std::string(TypeName(right)),
           {"two of the same type"});
    }
    for (const Type type : {left, right})
      if (!Accepts(op, type)) Fail(offset, Ticks(op) + " does not work on " + std::string(TypeName(type)));
  }

  // `decides`: it is the condition, or what && || ! join to it. Only there is a bare word a text to search for.
  void Check(Expression& expression, bool decides = false) {
    if (auto* unary = std::get_if<Unary>(&expression.node)) Check(*unary, expression.offset, decides);
    if (auto* binary = std::get_if<Binary>(&expression.node)) Check(*binary, expression.offset, decides);
    if (const auto* text = std::get_if<FullText>(&expression.node); text != nullptr && !decides)
      Fail(expression.offset, "there is no intrinsic `" + text->text + "`",
           {"an intrinsic", "an attribute with its scope", "a value"});
    auto* field = std::get_if<Field>(&expression.node);
    if (field != nullptr && field->intrinsic == Intrinsic::kParent)
      Fail(expression.offset, "`parent` can only be compared with nil",
           {"`parent = nil`", "`parent != nil`", "`parent.name`"});
  }

  void Check(Unary& unary, size_t offset, bool decides) {
    auto* field = std::get_if<Field>(&unary.operand->node);
    if (unary.op == Operator::kAbsent || unary.op == Operator::kExists) {
      if (field != nullptr && field->intrinsic == Intrinsic::kParent) return;
      Check(*unary.operand);
      if (unary.op == Operator::kExists || field == nullptr) return;
      if (field->intrinsic != Intrinsic::kNone) Fail(offset, "the intrinsic `" + PrintField(*field) + "` is never nil");
      if (field->scope == Scope::kResource && field->key == "service.name" && !field->of_parent)
        Fail(offset, "`resource.service.name` is never nil");
      return;
    }
    Check(*unary.operand, decides && unary.op == Operator::kNot);
    const Type type = TypeOf(*unary.operand);
    const bool fits = type == Type::kAny || (unary.op == Operator::kNot ? type == Type::kBool : IsNumber(type));
    if (!fits) Fail(offset, Ticks(unary.op) + " does not work on " + std::string(TypeName(type)));
  }

  void Check(Binary& binary, size_t offset, bool decides) {
    decides = decides && (binary.op == Operator::kAnd || binary.op == Operator::kOr);
    Check(*binary.left, decides);
    Check(*binary.right, decides);
    for (auto [side, other] :
         {std::pair{binary.left.get(), binary.right.get()}, std::pair{binary.right.get(), binary.left.get()}}) {
      auto* literal = std::get_if<Literal>(&side->node);
      const bool compared = binary.op != Operator::kMatch && binary.op != Operator::kNotMatch;
      if (literal != nullptr && compared) FillId(*literal, IdDigits(*other));
    }
    CheckTypes(binary.op, offset, TypeOf(*binary.left), TypeOf(*binary.right));
    if (binary.op == Operator::kMatch || binary.op == Operator::kNotMatch) CompileRegex(binary);
  }

  void CompileRegex(Binary& binary) {
    const auto* literal = std::get_if<Literal>(&binary.right->node);
    const size_t offset = binary.right->offset;
    if (literal != nullptr && literal->scalar.type == Type::kAny) return;  // a variable
    if (literal == nullptr || literal->scalar.type != Type::kString) {
      return Fail(offset, Ticks(binary.op) + " needs a regular expression", {"a string"});
    }
    if (literal->text.size() > kRegexBytesMax)
      return Fail(offset, "a regular expression has at most " + std::to_string(kRegexBytesMax) + " bytes");
    if (++regexes_ > kRegexesMax)
      return Fail(offset, "a query has at most " + std::to_string(kRegexesMax) + " regular expressions",
                  {"`a|b` in one"});
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_dot_nl(true);
    options.set_max_mem(kRegexMemoryMax);
    auto regex = std::make_shared<re2::RE2>(literal->text, options);
    if (!regex->ok()) return Fail(offset, "the regular expression is wrong: " + regex->error());
    binary.regex = std::move(regex);
  }

  void Check(Pipeline& pipeline) {
    for (Stage& stage : pipeline.stages) std::visit([&](auto& node) { CheckStage(node, stage.offset); }, stage.node);
  }

  void CheckStage(SpansetExpression& spans, size_t) { Check(spans); }
  void CheckStage(ScalarFilter& filter, size_t offset) {
    Check(*filter.left);
    Check(*filter.right);
    CheckTypes(filter.op, offset, TypeOf(*filter.left), TypeOf(*filter.right));
  }
  void CheckStage(Group& group, size_t offset) {
    Check(*group.by);
    if (!ReadsSpan(*group.by)) Fail(offset, "by() needs something of the span", {"an attribute", "an intrinsic"});
  }
  void CheckStage(Coalesce&, size_t) {}
  void CheckStage(Select& select, size_t offset) {
    for (const Field& field : select.fields) CheckNoParent(field, offset);
  }
  void CheckNoParent(const Field& field, size_t offset) {
    if (field.intrinsic == Intrinsic::kParent)
      Fail(offset, "`parent` has no value", {"`parent.name`", "`span:parentID`"});
  }

  void Check(SpansetExpression& spans) {
    if (auto* filter = std::get_if<SpansetFilter>(&spans.node)) {
      if (filter->condition != nullptr) CheckCondition(*filter->condition);
    } else if (auto* operation = std::get_if<SpansetOperation>(&spans.node)) {
      Check(*operation->left);
      Check(*operation->right);
      for (const auto* side : {operation->left.get(), operation->right.get()}) {
        const auto* pipeline = std::get_if<Box<Pipeline>>(&side->node);
        if (operation->op != Operator::kAnd && operation->op != Operator::kOr && pipeline != nullptr &&
            LeavesGroups(**pipeline))
          Fail(spans.offset, Ticks(operation->op) + " needs one set of spans a side, and by() makes several",
               {"`| coalesce()` behind by()"});
      }
    } else {
      Check(*std::get<Box<Pipeline>>(spans.node));
    }
  }

  void Check(ScalarExpression& scalar) {
    if (auto* aggregate = std::get_if<Aggregate>(&scalar.node)) return Check(*aggregate, scalar.offset);
    if (auto* operation = std::get_if<ScalarOperation>(&scalar.node)) {
      Check(*operation->left);
      Check(*operation->right);
      return CheckTypes(operation->op, scalar.offset, TypeOf(*operation->left), TypeOf(*operation->right));
    }
    if (auto* pipeline = std::get_if<ScalarPipeline>(&scalar.node)) {
      Check(*pipeline->spans);
      Check(*pipeline->result);
      if (LeavesGroups(*pipeline->spans))
        Fail(scalar.offset, "a number in parentheses needs one set of spans, and by() makes several",
             {"`| coalesce()` behind by()"});
    }
  }

  void Check(Aggregate& aggregate, size_t offset) {
    if (aggregate.of == nullptr) return;
    const std::string name(AggregateName(aggregate.function));
    Check(*aggregate.of);
    const Type type = TypeOf(*aggregate.of);
    if (type != Type::kAny && !IsNumber(type))
      Fail(offset, name + "() needs numbers, and this is " + std::string(TypeName(type)));
    if (!ReadsSpan(*aggregate.of))
      Fail(offset, name + "() needs something of the span", {"an attribute", "an intrinsic"});
  }

  // `alone`: nothing is done with its result.
  void Check(MetricsExpression& metrics, bool alone) {
    alone = alone && metrics.stages.empty();
    if (auto* operation = std::get_if<MetricsOperation>(&metrics.node)) {
      Check(*operation->left, false);
      return Check(*operation->right, false);
    }
    auto* pipeline = std::get_if<MetricsPipeline>(&metrics.node);
    if (pipeline == nullptr) return;
    Check(pipeline->spans);
    for (const Field& field : pipeline->by) CheckNoParent(field, metrics.offset);
    if (pipeline->of) CheckNoParent(*pipeline->of, metrics.offset);
    const Type type = pipeline->of ? pipeline->of->type() : Type::kAny;
    const std::string name(MetricsFunctionName(pipeline->function));
    if (type != Type::kAny && !IsNumber(type))
      Fail(metrics.offset,
           name + "() needs numbers, and `" + PrintField(*pipeline->of) + "` is " + std::string(TypeName(type)));
    for (const double quantile : pipeline->quantiles)
      if (!(quantile >= 0 && quantile <= 1)) Fail(metrics.offset, "a quantile lies between 0 and 1");
    if (!pipeline->comparison) return;
    if (pipeline->comparison->selection.condition != nullptr)
      CheckCondition(*pipeline->comparison->selection.condition);
    if (!alone) Fail(metrics.offset, "compare() stands alone: nothing can be done with its result");
  }

  std::string_view text_;
  std::optional<ParseError> error_;
  int regexes_ = 0;
};

// The text as a regular expression without regard to case. Null: plain ASCII needs none.
std::shared_ptr<const re2::RE2> Folded(const std::string& text) {
  if (std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; })) return nullptr;
  re2::RE2::Options options;
  options.set_literal(true);
  options.set_case_sensitive(false);
  options.set_log_errors(false);
  auto regex = std::make_shared<re2::RE2>(text, options);
  return regex->ok() ? regex : nullptr;
}

}  // namespace

void MakeFullTexts(Expression& condition) {
  if (auto* literal = std::get_if<Literal>(&condition.node);
      literal != nullptr && literal->scalar.type == Type::kString)
    condition.node = FullText{std::move(literal->text), nullptr};
  if (auto* text = std::get_if<FullText>(&condition.node)) text->folded = Folded(text->text);
  if (auto* unary = std::get_if<Unary>(&condition.node); unary != nullptr && unary->op == Operator::kNot)
    MakeFullTexts(*unary->operand);
  auto* binary = std::get_if<Binary>(&condition.node);
  if (binary == nullptr || (binary->op != Operator::kAnd && binary->op != Operator::kOr)) return;
  MakeFullTexts(*binary->left);
  MakeFullTexts(*binary->right);
}

Type TypeOf(const Expression& expression) {
  if (const auto* literal = std::get_if<Literal>(&expression.node)) return literal->scalar.type;
  if (const auto* field = std::get_if<Field>(&expression.node)) return field->type();
  if (std::holds_alternative<FullText>(expression.node)) return Type::kBool;
  if (const auto* unary = std::get_if<Unary>(&expression.node))
    return unary->op == Operator::kSubtract ? TypeOf(*unary->operand) : Type::kBool;
  const auto& binary = std::get<Binary>(expression.node);
  if (!IsArithmetic(binary.op)) return Type::kBool;
  const Type left = TypeOf(*binary.left);
  return left != Type::kAny ? left : TypeOf(*binary.right);
}

Type TypeOf(const ScalarExpression& scalar) {
  if (const auto* literal = std::get_if<Literal>(&scalar.node)) return literal->scalar.type;
  if (const auto* aggregate = std::get_if<Aggregate>(&scalar.node))
    return aggregate->of == nullptr ? Type::kInt : TypeOf(*aggregate->of);
  if (const auto* pipeline = std::get_if<ScalarPipeline>(&scalar.node)) return TypeOf(*pipeline->result);
  const auto& operation = std::get<ScalarOperation>(scalar.node);
  const Type left = TypeOf(*operation.left);
  return left != Type::kAny ? left : TypeOf(*operation.right);
}

std::optional<ParseError> CheckQuery(Query& query, std::string_view text) {
  Checker checker(text);
  checker.Check(query);
  return checker.error();
}

std::optional<ParseError> CheckCondition(Expression& condition, std::string_view text) {
  Checker checker(text);
  checker.CheckCondition(condition);
  return checker.error();
}

}  // namespace sightline::traceql
