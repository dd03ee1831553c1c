#include "base/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <set>
#include <sstream>

#include "base/json_text.h"

namespace sightline {
namespace {

constexpr size_t kYamlBytesMax = 4 << 20;
constexpr size_t kYamlNodesMax = 100'000;
constexpr int kYamlDepthMax = 64;

// Thrown and caught in this file only.
struct FaultThrown {
  YamlFault fault;
};

[[noreturn]] void Throw(const YAML::Mark& mark, std::string message) {
  if (mark.is_null()) throw FaultThrown{{0, 0, std::move(message)}};
  throw FaultThrown{{mark.line + 1, mark.column + 1, std::move(message)}};
}

class Converter {
 public:
  YamlNode Convert(const YAML::Node& from, int depth) {
    const YAML::Mark mark = from.Mark();
    if (++nodes_ > kYamlNodesMax) Throw(mark, fmt::format("more than {} values", kYamlNodesMax));
    if (depth > kYamlDepthMax) Throw(mark, fmt::format("nested deeper than {}", kYamlDepthMax));
    YamlNode node;
    if (!mark.is_null()) {
      node.line = mark.line + 1;
      node.column = mark.column + 1;
    }
    if (from.IsScalar()) {
      node.kind = YamlNode::Kind::kScalar;
      node.scalar = from.Scalar();
      node.quoted = from.Tag() == "!";  // yaml-cpp's mark of quoted and block scalars
    } else if (from.IsSequence()) {
      node.kind = YamlNode::Kind::kList;
      for (const auto& item : from) node.children.push_back(Convert(item, depth + 1));
    } else if (from.IsMap()) {
      node.kind = YamlNode::Kind::kMap;
      ConvertMap(from, depth, node);
    }
    return node;
  }

 private:
  void ConvertMap(const YAML::Node& from, int depth, YamlNode& node) {
    std::set<std::string> keys;
    for (const auto& entry : from) {
      const YAML::Mark mark = entry.first.Mark();
      if (!entry.first.IsScalar()) Throw(mark, "a key must be a plain word");
      const std::string& key = entry.first.Scalar();
      if (!keys.insert(key).second) Throw(mark, fmt::format("the key \"{}\" is given twice", key));
      YamlNode child = Convert(entry.second, depth + 1);
      child.key = key;
      child.key_line = mark.line + 1;
      child.key_column = mark.column + 1;
      node.children.push_back(std::move(child));
    }
  }

  size_t nodes_ = 0;
};

// Where a document's content begins, and nothing of what it says.
class ContentStart final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override { Begin(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { Content(mark); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { Content(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t, const std::string&) override {
    Content(mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    Content(mark);
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
    Content(mark);
  }
  void OnMapEnd() override {}
  YAML::Mark mark() const { return mark_; }

 private:
  void Begin(const YAML::Mark& mark) {
    mark_ = mark;
    is_empty_ = true;
  }
  void Content(const YAML::Mark& mark) {
    if (is_empty_) mark_ = mark;
    is_empty_ = false;
  }

  YAML::Mark mark_;
  bool is_empty_ = true;
};

// Not LoadAll: yaml-cpp 0.7 takes what it cannot read at the top level (",") for an empty document, again and again.
std::optional<YAML::Mark> SecondDocument(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  ContentStart document;
  if (!parser.HandleNextDocument(document) || !parser.HandleNextDocument(document)) return std::nullopt;
  return document.mark();
}

// A number as JSON writes it, or one of its words.
bool IsJsonWord(std::string_view text) {
  if (text == "true" || text == "false" || text == "null") return true;
  size_t at = 0;
  const auto digits = [&] {
    const size_t begin = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at > begin;
  };
  const auto take = [&](std::string_view any_of) {
    if (at == text.size() || any_of.find(text[at]) == any_of.npos) return false;
    ++at;
    return true;
  };
  take("-");
  const size_t whole = at;
  if (!digits() || (text[whole] == '0' && at > whole + 1)) return false;
  if (take(".") && !digits()) return false;
  if (take("eE")) {
    take("+-");
    if (!digits()) return false;
  }
  return at == text.size();
}

bool IsPlainWord(std::string_view text) {
  if (text.empty() || text == "true" || text == "false" || text == "null" || text == "~") return false;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!letter(text[0]) && !digit(text[0]) && text[0] != '.' && text[0] != '/') return false;
  if (text.back() == ':') return false;
  return std::ranges::all_of(text, [&](char c) {
    return letter(c) || digit(c) || std::string_view("._/:-+@").find(c) != std::string_view::npos;
  });
}

}  // namespace

const YamlNode* YamlNode::Find(std::string_view child_key) const {
  if (kind != Kind::kMap) return nullptr;
  const auto it = std::ranges::find(children, child_key, &YamlNode::key);
  return it == children.end() ? nullptr : &*it;
}

std::string YamlNode::Found() const {
  switch (kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kScalar:
      return fmt::format("\"{}\"", scalar);
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a map";
  }
  return "nothing";
}

std::expected<YamlNode, YamlFault> ParseYaml(std::string_view text) {
  if (text.size() > kYamlBytesMax) {
    return std::unexpected(YamlFault{0, 0, fmt::format("longer than {} bytes", kYamlBytesMax)});
  }
  try {
    if (const auto second = SecondDocument(std::string(text))) Throw(*second, "a second document; one is expected");
    return Converter().Convert(YAML::Load(std::string(text)), 0);
  } catch (const FaultThrown& thrown) {
    return std::unexpected(thrown.fault);
  } catch (const YAML::Exception& exception) {
    YamlFault fault{0, 0, "not valid YAML: " + exception.msg};
    if (!exception.mark.is_null()) {
      fault.line = exception.mark.line + 1;
      fault.column = exception.mark.column + 1;
    }
    return std::unexpected(std::move(fault));
  } catch (const std::exception& exception) {
    return std::unexpected(YamlFault{0, 0, std::string("not valid YAML: ") + exception.what()});
  }
}

std::string YamlScalar(std::string_view text) {
  if (IsPlainWord(text)) return std::string(text);
  std::string quoted;
  AppendJsonString(quoted, text);  // a JSON string is a YAML scalar
  return quoted;
}

std::string YamlFlow(const YamlNode& node) {
  std::string out;
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "null";
    case YamlNode::Kind::kScalar:
      return YamlScalar(node.scalar);
    case YamlNode::Kind::kList:
      for (const YamlNode& child : node.children) out += (out.empty() ? "" : ", ") + YamlFlow(child);
      return "[" + out + "]";
    case YamlNode::Kind::kMap:
      for (const YamlNode& child : node.children) {
        out += (out.empty() ? "" : ", ") + YamlScalar(child.key) + ": " + YamlFlow(child);
      }
      return "{" + out + "}";
  }
  return out;
}

namespace {

std::string YamlJson(const YamlNode& node, std::span<const std::string_view> texts_under, bool is_text) {
  const bool is_list = node.kind == YamlNode::Kind::kList;
  std::string json;
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "null";
    case YamlNode::Kind::kScalar:
      if (!node.quoted && !is_text && IsJsonWord(node.scalar)) return node.scalar;
      AppendJsonString(json, node.scalar);
      return json;
    case YamlNode::Kind::kList:
    case YamlNode::Kind::kMap:
      is_text = is_text || std::ranges::find(texts_under, node.key) != texts_under.end();
      json = is_list ? "[" : "{";
      for (const YamlNode& child : node.children) {
        if (json.size() > 1) json += ',';
        if (!is_list) {
          AppendJsonString(json, child.key);
          json += ':';
        }
        json += YamlJson(child, texts_under, is_text);
      }
      return json + (is_list ? "]" : "}");
  }
  return json;
}

}  // namespace

std::string YamlJson(const YamlNode& node, std::span<const std::string_view> texts_under) {
  return YamlJson(node, texts_under, /*is_text=*/false);
}

}  // namespace sightline
