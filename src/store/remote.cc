#include "store/remote.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <random>

#include "otlp/sql_quote.h"
#include "store/errors.h"
#include "store/insert_text.h"
#include "store/remote_exception.h"
#include "store/sql_text.h"

namespace sightline::store {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kCancelPoll{50};
constexpr int kKillTimeoutSeconds = 5;
constexpr int kInsertTimeoutSeconds = 120;  // then the outcome is unknown: kUnavailable

// Names a query so that it can be killed; need not be unpredictable, only distinct.
std::string NewQueryId() {
  thread_local std::mt19937_64 random{std::random_device{}()};
  return fmt::format("sightline-{:016x}{:016x}", random(), random());
}

// {"read_rows":"3","read_bytes":"24", ...}
uint64_t SummaryField(std::string_view summary, std::string_view name) {
  const size_t at = summary.find(fmt::format("\"{}\":\"", name));
  if (at == std::string_view::npos) return 0;
  return std::strtoull(summary.data() + at + name.size() + 4, nullptr, 10);
}

// The error of an answer that is not 2xx.
Error AnswerError(const net::HttpReply& reply) {
  std::string message = reply.body.substr(0, kExceptionBytesMax);
  while (message.ends_with('\n')) message.pop_back();
  if (message.empty()) message = fmt::format("ClickHouse answered with HTTP status {}", reply.status);
  const std::string_view code = reply.Header("X-ClickHouse-Exception-Code");
  if (ClickHouseCode(message) == 0 && !code.empty())
    message = fmt::format("Code: {}. DB::Exception: {}", code, message);
  if (ClickHouseCode(message) != 0) return ClickHouseError(std::move(message));
  const bool later = reply.status == 429 || reply.status == 502 || reply.status == 503 || reply.status == 504;
  const bool login = reply.status == 401 || reply.status == 403;
  return Error{later ? Code::kUnavailable : login ? Code::kFailedPrecondition : Code::kInternal, std::move(message)};
}

std::unexpected<Error> Cancelled() {
  return Fail(Code::kCancelled, "the query was cancelled");
}

bool IsCancelled(Cancellation* cancellation) {
  return cancellation != nullptr && cancellation->cancelled();
}

}  // namespace

Result<std::unique_ptr<RemoteClickHouse>> RemoteClickHouse::Open(const RemoteOptions& options) {
  auto url = ParseRemoteUrl(options.url);
  if (!url) return std::unexpected(std::move(url).error());
  const std::string endpoint = url->endpoint;
  // Without the database: it may not be there yet.
  std::unique_ptr<RemoteClickHouse> remote(new RemoteClickHouse(std::move(*url), std::max(1, options.connections_max)));
  auto version = remote->Version();
  if (!version) return Wrap("ClickHouse at " + endpoint, version.error());
  if (std::atoi(version->c_str()) < kRemoteVersionMin) {
    return Fail(Code::kFailedPrecondition, "ClickHouse at {} has version {}: {} or newer is needed", endpoint, *version,
                kRemoteVersionMin);
  }
  return remote;
}

std::string RemoteClickHouse::Url(const std::map<std::string, std::string>& arguments) const {
  std::string url = url_.endpoint;
  for (const auto& [name, value] : arguments) {
    url += fmt::format("{}{}={}", url.size() == url_.endpoint.size() ? '?' : '&', net::UrlEncode(name),
                       net::UrlEncode(value));
  }
  return url;
}

net::HttpCall RemoteClickHouse::Post(std::string url, std::string_view body) const {
  net::HttpCall call{.method = "POST", .url = std::move(url), .body = body};
  if (!url_.user.empty()) call.headers.emplace_back("X-ClickHouse-User", url_.user);
  if (!url_.password.empty()) call.headers.emplace_back("X-ClickHouse-Key", url_.password);
  return call;
}

Result<std::unique_ptr<net::HttpClient>> RemoteClickHouse::Take(Cancellation* cancellation) {
  std::unique_lock lock(mutex_);
  while (free_slots_ == 0) {
    if (IsCancelled(cancellation)) return Cancelled();
    slot_free_.wait_for(lock, kCancelPoll);
  }
  --free_slots_;
  if (idle_.empty()) return std::make_unique<net::HttpClient>();
  auto client = std::move(idle_.back());
  idle_.pop_back();
  return client;
}

Result<net::HttpReply> RemoteClickHouse::Send(const net::HttpCall& call, Cancellation* cancellation) {
  auto client = Take(cancellation);
  if (!client) return std::unexpected(std::move(client).error());
  auto reply = (*client)->Call(call);
  if (!reply) {
    // The library's message names the URL, and with it a statement of any length.
    std::string& message = reply.error().message;
    if (const size_t at = message.find(call.url); at != std::string::npos) {
      message.replace(at, call.url.size(), url_.endpoint);
    }
  }
  {
    const std::lock_guard lock(mutex_);
    ++free_slots_;
    idle_.push_back(std::move(*client));
  }
  slot_free_.notify_one();
  return reply;
}

void RemoteClickHouse::Kill(const std::string& query_id) {
  // On a connection of its own: the pool may be waiting for this very query.
  const std::string sql = fmt::format("KILL QUERY WHERE query_id = {} ASYNC", otlp::QuoteString(query_id));
  net::HttpCall call = Post(url_.endpoint, sql);
  call.timeout_seconds = kKillTimeoutSeconds;
  net::HttpClient client;
  (void)client.Call(call);
}

Result<void> RemoteClickHouse::Execute(const std::string& sql, const QueryOptions& options) {
  auto stats = Query(sql, options, [](std::string_view) { return true; });
  if (!stats) return std::unexpected(std::move(stats).error());
  return {};
}

Result<QueryStats> RemoteClickHouse::Query(const std::string& sql, const QueryOptions& options,
                                           const std::function<bool(std::string_view piece)>& sink,
                                           Cancellation* cancellation) {
  const auto start = steady_clock::now();
  if (IsCancelled(cancellation)) return Cancelled();
  std::map<std::string, std::string> arguments = options.settings;
  const std::string query_id = NewQueryId();
  arguments["query_id"] = query_id;
  arguments["default_format"] = options.format;
  if (options.read_only) arguments.emplace("readonly", "2");
  for (const auto& [name, value] : EscapeParameters(sql, options.parameters)) arguments["param_" + name] = value;

  ExceptionFilter filter(sink);
  net::HttpCall call = Post(Url(arguments), sql);
  call.sink = [&](std::string_view piece) { return filter.Feed(piece); };
  if (cancellation != nullptr) call.cancelled = [&] { return cancellation->cancelled(); };
  auto reply = Send(call, cancellation);
  if (!reply) {
    if (reply.error().code == Code::kCancelled) {
      Kill(query_id);
      return Cancelled();
    }
    std::string error = filter.Broken();
    if (!error.empty()) return std::unexpected(ClickHouseError(std::move(error)));
    return std::unexpected(std::move(reply).error());
  }
  if (reply->status / 100 != 2) {
    if (IsCancelled(cancellation)) return Cancelled();
    return std::unexpected(AnswerError(*reply));
  }
  bool stopped = false;
  std::string error = filter.Finish(reply->Header("X-ClickHouse-Exception-Tag"), stopped);
  if (!error.empty()) return std::unexpected(ClickHouseError(std::move(error)));
  if (stopped) return Cancelled();
  const std::string_view summary = reply->Header("X-ClickHouse-Summary");
  return QueryStats{.rows_read = SummaryField(summary, "read_rows"),
                    .bytes_read = SummaryField(summary, "read_bytes"),
                    .elapsed_seconds = std::chrono::duration<double>(steady_clock::now() - start).count()};
}

Result<void> RemoteClickHouse::InsertNative(const std::string& table, const std::vector<std::string>& columns,
                                            std::string_view native, const std::string& deduplication_token) {
  const std::map<std::string, std::string> arguments = {
      {"query", InsertText(table, columns, deduplication_token) + " FORMAT Native"},
      {"async_insert", "0"},  // the answer must mean that the rows are in the table
      {"query_id", NewQueryId()}};
  net::HttpCall call = Post(Url(arguments), native);
  call.timeout_seconds = kInsertTimeoutSeconds;
  auto reply = Send(call, nullptr);
  if (!reply) return std::unexpected(std::move(reply).error());
  if (reply->status / 100 != 2) return std::unexpected(AnswerError(*reply));
  return {};
}

Result<std::string> RemoteClickHouse::Version() {
  // As plain as possible: the oldest server understands it.
  net::HttpCall call = Post(Url({{"default_format", "TabSeparated"}}), "SELECT version()");
  auto reply = Send(call, nullptr);
  if (!reply) return std::unexpected(std::move(reply).error());
  if (reply->status / 100 != 2) return std::unexpected(AnswerError(*reply));
  std::string text = std::move(reply->body);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

Result<std::unique_ptr<ClickHouse>> OpenRemote(const RemoteOptions& options) {
  auto remote = RemoteClickHouse::Open(options);
  if (!remote) return std::unexpected(std::move(remote).error());
  return std::unique_ptr<ClickHouse>(std::move(*remote));
}

}  // namespace sightline::store
