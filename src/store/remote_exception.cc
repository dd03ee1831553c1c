#include "store/remote_exception.h"

#include <fmt/core.h>

#include <algorithm>

namespace sightline::store {
namespace {

constexpr size_t kTailBytes = 4 << 10;

// How many bytes at the end of `text` could be the start of the marker.
size_t MarkerPrefixAtEnd(std::string_view text) {
  for (size_t bytes = std::min(text.size(), kExceptionMarker.size() - 1); bytes > 0; --bytes) {
    if (kExceptionMarker.starts_with(text.substr(text.size() - bytes))) return bytes;
  }
  return 0;
}

// What stands between the block's opening (marker, tag) and its closing line. `block` starts behind the marker.
std::string Message(std::string_view block) {
  const size_t tag_end = block.find("\r\n");
  const std::string_view tag = block.substr(0, tag_end);
  std::string_view message = tag_end == std::string_view::npos ? std::string_view() : block.substr(tag_end + 2);
  const size_t closing = message.rfind(fmt::format(" {}\r\n", tag));
  if (closing != std::string_view::npos) {
    message = message.substr(0, closing);
    message = message.substr(0, message.rfind('\n'));  // the line with the length
  }
  while (message.ends_with('\n') || message.ends_with('\r')) message.remove_suffix(1);
  return std::string(message);
}

}  // namespace

std::string ExceptionBlock(std::string_view tag, std::string_view message) {
  message = message.substr(0, kExceptionBytesMax - 256);
  return fmt::format("{0}{1}\r\n{2}\n{3} {1}{0}", kExceptionMarker, tag, message, message.size() + 1);
}

bool ExceptionFilter::Pass(size_t bytes) {
  if (bytes == 0) return true;
  const std::string_view piece = std::string_view(held_).substr(0, bytes);
  const bool more = sink_(piece);
  if (bytes >= kTailBytes) {
    tail_.assign(piece.substr(bytes - kTailBytes));
  } else {
    tail_ += piece;
    if (tail_.size() > 2 * kTailBytes) tail_.erase(0, tail_.size() - kTailBytes);
  }
  held_.erase(0, bytes);
  return more;
}

bool ExceptionFilter::Feed(std::string_view piece) {
  held_ += piece;
  while (true) {
    const size_t marker = held_.find(kExceptionMarker);
    if (marker == std::string::npos) return Pass(held_.size() - MarkerPrefixAtEnd(held_));
    if (!Pass(marker)) return false;
    if (held_.size() <= kExceptionBytesMax) return true;  // wait for the end
    if (!Pass(1)) return false;                           // too long for a block: rows that look like one
  }
}

std::string ExceptionFilter::Finish(std::string_view tag, bool& stopped) {
  stopped = false;
  const std::string opening = fmt::format("{}{}\r\n", kExceptionMarker, tag);
  if (!tag.empty()) {
    if (const size_t block = held_.find(opening); block != std::string::npos) {
      const std::string message = Message(std::string_view(held_).substr(block + kExceptionMarker.size()));
      stopped = !Pass(block);
      return message.empty() ? "ClickHouse reported an error without a text" : message;
    }
  }
  stopped = !Pass(held_.size());
  return "";
}

std::string ExceptionFilter::Broken() const {
  if (held_.starts_with(kExceptionMarker)) return Message(std::string_view(held_).substr(kExceptionMarker.size()));
  const std::string end = tail_ + held_;
  const size_t error = end.rfind("Code: ");
  if (error == std::string::npos || end.find("DB::Exception", error) == std::string::npos) return "";
  return end.substr(error);
}

}  // namespace sightline::store
