#include "store/embedded.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "store/errors.h"
#include "store/insert_text.h"
#include "store/sql_text.h"

namespace sightline::store {
namespace {

using std::chrono::steady_clock;

// Formats whose rows stand for themselves. The engine writes each piece of a stream as a document of its own, so that
// anything with a header, a footer or a separator between rows must be taken whole.
bool IsRowByRow(std::string_view format) {
  static constexpr std::array<std::string_view, 15> kFormats = {"TabSeparated",
                                                                "TSV",
                                                                "TabSeparatedRaw",
                                                                "TSVRaw",
                                                                "CSV",
                                                                "JSONEachRow",
                                                                "JSONCompactEachRow",
                                                                "JSONLines",
                                                                "JSONStringsEachRow",
                                                                "NDJSON",
                                                                "RowBinary",
                                                                "Native",
                                                                "JSONCompactStringsEachRow",
                                                                "TSKV",
                                                                "MsgPack"};
  return std::find(kFormats.begin(), kFormats.end(), format) != kFormats.end();
}

// The library takes parameters as parallel arrays.
struct Parameters {
  explicit Parameters(std::map<std::string, std::string> escaped) : values_(std::move(escaped)) {
    for (const auto& [name, value] : values_) {
      names.push_back(name.data());
      name_bytes.push_back(name.size());
      values.push_back(value.data());
      value_bytes.push_back(value.size());
    }
  }
  Parameters(const Parameters&) = delete;
  Parameters& operator=(const Parameters&) = delete;

  std::vector<const char*> names, values;
  std::vector<size_t> name_bytes, value_bytes;

 private:
  const std::map<std::string, std::string> values_;
};

// Owns a result of the library.
class ResultHandle {
 public:
  ResultHandle(const ChdbApi& api, ChdbResult* result) : api_(api), result_(result) {}
  ~ResultHandle() { api_.destroy_result(result_); }
  ResultHandle(const ResultHandle&) = delete;
  ResultHandle& operator=(const ResultHandle&) = delete;
  ChdbResult* get() const { return result_; }
  Result<void> status() const { return ChdbStatus(api_, result_); }
  std::string_view data() const {
    const size_t bytes = api_.result_bytes(result_);
    return bytes == 0 ? std::string_view() : std::string_view(api_.result_data(result_), bytes);
  }
  void AddTo(QueryStats& stats) const {
    stats.rows_read += api_.result_storage_rows_read(result_);
    stats.bytes_read += api_.result_storage_bytes_read(result_);
  }

 private:
  const ChdbApi& api_;
  ChdbResult* const result_;
};

// The library would run several statements one after the other, and a KILL ... SYNC would never return.
Result<void> CheckStatement(const ChdbApi& api, ChdbHandle* handle, const std::string& sql, const SqlShape& shape) {
  if (shape.first_word == "KILL" && shape.last_word == "SYNC") {
    return Fail(
        Code::kInvalidArgument,
        "Code: 48. DB::Exception: KILL ... SYNC is refused, it would wait for ever: use ASYNC (NOT_IMPLEMENTED)");
  }
  ChdbAnalysis analysis;
  if (api.classify(handle, sql.data(), sql.size(), nullptr, 0, &analysis) != 0) {
    return Fail(Code::kInternal, "libchdb could not classify a statement");
  }
  // A text that does not parse goes to the engine for its message, unless a part of it could run.
  const bool several =
      analysis.statement_count > 1 || (analysis.query_class == kChdbUnknown && sql.find(';') != std::string::npos);
  if (several) {
    return Fail(Code::kInvalidArgument,
                "Code: 62. DB::Exception: Not exactly one statement that parses (SYNTAX_ERROR)");
  }
  return {};
}

std::unexpected<Error> Cancelled() {
  return Fail(Code::kCancelled, "the query was cancelled");
}

// One statement on its connection.
struct Statement {
  const ChdbApi& api;
  ChdbHandle* handle;
  const std::string& text;
  const std::string& format;
  const Parameters& parameters;
  Cancellation* cancellation;

  Result<void> RunWhole(const std::function<bool(std::string_view)>& sink, QueryStats& stats) const {
    const ResultHandle result(
        api, api.query(handle, text.data(), text.size(), format.data(), format.size(), parameters.names.data(),
                       parameters.name_bytes.data(), parameters.values.data(), parameters.value_bytes.data(),
                       parameters.names.size()));
    SIGHTLINE_TRY(result.status());
    result.AddTo(stats);
    if (!result.data().empty() && !sink(result.data())) return Cancelled();
    return {};
  }

  Result<void> RunStream(const std::function<bool(std::string_view)>& sink, QueryStats& stats) const {
    const ResultHandle stream(
        api, api.stream_query(handle, text.data(), text.size(), format.data(), format.size(), parameters.names.data(),
                              parameters.name_bytes.data(), parameters.values.data(), parameters.value_bytes.data(),
                              parameters.names.size()));
    SIGHTLINE_TRY(stream.status());
    while (true) {
      const ResultHandle piece(api, api.stream_fetch(handle, stream.get()));
      SIGHTLINE_TRY(piece.status());
      piece.AddTo(stats);
      if (piece.data().empty()) return {};
      if (!sink(piece.data()) || (cancellation != nullptr && cancellation->cancelled())) {
        api.stream_cancel(handle, stream.get());
        return Cancelled();
      }
    }
  }
};

}  // namespace

Result<std::unique_ptr<EmbeddedClickHouse>> EmbeddedClickHouse::Open(const EmbeddedOptions& options) {
  auto engine = Engine::Open(options);
  if (!engine) return std::unexpected(std::move(engine).error());
  return std::unique_ptr<EmbeddedClickHouse>(new EmbeddedClickHouse(std::move(*engine)));
}

Result<void> EmbeddedClickHouse::Execute(const std::string& sql, const QueryOptions& options) {
  QueryOptions silent = options;
  silent.format = "Null";
  auto stats = Query(sql, silent, [](std::string_view) { return true; });
  if (!stats) return std::unexpected(std::move(stats).error());
  return {};
}

Result<QueryStats> EmbeddedClickHouse::Query(const std::string& sql, const QueryOptions& options,
                                             const std::function<bool(std::string_view piece)>& sink,
                                             Cancellation* cancellation) {
  const auto start = steady_clock::now();
  const Engine::Role role = options.read_only ? Engine::Role::kRead : Engine::Role::kWrite;
  auto lease = engine_->Acquire(role, options.settings, cancellation);
  if (!lease) return std::unexpected(std::move(lease).error());
  const SqlShape shape = ReadShape(sql);
  SIGHTLINE_TRY(CheckStatement(engine_->api(), lease->handle(), sql, shape));

  const Engine::Running running(*engine_, *lease, cancellation);
  if (cancellation != nullptr && cancellation->cancelled()) return Cancelled();
  const Parameters parameters(EscapeParameters(sql, options.parameters));
  const Statement statement{engine_->api(), lease->handle(), sql, options.format, parameters, cancellation};
  const bool stream = (shape.first_word == "SELECT" || shape.first_word == "WITH") &&
                      IsRowByRow(shape.format.empty() ? options.format : shape.format);
  QueryStats stats;
  auto done = stream ? statement.RunStream(sink, stats) : statement.RunWhole(sink, stats);
  if (!done) {
    if (cancellation != nullptr && cancellation->cancelled()) return Cancelled();
    return std::unexpected(std::move(done).error());
  }
  stats.elapsed_seconds = std::chrono::duration<double>(steady_clock::now() - start).count();
  return stats;
}

Result<void> EmbeddedClickHouse::InsertNative(const std::string& table, const std::vector<std::string>& columns,
                                              std::string_view native, const std::string& deduplication_token) {
  auto rows = Insert(InsertText(table, columns, deduplication_token), "Native", native, {});
  if (!rows) return std::unexpected(std::move(rows).error());
  return {};
}

Result<uint64_t> EmbeddedClickHouse::Insert(const std::string& sql, const std::string& format, std::string_view data,
                                            const std::map<std::string, std::string>& settings) {
  auto lease = engine_->Acquire(Engine::Role::kWrite, settings, nullptr);
  if (!lease) return std::unexpected(std::move(lease).error());
  const ChdbApi& api = engine_->api();
  const Engine::Running running(*engine_, *lease, nullptr);
  struct Stream {
    const ChdbApi& api;
    ChdbInsertStream* handle;
    ~Stream() { api.insert_destroy(handle); }  // cancels first unless it is done
  } stream{api, api.insert_begin(lease->handle(), sql.data(), sql.size(), format.data(), format.size(), nullptr,
                                 nullptr, nullptr, nullptr, 0)};
  const char* error = api.insert_error(stream.handle);
  if (error == nullptr && !data.empty() && api.insert_append(stream.handle, data.data(), data.size()) != 0) {
    error = api.insert_error(stream.handle);
    if (error == nullptr) error = "the engine took no more data";
  }
  if (error != nullptr) return std::unexpected(ClickHouseError(error));
  const ResultHandle result(api, api.insert_done(stream.handle));
  SIGHTLINE_TRY(result.status());
  return api.result_rows_written(result.get());
}

Result<std::string> EmbeddedClickHouse::Version() {
  auto rows = Rows("SELECT version()");
  if (!rows) return std::unexpected(std::move(rows).error());
  if (rows->size() != 1 || rows->front().empty()) return Fail(Code::kInternal, "version() gave no row");
  return rows->front().front();
}

Result<std::unique_ptr<ClickHouse>> OpenEmbedded(const EmbeddedOptions& options) {
  auto embedded = EmbeddedClickHouse::Open(options);
  if (!embedded) return std::unexpected(std::move(embedded).error());
  return std::unique_ptr<ClickHouse>(std::move(*embedded));
}

}  // namespace sightline::store
