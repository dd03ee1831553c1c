#include "otel/instrumentation/sqlite.h"

#include <otel/metrics.h>
#include <otel/trace.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sql_text.h"

namespace otel::instrumentation {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kScope = "sightline.sqlite";
constexpr const char* kSchemaUrl = "https://opentelemetry.io/schemas/1.37.0";
constexpr size_t kStatementsKeptMax = 256;         // of a connection; beyond it their descriptions are made anew
constexpr size_t kStatementKeptBytesMax = 16'384;  // longer ones are described each time

struct Instruments {
  Tracer tracer = GetTracer(kScope, {}, kSchemaUrl);
  Histogram<double> duration =
      GetMeter(kScope, {}, kSchemaUrl)
          .CreateHistogram<double>("db.client.operation.duration",
                                   {.unit = "s",
                                    .description = "Duration of database client operations.",
                                    .explicit_bucket_boundaries = {{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10}}});
};
const Instruments& TheInstruments() {
  static const auto* const instruments = new Instruments;
  return *instruments;
}

// What is the same for all runs of a text.
struct Statement {
  SqlDescription sql;
  std::vector<Attribute> attributes;  // of the span, and of the metric from the second one on
  BoundRecorder<double> duration;     // of runs that do not fail

  std::string_view name() const { return sql.summary.empty() ? std::string_view("sqlite") : sql.summary; }
  AttributesView metric_attributes() const { return std::span<const Attribute>(attributes).subspan(1); }
};

// A call of sqlite3_step or sqlite3_exec that is under way in this thread. Those within it come back before.
class Connection;
struct Call {
  sqlite3_stmt* handle = nullptr;       // of a step
  sqlite3* db = nullptr;                // of an exec
  Connection* has_ended_one = nullptr;  // a run of this connection, by this call
  std::string last_begun = {};          // the text of an exec's youngest run
};
constinit thread_local Call* current_call = nullptr;

// One run of a statement, from its first step to its end.
struct Run {
  sqlite3_stmt* handle;
  std::shared_ptr<const Statement> statement = nullptr;  // none where nobody wants to know
  Span span = {};
  Clock::time_point begin = {};
  bool gives_rows = false;
  const Call* ended_by = nullptr;  // only when this comes back it is known how
  int64_t rows = 0;
  Clock::time_point end{};
};

int OnTrace(unsigned event, void* context, void* handle, void* detail) noexcept;

// Of each connection that is instrumented. SQLite frees it with the connection.
// Thread: the one that holds the connection's mutex, or is the only one that uses the connection.
class Connection {
 public:
  Connection(sqlite3* db, const SqliteOptions& options) : db_(db), namespace_(options.db_namespace), options_(options) {
    const char* file = sqlite3_db_filename(db, "main");
    if (!namespace_.empty() || file == nullptr) return;
    namespace_ = file;
    namespace_.erase(0, namespace_.rfind('/') + 1);
    if (namespace_.empty()) namespace_ = ":memory:";
  }

  void Begin(sqlite3_stmt* handle, std::string_view sql);
  void CountRow(sqlite3_stmt* handle);
  void End(sqlite3_stmt* handle);
  // Whether SQLite is to tell of statements that begin. Not within one: full-text search runs hundreds, and SQLite
  // would write the text of each.
  void TellBegins(bool tell) {
    if (tell == tells_begins_) return;
    tells_begins_ = tell;
    sqlite3_trace_v2(db_, SQLITE_TRACE_ROW | SQLITE_TRACE_PROFILE | (tell ? SQLITE_TRACE_STMT : 0), OnTrace, this);
  }
  // How a call came back that ended runs: SQLite's result code.
  void Tell(const Call& call, int code);

 private:
  std::shared_ptr<const Statement> Describe(std::string_view sql);
  std::shared_ptr<const Statement> MakeStatement(std::string_view sql) const;
  void FinishEndedBy(const Call* call, int code);
  void Finish(const Run& run, int code) const;
  Run* Find(sqlite3_stmt* handle) {
    const auto found = std::ranges::find(runs_, handle, &Run::handle);
    return found == runs_.end() ? nullptr : &*found;
  }

  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  sqlite3* const db_;
  bool tells_begins_ = false;
  std::string namespace_;
  const SqliteOptions options_;
  std::unordered_map<std::string, std::shared_ptr<const Statement>, Hash, std::equal_to<>> statements_;  // by SQL
  std::vector<Run> runs_;                                                                                // mostly one
};

std::shared_ptr<const Statement> Connection::MakeStatement(std::string_view sql) const {
  auto statement = std::make_shared<Statement>();
  statement->sql = DescribeSql(sql);
  auto& attributes = statement->attributes;
  attributes = {{"db.query.text", statement->sql.text}, {"db.system.name", "sqlite"}, {"db.namespace", namespace_}};
  if (!statement->sql.operation.empty()) attributes.push_back({"db.operation.name", statement->sql.operation});
  if (!statement->sql.summary.empty()) attributes.push_back({"db.query.summary", statement->sql.summary});
  statement->duration = TheInstruments().duration.Bind(statement->metric_attributes());
  return statement;
}

std::shared_ptr<const Statement> Connection::Describe(std::string_view sql) {
  if (const auto known = statements_.find(sql); known != statements_.end()) return known->second;
  auto statement = MakeStatement(sql);
  if (sql.size() > kStatementKeptBytesMax) return statement;
  if (statements_.size() >= kStatementsKeptMax) statements_.clear();
  statements_.emplace(sql, statement);
  return statement;
}

void Connection::Begin(sqlite3_stmt* handle, std::string_view sql) {
  FinishEndedBy(current_call, SQLITE_OK);  // an exec goes on only after success
  const Instruments& instruments = TheInstruments();
  const bool spans = options_.root_spans ? instruments.tracer.Enabled() : CurrentSpan().IsRecording();
  if (current_call != nullptr && current_call->db == db_) current_call->last_begun = sql;
  Run run{.handle = handle};
  if (spans || instruments.duration.Enabled()) {
    run.statement = Describe(sql);
    run.begin = Clock::now();
  }
  if (spans) {
    run.span = instruments.tracer.StartSpan(run.statement->name(),
                                            {.kind = SpanKind::kClient, .attributes = run.statement->attributes});
    run.gives_rows = run.span.IsRecording() && sqlite3_column_count(handle) > 0;
  }
  runs_.push_back(std::move(run));
  TellBegins(false);
}

void Connection::CountRow(sqlite3_stmt* handle) {
  Run* const run = Find(handle);
  if (run == nullptr) return;
  ++run->rows;
  TellBegins(true);
}

void Connection::End(sqlite3_stmt* handle) {
  Run* const run = Find(handle);
  if (run == nullptr) return;
  TellBegins(true);
  if (run->statement != nullptr) run->end = Clock::now();
  if (current_call != nullptr && (current_call->handle == handle || current_call->db == db_)) {
    run->ended_by = current_call;
    current_call->has_ended_one = this;
  } else {
    Finish(*run, SQLITE_OK);
    runs_.erase(runs_.begin() + (run - runs_.data()));
  }
}

void Connection::Tell(const Call& call, int code) {
  sqlite3_mutex* const mutex = sqlite3_db_mutex(db_);
  sqlite3_mutex_enter(mutex);
  FinishEndedBy(&call, code);
  sqlite3_mutex_leave(mutex);
}

// SQLite ends a statement whose schema has changed, prepares it anew and goes on: a row says that it has not ended.
void Connection::FinishEndedBy(const Call* call, int code) {
  if (call == nullptr) return;
  std::erase_if(runs_, [&](Run& run) {
    if (run.ended_by != call) return false;
    if (code == SQLITE_ROW) {
      run.ended_by = nullptr;
      return false;
    }
    Finish(run, code);
    return true;
  });
}

void Connection::Finish(const Run& run, int code) const {
  if (run.statement == nullptr) return;
  const double seconds = std::chrono::duration<double>(run.end - run.begin).count();
  if (run.gives_rows) run.span.SetAttribute("db.response.returned_rows", run.rows);
  if (code == SQLITE_OK || code == SQLITE_DONE) {
    run.statement->duration.Record(seconds);
    return;  // the span ends with the run
  }
  const int extended = sqlite3_extended_errcode(db_);
  const bool is_its_error = (extended & 0xff) == (code & 0xff);
  const std::string status = std::to_string(is_its_error ? extended : code);
  const Attribute failure[] = {{"db.response.status_code", status}, {"error.type", status}};
  run.span.SetAttributes(std::span<const Attribute>(failure));
  run.span.SetStatus(StatusCode::kError, is_its_error ? sqlite3_errmsg(db_) : sqlite3_errstr(code));
  const auto common = run.statement->metric_attributes();
  std::vector<Attribute> attributes(common.begin(), common.end());
  attributes.insert(attributes.end(), std::begin(failure), std::end(failure));
  TheInstruments().duration.Record(seconds, attributes);
}

// https://www.sqlite.org/c3ref/c_trace.html
int OnTrace(unsigned event, void* context, void* handle, void* detail) noexcept try {
  auto& connection = *static_cast<Connection*>(context);
  auto* const statement = static_cast<sqlite3_stmt*>(handle);
  if (event == SQLITE_TRACE_STMT) {
    const std::string_view sql(static_cast<const char*>(detail));
    const char* whole = sqlite3_sql(statement);
    // A statement within another, or a trigger: told as a comment. A statement may begin with one too.
    if (sql.starts_with("--") && (whole == nullptr || sql != whole)) return 0;
    connection.Begin(statement, sql);
  } else if (event == SQLITE_TRACE_ROW) {
    connection.CountRow(statement);
  } else {
    connection.End(statement);
  }
  return 0;
} catch (const std::bad_alloc&) {
  return 0;  // a statement that is not told of
}

// The text of an exec ends with that of its last statement.
bool EndsWith(std::string_view script, std::string_view statement) {
  const auto trim = [](std::string_view text) { return text.substr(0, text.find_last_not_of("; \t\r\n") + 1); };
  return trim(script).ends_with(trim(statement));
}

class CallScope {
 public:
  explicit CallScope(Call& call) : outer_(std::exchange(current_call, &call)) {}
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;
  ~CallScope() { current_call = outer_; }

 private:
  Call* const outer_;
};

}  // namespace

bool InstrumentSqlite(sqlite3* db, const SqliteOptions& options) try {
  auto connection = std::make_unique<Connection>(db, options);
  auto* const context = connection.get();
  // A function that nobody calls, as SQLite frees what belongs to it at the very end of the connection.
  const int code = sqlite3_create_function_v2(
      db, "sightline_otel", 0, SQLITE_UTF8 | SQLITE_DIRECTONLY, connection.release(),
      [](sqlite3_context* call, int, sqlite3_value**) { sqlite3_result_null(call); }, nullptr, nullptr,
      [](void* owned) { delete static_cast<Connection*>(owned); });
  if (code != SQLITE_OK) return false;  // it has freed the connection
  context->TellBegins(true);
  return true;
} catch (const std::bad_alloc&) {
  return false;
}

}  // namespace otel::instrumentation

// Where the linker leads calls to (--wrap).
extern "C" {

int __real_sqlite3_step(sqlite3_stmt* handle);
int __real_sqlite3_exec(sqlite3* db, const char* sql, int (*callback)(void*, int, char**, char**), void* context,
                        char** message);

int __wrap_sqlite3_step(sqlite3_stmt* handle) {
  using namespace otel::instrumentation;
  Call call{.handle = handle};
  int code = 0;
  {
    const CallScope scope(call);
    code = __real_sqlite3_step(handle);
  }
  if (call.has_ended_one != nullptr) call.has_ended_one->Tell(call, code);
  return code;
}

int __wrap_sqlite3_exec(sqlite3* db, const char* sql, int (*callback)(void*, int, char**, char**), void* context,
                        char** message) {
  using namespace otel::instrumentation;
  Call call{.db = db};
  int code = 0;
  {
    const CallScope scope(call);
    code = __real_sqlite3_exec(db, sql, callback, context, message);
  }
  // Of several statements any may have failed, or the one that comes next could not be prepared.
  if (call.has_ended_one != nullptr) {
    call.has_ended_one->Tell(call, EndsWith(sql, call.last_begun) ? code : SQLITE_OK);
  }
  return code;
}

}  // extern "C"
