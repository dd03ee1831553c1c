// Finds the error that ClickHouse writes behind the rows when a query fails after the answer's status was sent.
// https://clickhouse.com/docs/interfaces/http#http_response_codes_caveats
//   \r\n__exception__\r\n TAG \r\n MESSAGE \n LENGTH TAG \r\n__exception__\r\n      (from 25.11; TAG stands in a
//   header)
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace sightline::store {

inline constexpr std::string_view kExceptionMarker = "\r\n__exception__\r\n";
inline constexpr size_t kExceptionBytesMax = 16 << 10;  // of the whole block, as ClickHouse limits it

// The block for an error, as a server appends it.
std::string ExceptionBlock(std::string_view tag, std::string_view message);

// Passes a body on, except what could be the block at its end. Thread: one.
class ExceptionFilter {
 public:
  explicit ExceptionFilter(std::function<bool(std::string_view)> sink) : sink_(std::move(sink)) {}

  // False when the sink wants no more.
  bool Feed(std::string_view piece);

  // The body is complete. Returns the message of the block with `tag`, or passes the rest on and returns "".
  // `stopped` is set when the sink wants no more.
  std::string Finish(std::string_view tag, bool& stopped);

  // The connection broke: what looks most like an error at the end of the body, with a block or (servers before 25.11)
  // without one; "" if nothing does.
  std::string Broken() const;

 private:
  bool Pass(size_t bytes);  // the first bytes of held_

  const std::function<bool(std::string_view)> sink_;
  std::string held_;  // starts with the marker or a part of it
  std::string tail_;  // the last bytes passed on, for Broken
};

}  // namespace sightline::store
