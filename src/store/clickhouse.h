// The contract with ClickHouse. Two implementations: libchdb in this process (embedded.h) and ClickHouse over HTTP
// (remote.h); one suite of contract tests runs against both, and nothing outside store/ knows which one runs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace sightline::store {

// An error of ClickHouse keeps its number: ClickHouseCode(error.message) gives it back (0 if the error is not
// ClickHouse's). Messages read "Code: 47. DB::Exception: ...".
int ClickHouseCode(const std::string& message);

struct QueryOptions {
  std::map<std::string, std::string>
      parameters;  // {name:Type} in the text; values are plain text, the implementation escapes them
  std::string format = "JSONCompactEachRow";  // any output format of ClickHouse
  // e.g. max_execution_time; bound to this query only. The name "database" sets the current database.
  std::map<std::string, std::string> settings;
  bool read_only = true;  // readonly=2-like: no writes, no DDL
};

// What a statement cost, for "scanned" in answers.
struct QueryStats {
  uint64_t rows_read = 0, bytes_read = 0;
  double elapsed_seconds = 0;
};

// Lets another thread end a running query. Thread: any.
class Cancellation {
 public:
  void Cancel();  // idempotent; before, during or after the query
  bool cancelled() const;
  // For implementations: called once by Cancel; called at once if already cancelled. Empty function to clear.
  void OnCancel(std::function<void()> action);

 private:
  struct State;
  std::shared_ptr<State> state_ = MakeState();
  static std::shared_ptr<State> MakeState();
};

// Thread: any (implementations keep a bounded pool of connections and wait for a free one).
class ClickHouse {
 public:
  virtual ~ClickHouse() = default;

  // DDL and other statements without a result. One statement.
  virtual Result<void> Execute(const std::string& sql, const QueryOptions& options = {.read_only = false}) = 0;

  // Streams the formatted answer in pieces as it is produced; `sink` returns false to stop early (then kCancelled).
  virtual Result<QueryStats> Query(const std::string& sql, const QueryOptions& options,
                                   const std::function<bool(std::string_view piece)>& sink,
                                   Cancellation* cancellation = nullptr) = 0;

  // Inserts Native blocks into `table` (with database) as one INSERT, atomic for each partition. `columns` in the
  // blocks' order. The same token twice is stored once within the table's deduplication window: a second net, not the
  // proof.
  virtual Result<void> InsertNative(const std::string& table, const std::vector<std::string>& columns,
                                    std::string_view native, const std::string& deduplication_token) = 0;

  // "26.7.2.1"
  virtual Result<std::string> Version() = 0;

  // The whole answer of a small query as rows of text fields (format TabSeparated, unescaped).
  Result<std::vector<std::vector<std::string>>> Rows(const std::string& sql, QueryOptions options = {});
};

// `data_directory` absolute; created if missing. kFailedPrecondition: another program has it.
struct EmbeddedOptions {
  std::string data_directory;
  std::string library;  // path of libchdb.so; empty: beside the program, then the system's
  uint64_t server_memory_bytes_max = 1'500'000'000;
  int read_connections_max = 6;
};
Result<std::unique_ptr<ClickHouse>> OpenEmbedded(const EmbeddedOptions& options);

struct RemoteOptions {
  std::string url;  // http(s)://user:password@host:8123/database
  int connections_max = 8;
};
Result<std::unique_ptr<ClickHouse>> OpenRemote(const RemoteOptions& options);

}  // namespace sightline::store
