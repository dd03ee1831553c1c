#include "net/http_exchange.h"

#include <fmt/format.h>

#include <array>
#include <boost/beast/http/status.hpp>
#include <ctime>
#include <iterator>
#include <utility>

#include "net/http_text.h"

namespace sightline::net {
namespace {

// RFC 9110, 5.6.7, in English whatever the locale is.
std::string HttpDate(std::time_t now) {
  static constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm t{};
  gmtime_r(&now, &t);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[t.tm_wday], t.tm_mday, kMonths[t.tm_mon],
                     t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

bool FramesTheMessage(std::string_view name) {
  return EqualsNoCase(name, "content-length") || EqualsNoCase(name, "transfer-encoding") ||
         EqualsNoCase(name, "connection") || EqualsNoCase(name, "content-type") || EqualsNoCase(name, "date");
}

void AppendFields(const HttpHeaders& headers, std::string* out) {
  for (const auto& [name, value] : headers) {
    if (FramesTheMessage(name) || !IsToken(name) || !IsFieldValue(value)) continue;
    fmt::format_to(std::back_inserter(*out), "{}: {}\r\n", name, value);
  }
}

bool StatusHasBody(int status) {
  return status >= 200 && status != 204 && status != 304;
}

}  // namespace

std::string FormatResponseHead(const HttpResponse& response, const HttpHeaders& extra, int64_t length, bool chunked,
                               bool keep_alive) {
  const std::string_view reason =
      boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(response.status));
  std::string head =
      fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status, reason, HttpDate(std::time(nullptr)));
  if (!response.content_type.empty() && StatusHasBody(response.status) && IsFieldValue(response.content_type)) {
    fmt::format_to(std::back_inserter(head), "Content-Type: {}\r\n", response.content_type);
  }
  if (length >= 0) fmt::format_to(std::back_inserter(head), "Content-Length: {}\r\n", length);
  if (chunked) head += "Transfer-Encoding: chunked\r\n";
  head += keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n";
  AppendFields(response.headers, &head);
  AppendFields(extra, &head);
  head += "\r\n";
  return head;
}

void HttpExchange::Wake() const {
  if (const auto wire = wire_.lock()) wire->Wake();
}

void HttpExchange::Send(HttpResponse response) {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::kWaiting) return;  // a timeout and the answer may cross: the first wins
    state_ = State::kWhole;
    response_ = std::move(response);
  }
  Wake();
}

void HttpExchange::Begin(HttpResponse head) {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::kWaiting) return;
    state_ = State::kStreaming;
    response_ = std::move(head);
    response_.body.clear();
  }
  Wake();
}

bool HttpExchange::Write(std::string_view piece) {
  const auto wire = wire_.lock();
  const bool may_wait = wire == nullptr || !wire->OnServerThread();
  {
    std::unique_lock lock(mutex_);
    if (may_wait) {
      room_.wait(lock,
                 [this] { return pending_.size() < kStreamBufferBytesMax || lost_ || state_ != State::kStreaming; });
    } else if (pending_.size() >= kStreamBufferBytesMax && state_ == State::kStreaming) {
      state_ = State::kAborted;
      pending_.clear();
    }
    if (lost_) return false;
    if (state_ == State::kStreaming) pending_ += piece;
  }
  if (wire != nullptr) wire->Wake();
  const std::lock_guard lock(mutex_);
  return state_ == State::kStreaming && !lost_ && wire != nullptr;
}

void HttpExchange::End(HttpHeaders trailers) {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::kStreaming) return;
    state_ = State::kEnded;
    trailers_ = std::move(trailers);
  }
  Wake();
}

void HttpExchange::Abort() {
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::kWhole || state_ == State::kEnded || state_ == State::kAborted) return;
    state_ = State::kAborted;
  }
  room_.notify_all();
  Wake();
}

void HttpExchange::Abandon() {
  State state;
  {
    const std::lock_guard lock(mutex_);
    state = state_;
  }
  if (state == State::kWaiting) {
    Send({.status = 500, .content_type = "text/plain", .body = "the request was dropped without an answer\n"});
  } else if (state == State::kStreaming) {
    Abort();
  }
}

bool HttpExchange::client_gone() const {
  const std::lock_guard lock(mutex_);
  return peer_closed_ || lost_;
}

void HttpExchange::OnClientGone(std::function<void()> action) {
  {
    const std::lock_guard lock(mutex_);
    if (!peer_closed_ && !lost_) {
      if (!finished_) gone_action_ = std::move(action);
      return;
    }
  }
  action();
}

void HttpExchange::RunGoneAction() {
  std::function<void()> action;
  {
    const std::lock_guard lock(mutex_);
    action = std::exchange(gone_action_, nullptr);
  }
  if (action) action();
}

HttpExchange::Output HttpExchange::Take(bool draining) {
  Output output;
  std::function<void()> dropped;  // destroyed outside the lock: it may own things that call back
  {
    const std::lock_guard lock(mutex_);
    if (finished_) return output;
    if (state_ == State::kWhole) {
      output = TakeWhole(draining);
    } else if (state_ == State::kAborted) {
      // What was written before goes out first: it may be the error that explains the end.
      if (pending_.empty()) {
        output.close = true;
      } else {
        output = TakePiece(draining);
      }
    } else if (state_ != State::kWaiting) {
      output = TakePiece(draining);
    }
    if (output.last || output.close) {
      finished_ = output.last || state_ == State::kAborted;
      if (finished_) dropped = std::exchange(gone_action_, nullptr);
    }
  }
  room_.notify_all();
  return output;
}

HttpExchange::Output HttpExchange::TakeWhole(bool draining) {
  const bool keep_alive = shape_.keep_alive && !draining;
  const bool has_body = StatusHasBody(response_.status);
  Output output{.last = true, .close = !keep_alive};
  output.head = FormatResponseHead(response_, shape_.extra, has_body ? static_cast<int64_t>(response_.body.size()) : -1,
                                   false, keep_alive);
  if (has_body && !shape_.head_only) output.body = std::move(response_.body);
  return output;
}

HttpExchange::Output HttpExchange::TakePiece(bool draining) {
  const bool chunked = !shape_.http_1_0;
  Output output;
  if (!head_taken_) {
    head_taken_ = true;
    close_after_ = !shape_.keep_alive || draining || shape_.http_1_0;
    output.head = FormatResponseHead(response_, shape_.extra, -1, chunked, !close_after_);
  }
  if (shape_.head_only) pending_.clear();
  if (!pending_.empty()) {
    output.body = std::exchange(pending_, {});
    if (chunked) {
      fmt::format_to(std::back_inserter(output.head), "{:x}\r\n", output.body.size());
      output.tail = "\r\n";
    }
  }
  if (state_ == State::kEnded) {
    output.last = true;
    output.close = close_after_;
    if (chunked && !shape_.head_only) {
      output.tail += "0\r\n";
      AppendFields(trailers_, &output.tail);
      output.tail += "\r\n";
    }
  }
  return output;
}

void HttpExchange::PeerClosed() {
  {
    const std::lock_guard lock(mutex_);
    peer_closed_ = true;
  }
  RunGoneAction();
}

void HttpExchange::Lost() {
  {
    const std::lock_guard lock(mutex_);
    lost_ = true;
    pending_.clear();
  }
  room_.notify_all();
  RunGoneAction();
}

void HttpResponder::Send(HttpResponse response) const {
  impl_->exchange().Send(std::move(response));
}
void HttpResponder::Begin(HttpResponse head) const {
  impl_->exchange().Begin(std::move(head));
}
bool HttpResponder::Write(std::string_view piece) const {
  return impl_->exchange().Write(piece);
}
void HttpResponder::End(HttpHeaders trailers) const {
  impl_->exchange().End(std::move(trailers));
}
void HttpResponder::Abort() const {
  impl_->exchange().Abort();
}
bool HttpResponder::client_gone() const {
  return impl_->exchange().client_gone();
}
void HttpResponder::OnClientGone(std::function<void()> action) const {
  impl_->exchange().OnClientGone(std::move(action));
}

}  // namespace sightline::net
