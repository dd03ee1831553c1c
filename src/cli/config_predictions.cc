#include "cli/config_predictions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "cli/config_list.h"

namespace sightline::cli {
namespace {

using otlp::PredictionRule;

constexpr size_t kRulesMax = 64, kKeysMax = 16, kTextBytesMax = 200;

struct TextField {
  std::string_view name;
  std::string PredictionRule::* field;
};
constexpr TextField kTexts[] = {{"span_name", &PredictionRule::span_name},
                                {"with_attribute", &PredictionRule::with_attribute},
                                {"features", &PredictionRule::features}};

// A key, or a list of keys of which the first that is there counts.
struct KeysField {
  std::string_view name;
  std::vector<std::string> PredictionRule::* field;
};
constexpr KeysField kKeys[] = {{"model", &PredictionRule::model},
                               {"version", &PredictionRule::version},
                               {"score", &PredictionRule::score},
                               {"confidence", &PredictionRule::confidence},
                               {"prediction_id", &PredictionRule::prediction_id},
                               {"rank", &PredictionRule::rank}};

std::expected<std::string, YamlFault> ReadText(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kScalar) {
    return std::unexpected(node.Fault(fmt::format("expected text, found {}", node.Found())));
  }
  if (node.scalar.empty() || node.scalar.size() > kTextBytesMax) {
    return std::unexpected(node.Fault(fmt::format("expected 1 to {} bytes of text", kTextBytesMax)));
  }
  return node.scalar;
}

std::expected<std::vector<std::string>, YamlFault> ReadKeys(const YamlNode& node) {
  std::vector<std::string> keys;
  const std::vector<YamlNode> one = node.kind == YamlNode::Kind::kScalar ? std::vector{node} : std::vector<YamlNode>();
  if (one.empty() && node.kind != YamlNode::Kind::kList) {
    return std::unexpected(node.Fault(fmt::format("expected an attribute or a list of them, found {}", node.Found())));
  }
  const std::vector<YamlNode>& nodes = one.empty() ? node.children : one;
  if (nodes.size() > kKeysMax) {
    return std::unexpected(node.Fault(fmt::format("{} are more than {}", nodes.size(), kKeysMax)));
  }
  for (const YamlNode& child : nodes) {
    auto key = ReadText(child);
    if (!key) return std::unexpected(std::move(key).error());
    keys.push_back(*std::move(key));
  }
  return keys;
}

// What is found wrong gets the field's name in front.
template <typename T>
std::expected<void, YamlFault> Take(std::expected<T, YamlFault> read, std::string_view name, T& field) {
  if (read) {
    field = *std::move(read);
    return {};
  }
  YamlFault fault = std::move(read).error();
  fault.message = fmt::format("{}: {}", name, fault.message);
  return std::unexpected(std::move(fault));
}

std::expected<void, YamlFault> ReadField(const YamlNode& node, PredictionRule& rule) {
  if (const auto text = std::ranges::find(kTexts, node.key, &TextField::name); text != std::end(kTexts)) {
    return Take(ReadText(node), node.key, rule.*text->field);
  }
  if (const auto keys = std::ranges::find(kKeys, node.key, &KeysField::name); keys != std::end(kKeys)) {
    return Take(ReadKeys(node), node.key, rule.*keys->field);
  }
  return std::unexpected(YamlFault{node.key_line, node.key_column,
                                   fmt::format("unknown field \"{}\"; known are span_name, with_attribute, model, "
                                               "version, score, confidence, prediction_id, rank and features",
                                               node.key)});
}

std::expected<PredictionRule, YamlFault> ReadOne(const YamlNode& node) {
  if (node.kind != YamlNode::Kind::kMap) {
    return std::unexpected(node.Fault(fmt::format("expected a map with span_name, found {}", node.Found())));
  }
  PredictionRule rule;
  for (const YamlNode& each : node.children) {
    std::expected<void, YamlFault> read = ReadField(each, rule);
    if (!read) return std::unexpected(std::move(read).error());
  }
  if (rule.span_name.empty()) return std::unexpected(node.Fault("has no span_name"));
  return rule;
}

std::string Show(const PredictionRule& rule) {
  std::vector<std::string> parts;
  for (const TextField& text : kTexts) {
    if (!(rule.*text.field).empty()) parts.push_back(fmt::format("{}: {}", text.name, YamlScalar(rule.*text.field)));
  }
  for (const KeysField& keys : kKeys) {
    std::vector<std::string> shown;
    for (const std::string& key : rule.*keys.field) shown.push_back(YamlScalar(key));
    if (!shown.empty()) parts.push_back(fmt::format("{}: [{}]", keys.name, fmt::join(shown, ", ")));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

ConfigKey PredictionsKey(std::string path, std::vector<PredictionRule>& field, std::string doc) {
  return ListKey({.path = std::move(path), .doc = std::move(doc), .type = "list of rules"}, field, kRulesMax, ReadOne,
                 Show);
}

}  // namespace sightline::cli
