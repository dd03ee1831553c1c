#include "store/http_gateway.h"

#include <atomic>
#include <random>
#include <set>

#include "net/compression.h"
#include "store/remote_exception.h"
#include "store/sql_text.h"

namespace sightline::store {
namespace {

// An answer up to this size is held back until the statement is done, so that its error can have a status of its own.
constexpr size_t kHeldBytesMax = 64 << 10;

// Arguments of the URL that are not settings.
const std::set<std::string, std::less<>>& HttpOnlyArguments() {
  static const std::set<std::string, std::less<>> names = {
      "query",    "default_format", "query_id",          "user",          "password",        "quota_key",
      "compress", "decompress",     "session_id",        "session_check", "session_timeout", "stacktrace",
      "role",     "buffer_size",    "wait_end_of_query", "close_session"};
  return names;
}

std::string RandomTag() {
  static std::mutex mutex;
  static std::mt19937_64 random{std::random_device{}()};
  const std::lock_guard lock(mutex);
  return fmt::format("{:016x}", random());
}

std::string_view ContentType(std::string_view format) {
  if (format == "JSON" || format.starts_with("JSONCompact") || format.starts_with("JSONStrings")) {
    return "application/json; charset=UTF-8";
  }
  if (format == "TabSeparated" || format == "TSV") return "text/tab-separated-values; charset=UTF-8";
  if (format == "CSV" || format == "CSVWithNames") return "text/csv; charset=UTF-8";
  if (format == "Native" || format == "RowBinary" || format == "Parquet") return "application/octet-stream";
  return "text/plain; charset=UTF-8";
}

net::HttpResponse ErrorResponse(const Error& error) {
  std::string message = error.message;
  if (error.code == Code::kCancelled) {
    message = "Code: 394. DB::Exception: Query was cancelled (QUERY_WAS_CANCELLED)";
  } else if (ClickHouseCode(message) == 0) {
    message = "Code: 1002. DB::Exception: " + message;
  }
  const int code = ClickHouseCode(message);
  int status = 500;
  if (error.code == Code::kInvalidArgument) status = 400;
  if (error.code == Code::kNotFound) status = 404;
  if (code == 516) status = 403;
  if (code == 202) status = 503;
  net::HttpResponse response{.status = status, .content_type = "text/plain; charset=UTF-8", .body = message + "\n"};
  response.headers.emplace_back("X-ClickHouse-Exception-Code", std::to_string(code));
  return response;
}

std::string Summary(uint64_t rows_read, uint64_t bytes_read, uint64_t rows_written) {
  return fmt::format(R"({{"read_rows":"{}","read_bytes":"{}","written_rows":"{}"}})", rows_read, bytes_read,
                     rows_written);
}

// "KILL QUERY WHERE query_id = 'X' [ASYNC]" -> X. Ids of HTTP queries are known here, not to the engine.
std::string KilledQueryId(std::string_view sql) {
  constexpr std::string_view kStart = "KILL QUERY WHERE query_id = '";
  if (!sql.starts_with(kStart)) return "";
  sql.remove_prefix(kStart.size());
  const size_t end = sql.find('\'');
  if (end == std::string_view::npos) return "";
  const std::string_view rest = sql.substr(end + 1);
  return rest.empty() || rest == " ASYNC" ? std::string(sql.substr(0, end)) : "";
}

// A statement's answer on its way out: held back while it is small, then streamed.
class Answer {
 public:
  Answer(const net::HttpResponder& responder, std::string format, std::string query_id)
      : responder_(responder), format_(std::move(format)), query_id_(std::move(query_id)), tag_(RandomTag()) {}

  bool Write(std::string_view piece) {
    if (!streaming_) {
      held_ += piece;
      if (held_.size() <= kHeldBytesMax) return true;
      net::HttpResponse head = Head();
      head.headers.emplace_back("X-ClickHouse-Exception-Tag", tag_);
      responder_.Begin(std::move(head));
      streaming_ = true;
      const bool more = responder_.Write(held_);
      held_ = {};
      return more;
    }
    return responder_.Write(piece);
  }

  void End(const std::string& summary) {
    if (streaming_) return responder_.End();
    net::HttpResponse response = Head();
    response.headers.emplace_back("X-ClickHouse-Summary", summary);
    response.body = std::move(held_);
    responder_.Send(std::move(response));
  }

  void Fail(const Error& error) {
    if (!streaming_) return responder_.Send(ErrorResponse(error));
    responder_.Write(ExceptionBlock(tag_, ErrorResponse(error).body));
    responder_.Abort();
  }

 private:
  net::HttpResponse Head() const {
    net::HttpResponse head{.content_type = std::string(ContentType(format_))};
    head.headers.emplace_back("X-ClickHouse-Format", format_);
    head.headers.emplace_back("X-ClickHouse-Query-Id", query_id_);
    return head;
  }

  const net::HttpResponder& responder_;
  const std::string format_, query_id_, tag_;
  std::string held_;
  bool streaming_ = false;
};

}  // namespace

HttpGateway::HttpGateway(EmbeddedClickHouse& clickhouse, HttpGatewayOptions options)
    : clickhouse_(clickhouse), options_(std::move(options)) {
  for (int i = 0; i < options_.workers; ++i) workers_.emplace_back([this] { RunWorker(); });
}

HttpGateway::~HttpGateway() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto& [id, cancellation] : running_) cancellation->Cancel();
  }
  work_added_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

bool HttpGateway::IsAllowed(const net::HttpRequest& request) const {
  if (options_.user.empty()) return true;
  const auto value = [&](std::string_view header, std::string_view argument) {
    const std::string* in_url = request.QueryValue(argument);
    return in_url != nullptr ? *in_url : std::string(request.Header(header));
  };
  return value("X-ClickHouse-User", "user") == options_.user &&
         value("X-ClickHouse-Key", "password") == options_.password;
}

void HttpGateway::Handle(net::HttpRequest request, net::HttpResponder responder) {
  const bool is_ping = request.path == "/ping";
  if (is_ping || (request.method == "GET" && request.QueryValue("query") == nullptr)) {
    if (!is_ping && request.path != "/") {
      return responder.Send(
          {.status = 404, .content_type = "text/plain", .body = "There is no " + request.path + "\n"});
    }
    return responder.Send({.content_type = "text/plain; charset=UTF-8", .body = "Ok.\n"});
  }
  if (!IsAllowed(request)) {
    return responder.Send(ErrorResponse({Code::kFailedPrecondition,
                                         "Code: 516. DB::Exception: Authentication failed: password is incorrect, or "
                                         "there is no user with such name. (AUTHENTICATION_FAILED)"}));
  }
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_ && waiting_.size() < options_.waiting_max) {
      waiting_.push_back({std::move(request), std::move(responder)});
      work_added_.notify_one();
      return;
    }
  }
  responder.Send(ErrorResponse({Code::kUnavailable,
                                "Code: 202. DB::Exception: Too many simultaneous queries. "
                                "(TOO_MANY_SIMULTANEOUS_QUERIES)"}));
}

void HttpGateway::RunWorker() {
  while (true) {
    std::unique_lock lock(mutex_);
    work_added_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;  // what waits is dropped: its clients see 500
    Work work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    Run(work.request, work.responder);
  }
}

void HttpGateway::Run(net::HttpRequest& request, const net::HttpResponder& responder) {
  auto body = net::Decompress(request.Header("Content-Encoding"), std::move(request.body), options_.body_bytes_max);
  if (!body) return responder.Send(ErrorResponse(body.error()));
  QueryOptions options{.format = "TabSeparated", .read_only = request.method == "GET"};
  std::string sql, query_id;
  for (const auto& [name, value] : request.query) {
    if (name == "query") sql = value;
    if (name == "query_id") query_id = value;
    if (name == "default_format") options.format = value;
    if (name.starts_with("param_")) {
      options.parameters[name.substr(6)] = value;
    } else if (!HttpOnlyArguments().contains(name)) {
      options.settings[name] = value;
    }
  }
  if (const auto read_only = options.settings.find("readonly"); read_only != options.settings.end()) {
    options.read_only = options.read_only || read_only->second != "0";
  }
  // The rows of an INSERT follow it in the body, or are the body when it stands in the URL.
  std::string_view data = *body;
  if (sql.empty()) {
    sql = *body;
    data = {};
  }
  const SqlShape shape = ReadShape(sql);
  if (!shape.insert_of_data) {
    sql += data;
    options.parameters = UnescapeParameters(sql, options.parameters);
    return RunQuery(sql, options, query_id, responder);
  }
  const std::string statement = sql;
  if (data.empty() && !shape.format.empty()) {
    data = std::string_view(statement).substr(shape.format_end);
    while (data.starts_with(' ') || data.starts_with('\r')) data.remove_prefix(1);
    if (data.starts_with('\n')) data.remove_prefix(1);
  }
  if (!shape.format.empty()) sql.resize(shape.format_begin);
  auto rows = clickhouse_.Insert(sql, shape.format.empty() ? "Values" : shape.format, data, options.settings);
  if (!rows) return responder.Send(ErrorResponse(rows.error()));
  Answer(responder, options.format, query_id).End(Summary(0, 0, *rows));
}

void HttpGateway::RunQuery(const std::string& sql, const QueryOptions& options, const std::string& query_id,
                           const net::HttpResponder& responder) {
  if (const std::string killed = KilledQueryId(sql); !killed.empty()) {
    Kill(killed);
    return Answer(responder, options.format, query_id).End(Summary(0, 0, 0));
  }
  auto cancellation = std::make_shared<Cancellation>();
  std::multimap<std::string, std::shared_ptr<Cancellation>>::iterator registered;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) cancellation->Cancel();
    registered = running_.emplace(query_id, cancellation);
  }
  responder.OnClientGone([cancellation] { cancellation->Cancel(); });
  Answer answer(responder, options.format, query_id);
  auto stats =
      clickhouse_.Query(sql, options, [&](std::string_view piece) { return answer.Write(piece); }, cancellation.get());
  {
    const std::lock_guard lock(mutex_);
    running_.erase(registered);
  }
  if (!stats) return answer.Fail(stats.error());
  answer.End(Summary(stats->rows_read, stats->bytes_read, 0));
}

void HttpGateway::Kill(const std::string& query_id) {
  const std::lock_guard lock(mutex_);
  const auto [begin, end] = running_.equal_range(query_id);
  for (auto query = begin; query != end; ++query) query->second->Cancel();
}

}  // namespace sightline::store
