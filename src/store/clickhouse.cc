#include "store/clickhouse.h"

#include <charconv>
#include <mutex>

#include "store/errors.h"
#include "store/sql_text.h"

namespace sightline::store {

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
  // Numbers: https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp
  Code code = Code::kInvalidArgument;
  switch (ClickHouseCode(message)) {
    case 60:  // UNKNOWN_TABLE
    case 81:  // UNKNOWN_DATABASE
      code = Code::kNotFound;
      break;
    case 57:  // TABLE_ALREADY_EXISTS
    case 82:  // DATABASE_ALREADY_EXISTS
      code = Code::kAlreadyExists;
      break;
    case 158:  // TOO_MANY_ROWS
    case 173:  // CANNOT_ALLOCATE_MEMORY
    case 241:  // MEMORY_LIMIT_EXCEEDED
    case 307:  // TOO_MANY_BYTES
    case 396:  // TOO_MANY_ROWS_OR_BYTES
      code = Code::kResourceExhausted;
      break;
    case 159:  // TIMEOUT_EXCEEDED
    case 160:  // TOO_SLOW
      code = Code::kDeadlineExceeded;
      break;
    case 394:  // QUERY_WAS_CANCELLED
    case 734:  // QUERY_WAS_CANCELLED_BY_CLIENT
      code = Code::kCancelled;
      break;
    case 95:   // CANNOT_READ_FROM_SOCKET
    case 96:   // CANNOT_WRITE_TO_SOCKET
    case 202:  // TOO_MANY_SIMULTANEOUS_QUERIES
    case 203:  // NO_FREE_CONNECTION
    case 209:  // SOCKET_TIMEOUT
    case 210:  // NETWORK_ERROR
    case 225:  // NO_ZOOKEEPER
    case 236:  // ABORTED
    case 242:  // TABLE_IS_READ_ONLY
    case 243:  // NOT_ENOUGH_SPACE
    case 252:  // TOO_MANY_PARTS
    case 279:  // ALL_CONNECTION_TRIES_FAILED
    case 285:  // TOO_FEW_LIVE_REPLICAS
    case 286:  // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
    case 319:  // UNKNOWN_STATUS_OF_INSERT
    case 439:  // CANNOT_SCHEDULE_TASK
    case 473:  // DEADLOCK_AVOIDED
    case 999:  // KEEPER_EXCEPTION
      code = Code::kUnavailable;
      break;
    case 192:  // UNKNOWN_USER
    case 193:  // WRONG_PASSWORD
    case 194:  // REQUIRED_PASSWORD
    case 497:  // ACCESS_DENIED
    case 516:  // AUTHENTICATION_FAILED
      code = Code::kFailedPrecondition;
      break;
    case 40:   // CHECKSUM_DOESNT_MATCH
    case 246:  // CORRUPTED_DATA
    case 271:  // CANNOT_DECOMPRESS
      code = Code::kDataLoss;
      break;
    case 0:
    case 49:    // LOGICAL_ERROR
    case 24:    // CANNOT_WRITE_TO_OSTREAM
    case 74:    // CANNOT_READ_FROM_FILE_DESCRIPTOR
    case 75:    // CANNOT_WRITE_TO_FILE_DESCRIPTOR
    case 76:    // CANNOT_OPEN_FILE
    case 425:   // SYSTEM_ERROR
    case 1000:  // POCO_EXCEPTION
    case 1001:  // STD_EXCEPTION
    case 1002:  // UNKNOWN_EXCEPTION
      code = Code::kInternal;
      break;
    default:
      break;
  }
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
