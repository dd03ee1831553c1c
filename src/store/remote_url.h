// "http(s)://user:password@host:8123/database" taken apart.
#pragma once

#include <string>

#include "base/error.h"

namespace sightline::store {

struct RemoteUrl {
  std::string endpoint;  // "http://host:8123/": what may be logged
  std::string user, password, database;
};

// The port defaults to 8123 (https: 8443). Percent-escapes in user, password and database are decoded. An error's
// message never holds the password.
Result<RemoteUrl> ParseRemoteUrl(const std::string& url);

}  // namespace sightline::store
