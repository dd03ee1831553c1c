#include "demo/traffic/load_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

namespace demo::traffic {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct Transfer {
  CURL* handle = nullptr;
  std::string body_sent;
  LoadAnswer answer;
  LoadClient::Done done;
};

size_t TakeBody(char* data, size_t size, size_t count, void* to) {
  static_cast<Transfer*>(to)->answer.body.append(data, size * count);
  return size * count;
}

}  // namespace

class LoadClient::Impl {
 public:
  Impl(std::string base_url, milliseconds timeout, size_t connections_max)
      : base_url_(std::move(base_url)), timeout_(timeout) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi_ = curl_multi_init();
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, static_cast<long>(connections_max));
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(connections_max));
  }

  ~Impl() {
    for (auto& [handle, transfer] : transfers_) {
      curl_multi_remove_handle(multi_, handle);
      curl_easy_cleanup(handle);
    }
    for (CURL* handle : idle_) curl_easy_cleanup(handle);
    curl_multi_cleanup(multi_);
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void Send(const std::string& target, const std::string& body, Done done) {
    CURL* handle = TakeHandle();
    auto transfer = std::make_unique<Transfer>();
    transfer->handle = handle;
    transfer->body_sent = body;
    transfer->done = std::move(done);
    curl_easy_setopt(handle, CURLOPT_URL, (base_url_ + target).c_str());
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout_.count()));
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, TakeBody);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, transfer.get());
    if (!body.empty()) {
      curl_easy_setopt(handle, CURLOPT_POSTFIELDS, transfer->body_sent.c_str());
      curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE, static_cast<long>(transfer->body_sent.size()));
    }
    transfers_[handle] = std::move(transfer);
    curl_multi_add_handle(multi_, handle);
  }

  size_t in_flight() const { return transfers_.size(); }

  void Run(steady_clock::time_point until) {
    int running = 0;
    curl_multi_perform(multi_, &running);
    TakeFinished();
    const auto left = duration_cast<milliseconds>(until - steady_clock::now()).count();
    // Rounded down: the last millisecond is passed by asking again.
    if (left > 0) curl_multi_poll(multi_, nullptr, 0, static_cast<int>(std::min<int64_t>(left, 1000)), nullptr);
  }

 private:
  CURL* TakeHandle() {
    if (idle_.empty()) return curl_easy_init();
    CURL* handle = idle_.back();
    idle_.pop_back();
    curl_easy_reset(handle);
    return handle;
  }

  void TakeFinished() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* handle = message->easy_handle;
      const CURLcode code = message->data.result;
      auto node = transfers_.extract(handle);
      long status = 0;
      curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
      curl_multi_remove_handle(multi_, handle);
      idle_.push_back(handle);
      Transfer& transfer = *node.mapped();
      transfer.answer.status = static_cast<int>(status);
      if (code == CURLE_OK) {
        transfer.done(std::move(transfer.answer));
      } else {
        transfer.done(Fail("ClientError", "{}", curl_easy_strerror(code)));
      }
    }
  }

  const std::string base_url_;
  const milliseconds timeout_;
  CURLM* multi_;
  std::vector<CURL*> idle_;
  std::unordered_map<CURL*, std::unique_ptr<Transfer>> transfers_;
};

LoadClient::LoadClient(std::string base_url, milliseconds timeout, size_t connections_max)
    : impl_(std::make_unique<Impl>(std::move(base_url), timeout, connections_max)) {}
LoadClient::~LoadClient() = default;
void LoadClient::Send(const std::string& target, const std::string& body, Done done) {
  impl_->Send(target, body, std::move(done));
}
size_t LoadClient::in_flight() const {
  return impl_->in_flight();
}
void LoadClient::Run(steady_clock::time_point until) {
  impl_->Run(until);
}

}  // namespace demo::traffic
