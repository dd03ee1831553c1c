// Notifications as mails.
#pragma once

#include <string>

#include "net/smtp_client.h"
#include "notify/notification.h"

namespace sightline::notify {

// Without sender and recipients. Mails of a group are of one thread. `host`: of the UI, for message ids.
net::Mail MailOf(const Notification& notification, const std::string& public_url, const std::string& host);

}  // namespace sightline::notify
