// Turns what ClickHouse says went wrong into an Error of ours. Used by both implementations of the contract.
#pragma once

#include <string>

#include "base/error.h"

namespace sightline::store {

// `message` reads "Code: N. DB::Exception: ..."; the code is chosen by N: a wrong statement is kInvalidArgument, what
// may work later kUnavailable, a limit kResourceExhausted or kDeadlineExceeded. A full disk is kUnavailable whatever N
// is.
Error ClickHouseError(std::string message);

}  // namespace sightline::store
