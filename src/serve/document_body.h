// What the endpoints on documents that people make (dashboards, rules, SLOs, channels, …) have in common: the bodies
// that bring one with the version that it was changed from, and the answers to them.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "serve/api_call.h"

namespace sightline::serve {

// A whole number that is not negative, and nothing else.
std::optional<int64_t> WholeNumber(std::string_view text);

struct DocumentBody {
  std::string document;  // JSON
  int64_t version = 0;
  std::map<std::string, std::string, std::less<>> texts;  // all other members
};
// Of a JSON object with all members in `wanted` and no others: "document" is any JSON, "version" a whole number,
// what has another name a text. kInvalidArgument: "version: a whole number is wanted".
Result<DocumentBody> ReadDocumentBody(const net::HttpRequest& request, std::initializer_list<std::string_view> wanted);

// The parameter of a DELETE; all parameters are checked.
Result<int64_t> VersionParam(ApiCall& call);

// 201 with what is in `json`.
void SendCreated(ApiCall& call, JsonWriter& json, std::string location);
// 204.
void SendNothing(ApiCall& call);

}  // namespace sightline::serve
