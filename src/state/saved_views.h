// Views that people keep under a name: a query with the page that shows it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "state/database.h"

namespace sightline::state {

inline constexpr size_t kViewsMax = 1000;
inline constexpr size_t kViewNameBytesMax = 200, kViewQueryBytesMax = 64 << 10, kViewPageBytesMax = 16 << 10;

struct ViewContent {
  std::string signal;  // "traces" or "logs"
  std::string name;    // unique among those of the signal; one line, without spaces around it
  std::string query;   // TraceQL; "": everything
  std::string page;    // what else the page shows, as the UI writes it: the query of a URL, without a time range
};

struct SavedView : ViewContent {
  int64_t id = 0;
  int64_t version = 0;  // from 1 on, one more with each change
  int64_t created_unix_nanos = 0, updated_unix_nanos = 0;
};

// Thread: any.
class SavedViews {
 public:
  // What is borrowed must outlive it.
  explicit SavedViews(Database& database, const Clock& clock = Clock::System()) : database_(database), clock_(clock) {}

  // By name; of all signals where it is "".
  Result<std::vector<SavedView>> List(const std::string& signal = "");
  Result<SavedView> Get(int64_t id);  // kNotFound

  // kInvalidArgument: no such signal, a name or a text that is too long or empty, a query that is no TraceQL;
  // kAlreadyExists: the name is taken; kResourceExhausted: there are kViewsMax already.
  Result<SavedView> Create(const ViewContent& content);

  // As Create, and: kNotFound; kFailedPrecondition: somebody else has changed it since `version`. The signal stays.
  Result<SavedView> Update(int64_t id, int64_t version, const ViewContent& content);
  Result<void> Delete(int64_t id, int64_t version);

 private:
  Database& database_;
  const Clock& clock_;
};

}  // namespace sightline::state
