#include "net/curl_transfer.h"

#include <curl/curl.h>

#include <mutex>

namespace sightline::net {
namespace {

constexpr int kPollMillis = 100;  // how soon `cancelled` is noticed

}  // namespace

void InitializeCurl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

// The multi interface, because the easy one looks up only once a second while nothing arrives.
Result<int> RunTransfer(void* multi, void* easy, const std::function<bool()>& cancelled) {
  curl_multi_add_handle(multi, easy);
  CURLcode code = CURLE_OK;
  bool stop = false;
  for (int running = 1;;) {
    if (curl_multi_perform(multi, &running) != CURLM_OK) code = CURLE_FAILED_INIT;
    if (running == 0 || code != CURLE_OK) break;
    stop = cancelled && cancelled();
    if (stop) break;
    curl_multi_poll(multi, nullptr, 0, kPollMillis, nullptr);
  }
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->msg == CURLMSG_DONE && message->easy_handle == easy) code = message->data.result;
  }
  curl_multi_remove_handle(multi, easy);
  if (stop) return Fail(Code::kCancelled, "cancelled");
  return static_cast<int>(code);
}

}  // namespace sightline::net
