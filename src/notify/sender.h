// One try to bring a notification to a channel.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "notify/channel.h"
#include "notify/notification.h"

namespace sightline::notify {

struct SendOptions {
  std::string public_url;  // of the UI, without a slash at its end
  int timeout_seconds = 15;
  std::string ca_file;  // who may have signed a receiver's certificate; empty: the system's list
};

struct SendResult {
  enum class Outcome : uint8_t {
    kTaken,
    kRetry,   // it may be taken another time
    kRefused  // it never will be
  };
  Outcome outcome = Outcome::kRetry;
  int64_t status = 0;                  // HTTP's or SMTP's; 0: no answer
  std::optional<int64_t> wait_nanos;   // the receiver wants to be left alone so long
  std::string request, answer, error;  // for the log: what was sent, without secrets; what came back; why it failed
};

// "t=1783000000,v1=HEX": HMAC-SHA256 of "1783000000.BODY" with the secret.
std::string WebhookSignature(const std::string& secret, int64_t unix_seconds, const std::string& body);

// Redirects are not followed: where a message goes is what the channel says. Thread: any.
SendResult Send(const Channel& channel, const Notification& notification, const SendOptions& options,
                const Clock& clock, const std::function<bool()>& cancelled);

}  // namespace sightline::notify
