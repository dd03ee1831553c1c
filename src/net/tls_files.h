// Which certificates a client trusts and shows. All are PEM.
#pragma once

#include <string>

namespace sightline::net {

struct TlsFiles {
  std::string ca;         // who may have signed the server's certificate; empty: the system's list
  std::string cert, key;  // what the client shows; both or none
};

}  // namespace sightline::net
