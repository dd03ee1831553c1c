#include "serve/notification_marks.h"

#include <string>
#include <utility>

namespace sightline::serve {

Result<std::vector<AlertMarks::Mark>> NotificationMarks::Of(const std::vector<alert::Alert>& alerts) {
  const auto acknowledged = store_.Acknowledgements();
  if (!acknowledged) return std::unexpected(acknowledged.error());
  const auto silences = store_.Silences();
  if (!silences) return std::unexpected(silences.error());
  const int64_t now = clock_.UnixNanos();
  std::vector<Mark> marks;
  marks.reserve(alerts.size());
  for (const alert::Alert& alert : alerts) {
    notify::AlertEvent event;
    event.rule_name = alert.rule_name;
    event.labels = alert.labels;
    event.severity = alert::LevelName(alert.level);
    Mark mark{.acknowledged = acknowledged->contains(alert.fingerprint), .silenced_by = {}};
    for (const int64_t id : notify::SilencedBy(*silences, notify::LabelsToMatch(event), now)) {
      mark.silenced_by.push_back(std::to_string(id));
    }
    marks.push_back(std::move(mark));
  }
  return marks;
}

}  // namespace sightline::serve
