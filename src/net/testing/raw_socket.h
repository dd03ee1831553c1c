// A blocking TCP client that does what HTTP libraries refuse to do: half requests, single bytes, resets. Every wait has
// a generous deadline.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "net/http_client.h"

namespace sightline::net::testing {

inline constexpr int kDeadlineSeconds = 60;

class RawSocket {
 public:
  // `address` as HttpServer::address() gives it. Aborts the test program if it cannot connect.
  // `receive_buffer_bytes` > 0 makes the peer feel early that nobody reads.
  explicit RawSocket(const std::string& address, int receive_buffer_bytes = 0);
  ~RawSocket();
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  bool Send(std::string_view bytes);  // false once the peer has closed
  // The next response with Content-Length or chunks; status 0 if the connection ended or the deadline came first.
  HttpReply ReadResponse(bool to_head = false);
  // Everything until the peer closes. `reset` tells whether it did so with a reset.
  std::string ReadToEnd(bool* reset = nullptr);
  size_t ReadSome();          // drops what comes next and tells how much; 0 at the end
  bool Readable(int millis);  // waits at most so long
  void CloseSend();           // FIN
  void Reset();               // RST
  void Close();

 private:
  bool Fill();  // false at the end
  bool ReadUntil(std::string_view mark, std::string* out);
  bool ReadExactly(size_t size, std::string* out);

  int socket_ = -1;
  std::string buffer_;
  bool reset_ = false;
};

// Polls until `condition` or the deadline.
bool WaitFor(const std::function<bool()>& condition);

}  // namespace sightline::net::testing
