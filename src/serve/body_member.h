// An error that names the member of a request's body at fault -> the error answer's `where`.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "base/error.h"
#include "serve/api_call.h"

namespace sightline::serve {

// "name: it begins …" -> the member at fault, and what is wrong with it.
inline std::unexpected<Error> BlameMember(ApiCall& call, Error error) {
  const size_t colon = error.message.find(": ");
  if (error.code != Code::kInvalidArgument || colon == error.message.npos) return std::unexpected(std::move(error));
  std::string where = error.message.substr(0, colon);
  error.message.erase(0, colon + 2);
  return call.Blame(std::move(where), std::move(error));
}

}  // namespace sightline::serve
