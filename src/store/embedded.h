// ClickHouse inside this process: the contract over libchdb. Everything that hangs or crashes the library is kept out
// here and in engine.h: one statement a connection, no second statement in a text, no KILL ... SYNC, connections closed
// before the process ends, whole-document formats never streamed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "store/clickhouse.h"
#include "store/engine.h"

namespace sightline::store {

// No call may be under way when it dies. Thread: any.
class EmbeddedClickHouse final : public ClickHouse {
 public:
  static Result<std::unique_ptr<EmbeddedClickHouse>> Open(const EmbeddedOptions& options);

  Result<void> Execute(const std::string& sql, const QueryOptions& options = {.read_only = false}) override;
  Result<QueryStats> Query(const std::string& sql, const QueryOptions& options,
                           const std::function<bool(std::string_view piece)>& sink,
                           Cancellation* cancellation = nullptr) override;
  Result<void> InsertNative(const std::string& table, const std::vector<std::string>& columns, std::string_view native,
                            const std::string& deduplication_token) override;
  Result<std::string> Version() override;

  // `sql` is an INSERT without its FORMAT clause and data. Returns the rows written.
  Result<uint64_t> Insert(const std::string& sql, const std::string& format, std::string_view data,
                          const std::map<std::string, std::string>& settings);

 private:
  explicit EmbeddedClickHouse(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}

  const std::unique_ptr<Engine> engine_;
};

}  // namespace sightline::store
