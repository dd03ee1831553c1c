// What notify knows of alerts: who takes care of them, and what silences them.
#pragma once

#include <vector>

#include "base/clock.h"
#include "notify/store.h"
#include "serve/alerts_api.h"

namespace sightline::serve {

// Thread: any.
class NotificationMarks final : public AlertMarks {
 public:
  // Both must outlive it.
  NotificationMarks(notify::NotifyStore& store, const Clock& clock) : store_(store), clock_(clock) {}
  Result<std::vector<Mark>> Of(const std::vector<alert::Alert>& alerts) override;

 private:
  notify::NotifyStore& store_;
  const Clock& clock_;
};

}  // namespace sightline::serve
