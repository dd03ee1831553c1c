// The part of libchdb's C interface that store/ uses (libchdb 26.7), declared here so that the program builds and runs
// without the library: it is loaded at run time, and only when an embedded ClickHouse is asked for.
//
// Rules of the library that the names do not tell:
// - One data path per process. The last connection that closes stops the engine; returning from main with a connection
//   open crashes.
// - A connection runs one statement at a time; while a stream is open on it, nothing else may run there.
// - Texts of parameters are read as TSV-escaped.
// - A result is never null; its error text is null when all went well. Every result and stream must be destroyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/error.h"

namespace sightline::store {

struct ChdbResult;                    // opaque
struct ChdbInsertStream;              // opaque
struct ChdbHandle;                    // opaque
using ChdbConnection = ChdbHandle**;  // what connect returns and close takes; statements take *connection

// What a statement would do, filled by classify. The layout is the library's.
struct ChdbAnalysis {
  uint32_t struct_size = sizeof(ChdbAnalysis);
  uint32_t statement_count = 0;  // 0: does not parse
  uint32_t flags = 0;
  uint32_t query_class = 0;  // see below
};
inline constexpr uint32_t kChdbReadOnly = 0;  // SELECT, SHOW, DESCRIBE, EXPLAIN, EXISTS, CHECK
inline constexpr uint32_t kChdbControl = 3;   // USE, SET, SYSTEM, KILL, BACKUP, INTO OUTFILE ...
inline constexpr uint32_t kChdbUnknown = 4;   // does not parse

// The functions, each a pointer into the loaded library. Thread: any, within the rules above.
struct ChdbApi {
  ChdbConnection (*connect)(int argc, char** argv) = nullptr;  // null on failure, the reason goes to stderr
  void (*close)(ChdbConnection connection) = nullptr;
  void (*set_signal_handlers_enabled)(int enabled) = nullptr;
  const char* (*version)() = nullptr;

  ChdbResult* (*query)(ChdbHandle* handle, const char* sql, size_t sql_bytes, const char* format, size_t format_bytes,
                       const char* const* names, const size_t* name_bytes, const char* const* values,
                       const size_t* value_bytes, size_t count) = nullptr;
  ChdbResult* (*stream_query)(ChdbHandle* handle, const char* sql, size_t sql_bytes, const char* format,
                              size_t format_bytes, const char* const* names, const size_t* name_bytes,
                              const char* const* values, const size_t* value_bytes, size_t count) = nullptr;
  ChdbResult* (*stream_fetch)(ChdbHandle* handle, ChdbResult* stream) = nullptr;  // empty result: end
  void (*stream_cancel)(ChdbHandle* handle, ChdbResult* stream) = nullptr;
  void (*destroy_result)(ChdbResult* result) = nullptr;

  const char* (*result_data)(ChdbResult* result) = nullptr;
  size_t (*result_bytes)(ChdbResult* result) = nullptr;
  const char* (*result_error)(ChdbResult* result) = nullptr;
  uint64_t (*result_storage_rows_read)(ChdbResult* result) = nullptr;
  uint64_t (*result_storage_bytes_read)(ChdbResult* result) = nullptr;
  uint64_t (*result_rows_written)(ChdbResult* result) = nullptr;

  ChdbInsertStream* (*insert_begin)(ChdbHandle* handle, const char* sql, size_t sql_bytes, const char* format,
                                    size_t format_bytes, const char* const* names, const size_t* name_bytes,
                                    const char* const* values, const size_t* value_bytes, size_t count) = nullptr;
  int (*insert_append)(ChdbInsertStream* stream, const void* data, size_t bytes) = nullptr;  // 0: taken
  ChdbResult* (*insert_done)(ChdbInsertStream* stream) = nullptr;
  const char* (*insert_error)(ChdbInsertStream* stream) = nullptr;
  void (*insert_cancel)(ChdbInsertStream* stream) = nullptr;
  void (*insert_destroy)(ChdbInsertStream* stream) = nullptr;

  int (*classify)(ChdbHandle* handle, const char* sql, size_t sql_bytes, const char* database, size_t database_bytes,
                  ChdbAnalysis* analysis) = nullptr;
};

// Loads the library once per process (never unloaded) and switches its signal handlers off. `library` may be empty; the
// places that are tried then: $SIGHTLINE_LIBCHDB, the program's directory, its ../lib, the system's search path.
// kNotFound names every place. Leaves the calling thread's signal mask as it was.
Result<const ChdbApi*> LoadChdb(const std::string& library);

}  // namespace sightline::store
