#include "store/clickhouse.h"

#include <algorithm>
#include <charconv>
#include <mutex>

#include "store/errors.h"
#include "store/sql_text.h"

namespace sightline::store {
namespace {

// Numbers: https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp. All others mean a wrong
// statement.
struct KnownCode {
  int number;
  Code code;
};
constexpr KnownCode kCodes[] = {
    {60, Code::kNotFound},             // UNKNOWN_TABLE
    {81, Code::kNotFound},             // UNKNOWN_DATABASE
    {57, Code::kAlreadyExists},        // TABLE_ALREADY_EXISTS
    {82, Code::kAlreadyExists},        // DATABASE_ALREADY_EXISTS
    {158, Code::kResourceExhausted},   // TOO_MANY_ROWS
    {173, Code::kResourceExhausted},   // CANNOT_ALLOCATE_MEMORY
    {241, Code::kResourceExhausted},   // MEMORY_LIMIT_EXCEEDED
    {307, Code::kResourceExhausted},   // TOO_MANY_BYTES
    {396, Code::kResourceExhausted},   // TOO_MANY_ROWS_OR_BYTES
    {159, Code::kDeadlineExceeded},    // TIMEOUT_EXCEEDED
    {160, Code::kDeadlineExceeded},    // TOO_SLOW
    {394, Code::kCancelled},           // QUERY_WAS_CANCELLED
    {734, Code::kCancelled},           // QUERY_WAS_CANCELLED_BY_CLIENT
    {95, Code::kUnavailable},          // CANNOT_READ_FROM_SOCKET
    {96, Code::kUnavailable},          // CANNOT_WRITE_TO_SOCKET
    {202, Code::kUnavailable},         // TOO_MANY_SIMULTANEOUS_QUERIES
    {203, Code::kUnavailable},         // NO_FREE_CONNECTION
    {209, Code::kUnavailable},         // SOCKET_TIMEOUT
    {210, Code::kUnavailable},         // NETWORK_ERROR
    {225, Code::kUnavailable},         // NO_ZOOKEEPER
    {236, Code::kUnavailable},         // ABORTED
    {242, Code::kUnavailable},         // TABLE_IS_READ_ONLY
    {243, Code::kUnavailable},         // NOT_ENOUGH_SPACE
    {252, Code::kUnavailable},         // TOO_MANY_PARTS
    {279, Code::kUnavailable},         // ALL_CONNECTION_TRIES_FAILED
    {285, Code::kUnavailable},         // TOO_FEW_LIVE_REPLICAS
    {286, Code::kUnavailable},         // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
    {319, Code::kUnavailable},         // UNKNOWN_STATUS_OF_INSERT
    {439, Code::kUnavailable},         // CANNOT_SCHEDULE_TASK
    {473, Code::kUnavailable},         // DEADLOCK_AVOIDED
    {999, Code::kUnavailable},         // KEEPER_EXCEPTION
    {192, Code::kFailedPrecondition},  // UNKNOWN_USER
    {193, Code::kFailedPrecondition},  // WRONG_PASSWORD
    {194, Code::kFailedPrecondition},  // REQUIRED_PASSWORD
    {497, Code::kFailedPrecondition},  // ACCESS_DENIED
    {516, Code::kFailedPrecondition},  // AUTHENTICATION_FAILED
    {40, Code::kDataLoss},             // CHECKSUM_DOESNT_MATCH
    {246, Code::kDataLoss},            // CORRUPTED_DATA
    {271, Code::kDataLoss},            // CANNOT_DECOMPRESS
    {0, Code::kInternal},              // no number in the text
    {49, Code::kInternal},             // LOGICAL_ERROR
    {24, Code::kInternal},             // CANNOT_WRITE_TO_OSTREAM
    {74, Code::kInternal},             // CANNOT_READ_FROM_FILE_DESCRIPTOR
    {75, Code::kInternal},             // CANNOT_WRITE_TO_FILE_DESCRIPTOR
    {76, Code::kInternal},             // CANNOT_OPEN_FILE
    {425, Code::kInternal},            // SYSTEM_ERROR
    {1000, Code::kInternal},           // POCO_EXCEPTION
    {1001, Code::kInternal},           // STD_EXCEPTION
    {1002, Code::kInternal},           // UNKNOWN_EXCEPTION
};

}  // namespace

struct Cancellation::State {
  std::mutex mutex;
  bool cancelled = false;        // guarded by mutex
  std::function<void()> action;  // guarded by mutex; called with it held, so that clearing waits for a call under way
};

std::shared_ptr<Cancellation::State> Cancellation::MakeState() {
  return std::make_shared<State>();
}

void Cancellation::Cancel() {
  const std::lock_guard lock(state_->mutex);
  if (state_->cancelled) return;
  state_->cancelled = true;
  if (state_->action) state_->action();
}

bool Cancellation::cancelled() const {
  const std::lock_guard lock(state_->mutex);
  return state_->cancelled;
}

void Cancellation::OnCancel(std::function<void()> action) {
  const std::lock_guard lock(state_->mutex);
  state_->action = std::move(action);
  if (state_->cancelled && state_->action) state_->action();
}

int ClickHouseCode(const std::string& message) {
  constexpr std::string_view kStart = "Code: ";
  constexpr std::string_view kEnd = ". DB::";
  for (size_t at = message.find(kStart); at != std::string::npos; at = message.find(kStart, at + 1)) {
    int code = 0;
    const char* begin = message.data() + at + kStart.size();
    const char* end = message.data() + message.size();
    const auto [rest, error] = std::from_chars(begin, end, code);
    if (error == std::errc() && std::string_view(rest, end).starts_with(kEnd)) return code;
  }
  return 0;
}

Error ClickHouseError(std::string message) {
  const auto known = std::ranges::find(kCodes, ClickHouseCode(message), &KnownCode::number);
  Code code = known == std::end(kCodes) ? Code::kInvalidArgument : known->code;
  if (message.find("No space left on device") != std::string::npos) code = Code::kUnavailable;
  return Error{code, std::move(message)};
}

Result<std::vector<std::vector<std::string>>> ClickHouse::Rows(const std::string& sql, QueryOptions options) {
  options.format = "TabSeparated";
  std::string text;
  auto stats = Query(sql, options, [&](std::string_view piece) {
    text += piece;
    return true;
  });
  if (!stats) return std::unexpected(std::move(stats).error());
  return ParseTabSeparated(text);
}

}  // namespace sightline::store
