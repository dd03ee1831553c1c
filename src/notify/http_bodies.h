// Notifications as receivers over HTTP take them. Pure functions. `public_url`: of the UI, for links, without a slash
// at its end.
#pragma once

#include <string>

#include "notify/notification.h"
#include "state/json_check.h"

namespace sightline::notify {

// docs/notifications.md describes it.
std::string WebhookBody(const Notification& notification, const std::string& public_url);
// The same filled into a template.
std::string WebhookBody(const Notification& notification, const std::string& public_url, const std::string& text);

// An incoming webhook's: blocks, and a text for where these are not shown.
std::string SlackBody(const Notification& notification, const std::string& public_url);

// Events API v2. One incident for a group, by dedup_key.
std::string PagerDutyBody(const Notification& notification, const std::string& public_url,
                          const std::string& routing_key);

// A list for POST /api/v2/alerts: what fires is valid until it is told again.
std::string AlertmanagerBody(const Notification& notification, const std::string& public_url);

}  // namespace sightline::notify
