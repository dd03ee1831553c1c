#include "query/json_body.h"

#include <simdjson.h>

#include <functional>

namespace sightline::query {

struct JsonBody::Document {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
};

JsonBody::JsonBody(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == text.npos || text[begin] != '{') return;
  document_ = std::make_unique<Document>();
  if (document_->parser.parse(text.data(), text.size()).get(document_->root) != simdjson::SUCCESS) document_.reset();
}

JsonBody::~JsonBody() = default;

traceql::Value JsonBody::At(std::span<const std::string> path, StoredValues& values) const {
  if (document_ == nullptr || path.empty()) return traceql::Value::Nil();
  simdjson::dom::element at = document_->root;
  for (const std::string& key : path) {
    simdjson::dom::object object;
    if (at.get(object) != simdjson::SUCCESS || object.at_key(key).get(at) != simdjson::SUCCESS) {
      return traceql::Value::Nil();
    }
  }
  return values.OfJson(at);
}

struct BodyFields::Walk {
  simdjson::dom::parser parser;
  std::vector<std::string> path;
};

BodyFields::BodyFields() : walk_(std::make_unique<Walk>()) {}
BodyFields::~BodyFields() = default;

void BodyFields::Add(std::string_view text) {
  const std::function<void(simdjson::dom::element)> add = [&](simdjson::dom::element element) {
    simdjson::dom::object object;
    if (element.get(object) == simdjson::SUCCESS) {
      if (walk_->path.size() == kDepthMax) return;
      for (const auto& [key, value] : object) {
        walk_->path.emplace_back(key);
        add(value);
        walk_->path.pop_back();
      }
      return;
    }
    if (element.is_null() || walk_->path.empty()) return;
    auto found = fields_.find(walk_->path);
    if (found == fields_.end()) {
      if (fields_.size() == kFieldsMax) return;
      found = fields_.emplace(walk_->path, Field()).first;
    }
    ++found->second.bodies;
    found->second.values.insert(std::hash<std::string>()(simdjson::minify(element)));
  };
  simdjson::dom::element root;
  if (walk_->parser.parse(text.data(), text.size()).get(root) == simdjson::SUCCESS) add(root);
}

}  // namespace sightline::query
