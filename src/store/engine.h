// One libchdb engine on one data directory: the directory's lock, the engine's generated configuration, its connections
// and the ending of running statements. embedded.h puts the contract's statements on top of it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "store/chdb_api.h"
#include "store/clickhouse.h"

namespace sightline::store {

// Owns the directory and all connections. Only one can exist in a process at a time (kFailedPrecondition else), as
// libchdb has one data path per process; after it is gone another directory may be opened. When it dies every lease
// must be back; it closes the control connection last, which stops the engine's threads. Thread: any.
class Engine {
 public:
  static Result<std::unique_ptr<Engine>> Open(const EmbeddedOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  enum class Role { kRead, kWrite };

  // `number` is never used again, and marks the connection's statements in system.processes: there a statement's text
  // comes without its comments when it has parameters.
  struct Connection {
    ChdbConnection handle = nullptr;
    uint64_t number = 0;
  };

  // One connection, the holder's alone. Goes back to the pool, or is closed when it carries settings of its statement.
  class Lease {
   public:
    Lease(Engine* engine, Role role, Connection connection, bool keep)
        : engine_(engine), role_(role), connection_(connection), keep_(keep) {}
    Lease(Lease&& other) noexcept
        : engine_(std::exchange(other.engine_, nullptr)),
          role_(other.role_),
          connection_(other.connection_),
          keep_(other.keep_) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (engine_ != nullptr) engine_->Return(role_, connection_, keep_);
    }
    ChdbHandle* handle() const { return *connection_.handle; }
    uint64_t number() const { return connection_.number; }

   private:
    Engine* engine_;
    Role role_;
    Connection connection_;
    bool keep_;
  };

  // Waits for a free slot of `role`. Without settings a pooled connection is taken (role kRead: readonly=2). With
  // settings a fresh connection gets them and is closed afterwards, so that nothing leaks into the next statement. The
  // setting named "database" sets the current database.
  Result<Lease> Acquire(Role role, const std::map<std::string, std::string>& settings, Cancellation* cancellation);

  // A statement runs on the lease's connection while this lives; its cancellation ends it in the engine.
  class Running {
   public:
    Running(Engine& engine, const Lease& lease, Cancellation* cancellation);
    ~Running();
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    Engine& engine_;
    const uint64_t connection_;  // its number
    Cancellation* const cancellation_;
  };

  const ChdbApi& api() const { return *api_; }

 private:
  struct DirectoryLock;
  struct Pool {
    int slots_free = 0;
    std::vector<Connection> idle;
  };

  Engine(const ChdbApi* api, const EmbeddedOptions& options, std::unique_ptr<DirectoryLock> lock);
  Result<Connection> Connect(Role role, bool pooled);
  Result<void> ApplySettings(Role role, Connection connection, const std::map<std::string, std::string>& settings);
  void Return(Role role, Connection connection, bool keep);
  void Close(Connection connection);
  void RunControl();
  Result<void> Control(const std::string& sql);

  const ChdbApi* const api_;
  const EmbeddedOptions options_;
  const std::unique_ptr<DirectoryLock> lock_;
  Connection control_;  // opened first, closed last; only the control thread runs statements on it

  std::mutex connect_mutex_;  // connections are opened and closed one at a time
  uint64_t connections_ = 0;  // opened since the start; guarded by connect_mutex_

  std::mutex pool_mutex_;
  std::condition_variable slot_free_;
  Pool pools_[2];  // by role; guarded by pool_mutex_

  std::mutex control_mutex_;
  std::condition_variable control_wakeup_, kill_ended_;
  std::set<uint64_t> to_kill_, being_killed_;  // numbers of connections; guarded by control_mutex_
  uint64_t statements_ = 0;                    // since the start; guarded by control_mutex_
  bool stopping_ = false;                      // guarded by control_mutex_
  std::thread control_thread_;
};

// The statement's result as an error of ours, or nothing. `result` stays the caller's.
Result<void> ChdbStatus(const ChdbApi& api, ChdbResult* result);

}  // namespace sightline::store
