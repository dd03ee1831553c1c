// Whether a webhook's body template comes to JSON.
#pragma once

#include <string>

#include "state/json_check.h"

namespace sightline::notify {

// What is wrong stands in `check`.
void CheckWebhookTemplate(state::JsonCheck& check, const std::string& text);

}  // namespace sightline::notify
