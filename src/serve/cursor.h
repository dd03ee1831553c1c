// The opaque text that continues a list. Data: where a page ended -> base64url -> the next page's start.
//
// A cursor belongs to one question: it carries a hash of the path and the other parameters, and the time range as it
// was resolved for the first page, so that "the last hour" stays the same hour while one pages through it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/http_server.h"

namespace sightline::serve {

inline constexpr size_t kCursorBytesMax = 16 << 10;  // as text; the head of a request may have 64 kB

struct Cursor {
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;
  std::vector<std::string> position;  // of the last item of the page, as the endpoint orders its items
};

// Of the path and all parameters but `cursor` and `limit`, whatever their order.
uint64_t QuestionHash(const net::HttpRequest& request);

std::string EncodeCursor(const Cursor& cursor, uint64_t question);

// kInvalidArgument when it is no cursor, or one of another question.
Result<Cursor> DecodeCursor(std::string_view text, uint64_t question);

// Ids of what stood on the pages before, for lists whose order changes while one pages through them. As bytes and no
// wider than they are: the cursor of 1,000 ids then has 6.7 kB, and what stands between a browser and us often takes 8
// kB of path and query.
std::string PackIds(const std::vector<uint64_t>& ids);
// False for what PackIds did not make.
bool UnpackIds(std::string_view packed, std::vector<uint64_t>& ids);

Error NoCursor();

}  // namespace sightline::serve
