// ClickHouse over its HTTP interface: the contract over net/http_client.h. Statements go as POST bodies, parameters and
// settings in the URL; blocks go as POST bodies with their INSERT in the URL.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "net/http_client.h"
#include "store/clickhouse.h"
#include "store/remote_url.h"

namespace sightline::store {

// The oldest major version that is known to have what the schema needs.
inline constexpr int kRemoteVersionMin = 25;

// Keeps up to connections_max connections. Thread: any.
class RemoteClickHouse final : public ClickHouse {
 public:
  // Asks the server for its version: kFailedPrecondition when it is too old or refuses the login, kUnavailable when it
  // does not answer.
  static Result<std::unique_ptr<RemoteClickHouse>> Open(const RemoteOptions& options);

  Result<void> Execute(const std::string& sql, const QueryOptions& options = {.read_only = false}) override;
  Result<QueryStats> Query(const std::string& sql, const QueryOptions& options,
                           const std::function<bool(std::string_view piece)>& sink,
                           Cancellation* cancellation = nullptr) override;
  Result<void> InsertNative(const std::string& table, const std::vector<std::string>& columns, std::string_view native,
                            const std::string& deduplication_token) override;
  Result<std::string> Version() override;

 private:
  RemoteClickHouse(RemoteUrl url, int connections_max) : url_(std::move(url)), free_slots_(connections_max) {}
  std::string Url(const std::map<std::string, std::string>& arguments) const;
  net::HttpCall Post(std::string url, std::string_view body) const;
  Result<std::unique_ptr<net::HttpClient>> Take(Cancellation* cancellation);
  void Kill(const std::string& query_id);
  Result<net::HttpReply> Send(const net::HttpCall& call, Cancellation* cancellation);

  const RemoteUrl url_;
  std::mutex mutex_;
  std::condition_variable slot_free_;
  int free_slots_;                                      // guarded by mutex_
  std::vector<std::unique_ptr<net::HttpClient>> idle_;  // guarded by mutex_
};

}  // namespace sightline::store
