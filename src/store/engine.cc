#include "store/engine.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "otlp/sql_quote.h"
#include "store/engine_config.h"
#include "store/errors.h"
#include "store/sql_text.h"

namespace sightline::store {
namespace {

constexpr int kWriteConnectionsMax = 3;
constexpr int kReaderThreads = 2;
constexpr std::chrono::milliseconds kCancelPoll{50};
constexpr std::chrono::milliseconds kKillInterval{20};
constexpr std::chrono::seconds kPurgeInterval{60};

// libchdb has one data path per process.
std::atomic<bool> engine_open = false;

// The engine's threads inherit the mask of the thread that connects: they take no signal that is meant for the program.
class BlockSignals {
 public:
  BlockSignals() {
    sigset_t all;
    sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP}) sigdelset(&all, fault);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

bool IsSettingName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
  });
}

Result<void> WriteFile(const std::string& path, const std::string& text) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return Fail(Code::kUnavailable, "write {}: {}", path, std::strerror(errno));
  const ssize_t written = write(file, text.data(), text.size());
  const int error = errno;
  close(file);
  if (written != static_cast<ssize_t>(text.size())) {
    return Fail(Code::kUnavailable, "write {}: {}", path, written < 0 ? std::strerror(error) : "disk full");
  }
  return {};
}

// What the statements of a connection carry in system.processes.
std::string Mark(uint64_t connection) {
  return fmt::format("sightline-connection-{}", connection);
}

}  // namespace

Result<void> ChdbStatus(const ChdbApi& api, ChdbResult* result) {
  const char* error = api.result_error(result);
  if (error == nullptr || *error == '\0') return {};
  std::string message = error;
  if (message.starts_with("Error: ")) message.erase(0, 7);
  return std::unexpected(ClickHouseError(std::move(message)));
}

// Holds DIRECTORY/sightline.lock, so that a second Sightline gets a clear answer; the engine's own lock would only make
// it print to stderr. That one ("status") is looked at too, for other programs with libchdb in them.
struct Engine::DirectoryLock {
  int file = -1;
  ~DirectoryLock() {
    if (file >= 0) close(file);
  }

  static Result<std::unique_ptr<DirectoryLock>> Take(const std::string& directory) {
    auto lock = std::make_unique<DirectoryLock>();
    const std::string path = directory + "/sightline.lock";
    lock->file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock->file < 0) return Fail(Code::kUnavailable, "open {}: {}", path, std::strerror(errno));
    if (flock(lock->file, LOCK_EX | LOCK_NB) != 0) return InUse(directory);
    const int status = open((directory + "/status").c_str(), O_RDWR | O_CLOEXEC);
    if (status >= 0) {
      const bool free = flock(status, LOCK_EX | LOCK_NB) == 0;
      close(status);  // gives the lock back
      if (!free) return InUse(directory);
    }
    return lock;
  }

  static std::unexpected<Error> InUse(const std::string& directory) {
    return Fail(Code::kFailedPrecondition, "the data directory {} is in use by another program", directory);
  }
};

Engine::Engine(const ChdbApi* api, const EmbeddedOptions& options, std::unique_ptr<DirectoryLock> lock)
    : api_(api), options_(options), lock_(std::move(lock)) {
  pools_[static_cast<int>(Role::kRead)].slots_free = std::max(1, options.read_connections_max);
  pools_[static_cast<int>(Role::kWrite)].slots_free = kWriteConnectionsMax;
}

Result<std::unique_ptr<Engine>> Engine::Open(const EmbeddedOptions& options) {
  const std::filesystem::path directory = options.data_directory;
  if (!directory.is_absolute()) {
    return Fail(Code::kInvalidArgument, "the data directory must be an absolute path: {}", options.data_directory);
  }
  auto api = LoadChdb(options.library);
  if (!api) return std::unexpected(std::move(api).error());
  std::error_code error;
  if (std::filesystem::create_directories(directory, error)) chmod(directory.c_str(), 0700);
  if (error) return Fail(Code::kUnavailable, "create {}: {}", directory.string(), error.message());
  auto lock = DirectoryLock::Take(directory.string());
  if (!lock) return std::unexpected(std::move(lock).error());
  SIGHTLINE_TRY(WriteFile(directory / "clickhouse.xml", EngineConfig(options.server_memory_bytes_max)));

  if (engine_open.exchange(true)) {
    return Fail(Code::kFailedPrecondition, "this program has another data directory open; libchdb allows one");
  }
  std::unique_ptr<Engine> engine(new Engine(*api, options, std::move(*lock)));
  auto control = engine->Connect(Role::kWrite, true);
  if (!control) return std::unexpected(std::move(control).error());
  engine->control_ = *control;
  engine->control_thread_ = std::thread([raw = engine.get()] { raw->RunControl(); });
  return engine;
}

Engine::~Engine() {
  {
    const std::lock_guard lock(control_mutex_);
    stopping_ = true;
  }
  control_wakeup_.notify_all();
  if (control_thread_.joinable()) control_thread_.join();
  for (Pool& pool : pools_) {
    for (const Connection& connection : pool.idle) Close(connection);
  }
  if (control_.handle != nullptr) Close(control_);
  engine_open = false;
}

Result<Engine::Connection> Engine::Connect(Role role, bool pooled) {
  std::vector<std::string> arguments = {"sightline", "--path=" + options_.data_directory,
                                        "--config-file=" + options_.data_directory + "/clickhouse.xml",
                                        // The engine would take the machine's zone, and a time's text mean what it says
                                        // only there. The configuration's <timezone> is not heard by libchdb.
                                        "--session_timezone=UTC"};
  if (role == Role::kRead) {
    arguments.push_back(fmt::format("--max_threads={}", kReaderThreads));
    if (pooled) arguments.push_back("--readonly=2");
  }
  if (role == Role::kWrite) {
    // They cost a tenth of an insert, and fresh parts are few and small enough to be read without them.
    arguments.emplace_back("--exclude_materialize_skip_indexes_on_insert=idx_attribute_keys, idx_attribute_values");
  }
  const std::lock_guard lock(connect_mutex_);
  const uint64_t number = ++connections_;
  arguments.push_back("--log_comment=" + Mark(number));
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  const BlockSignals block_signals;
  const Connection connection = {api_->connect(static_cast<int>(pointers.size()), pointers.data()), number};
  if (connection.handle == nullptr || *connection.handle == nullptr) {
    return Fail(Code::kInternal, "libchdb could not open {}; its reason stands on standard error",
                options_.data_directory);
  }
  return connection;
}

void Engine::Close(Connection connection) {
  const std::lock_guard lock(connect_mutex_);
  api_->close(connection.handle);
}

Result<void> Engine::ApplySettings(Role role, Connection connection,
                                   const std::map<std::string, std::string>& settings) {
  std::string list;
  std::string read_only = role == Role::kRead ? "2" : "";
  for (const auto& [name, value] : settings) {
    if (!IsSettingName(name))
      return Fail(Code::kInvalidArgument, "Code: 115. DB::Exception: Not a setting's name: \"{}\" (UNKNOWN_SETTING)",
                  name);
    if (name == "readonly") {
      read_only = value;
    } else if (name != "database") {
      list += fmt::format("{}{} = {}", list.empty() ? "" : ", ", name, otlp::QuoteString(value));
    }
  }
  // The last one, as it forbids further ones.
  if (!read_only.empty()) list += fmt::format("{}readonly = {}", list.empty() ? "" : ", ", otlp::QuoteString(read_only));
  std::vector<std::string> statements;
  if (auto database = settings.find("database"); database != settings.end()) {
    statements.push_back("USE " + otlp::QuoteName(database->second));
  }
  if (!list.empty()) statements.push_back("SET " + list);
  for (const std::string& sql : statements) {
    ChdbResult* result =
        api_->query(*connection.handle, sql.data(), sql.size(), "Null", 4, nullptr, nullptr, nullptr, nullptr, 0);
    auto status = ChdbStatus(*api_, result);
    api_->destroy_result(result);
    SIGHTLINE_TRY(std::move(status));
  }
  return {};
}

Result<Engine::Lease> Engine::Acquire(Role role, const std::map<std::string, std::string>& settings,
                                      Cancellation* cancellation) {
  Pool& pool = pools_[static_cast<int>(role)];
  Connection connection;
  {
    std::unique_lock lock(pool_mutex_);
    while (pool.slots_free == 0) {
      if (cancellation != nullptr && cancellation->cancelled()) {
        return Fail(Code::kCancelled, "cancelled while waiting for a connection");
      }
      slot_free_.wait_for(lock, kCancelPoll);
    }
    --pool.slots_free;
    if (settings.empty() && !pool.idle.empty()) {
      connection = pool.idle.back();
      pool.idle.pop_back();
    }
  }
  const bool keep = settings.empty();
  if (connection.handle == nullptr) {
    auto opened = Connect(role, keep);
    if (!opened) {
      Return(role, {}, false);
      return std::unexpected(std::move(opened).error());
    }
    connection = *opened;
  }
  Lease lease(this, role, connection, keep);
  if (!keep) SIGHTLINE_TRY(ApplySettings(role, connection, settings));
  return lease;
}

void Engine::Return(Role role, Connection connection, bool keep) {
  if (connection.handle != nullptr && !keep) Close(connection);
  {
    const std::lock_guard lock(pool_mutex_);
    Pool& pool = pools_[static_cast<int>(role)];
    ++pool.slots_free;
    if (connection.handle != nullptr && keep) pool.idle.push_back(connection);
  }
  slot_free_.notify_one();
}

Engine::Running::Running(Engine& engine, const Lease& lease, Cancellation* cancellation)
    : engine_(engine), connection_(lease.number()), cancellation_(cancellation) {
  {
    const std::lock_guard lock(engine_.control_mutex_);
    ++engine_.statements_;
  }
  if (cancellation_ == nullptr) return;
  cancellation_->OnCancel([this] {
    const std::lock_guard lock(engine_.control_mutex_);
    engine_.to_kill_.insert(connection_);
    engine_.control_wakeup_.notify_all();
  });
}

// A kill that is under way must not meet the connection's next statement.
Engine::Running::~Running() {
  if (cancellation_ == nullptr) return;
  cancellation_->OnCancel({});
  std::unique_lock lock(engine_.control_mutex_);
  engine_.to_kill_.erase(connection_);
  engine_.kill_ended_.wait(lock, [this] { return !engine_.being_killed_.contains(connection_); });
}

// Kills statements until they are gone (a statement that is cancelled before the engine knows it is killed a moment
// later), and gives freed memory back to the system once in a while.
void Engine::RunControl() {
  auto next_purge = std::chrono::steady_clock::now() + kPurgeInterval;
  uint64_t statements_purged = 0;
  std::unique_lock lock(control_mutex_);
  while (!stopping_) {
    if (!to_kill_.empty()) {
      being_killed_ = to_kill_;
      std::string marks;
      for (const uint64_t connection : being_killed_) {
        marks += fmt::format("{}{}", marks.empty() ? "" : ", ", otlp::QuoteString(Mark(connection)));
      }
      lock.unlock();
      // Never SYNC: it waits for ever, as the entry of a failed statement lives until its connection runs the next one.
      (void)Control("KILL QUERY WHERE Settings['log_comment'] IN (" + marks + ") ASYNC");
      lock.lock();
      being_killed_.clear();
      kill_ended_.notify_all();
      control_wakeup_.wait_for(lock, kKillInterval, [this] { return stopping_; });
      continue;
    }
    control_wakeup_.wait_until(lock, next_purge, [this] { return stopping_ || !to_kill_.empty(); });
    if (stopping_ || std::chrono::steady_clock::now() < next_purge) continue;
    next_purge = std::chrono::steady_clock::now() + kPurgeInterval;
    if (statements_ == statements_purged) continue;
    statements_purged = statements_;
    lock.unlock();
    (void)Control("SYSTEM JEMALLOC PURGE");
    lock.lock();
  }
}

Result<void> Engine::Control(const std::string& sql) {
  ChdbResult* result =
      api_->query(*control_.handle, sql.data(), sql.size(), "Null", 4, nullptr, nullptr, nullptr, nullptr, 0);
  auto status = ChdbStatus(*api_, result);
  api_->destroy_result(result);
  return status;
}

}  // namespace sightline::store
