// A span for each statement that SQLite runs, and the metric db.client.operation.duration.
// https://opentelemetry.io/docs/specs/semconv/database/sql/ The target sightline_otel::sqlite.
//
//   sqlite3* db = ...;
//   otel::instrumentation::InstrumentSqlite(db);   // that is all: the rest of the code stays as it is
//
// SQLite itself tells when a statement begins, gives a row and ends (sqlite3_trace_v2), whoever runs it: sqlite3_step,
// sqlite3_exec, a wrapper, a shared library. So a span lasts from the first step to the one that gives no more rows, or
// to the reset, and is a child of the span that is current at the first step. What SQLite does not tell is whether the
// statement failed. For this the target makes the linker lead calls of sqlite3_step and sqlite3_exec through it
// (--wrap), which costs two writes a call. Calls from shared libraries are not led through: their spans have no error.
#pragma once

#include <string>

struct sqlite3;

namespace otel::instrumentation {

struct SqliteOptions {
  std::string db_namespace = {};  // db.namespace; "": the name of the database's file without its folders
  // False: statements outside of any span that records make none. They are measured all the same.
  bool root_spans = true;
};

// From now on, until the connection is closed. Once more: with other options, no statement may be running. Takes the
// place of what sqlite3_trace_v2 was given. False where SQLite has no memory.
//
// Spans: db.system.name, db.namespace, db.query.text (literals are "?", comments left out), db.query.summary, which is
// the name too, db.operation.name, db.response.returned_rows; and of those that fail db.response.status_code and
// error.type (both SQLite's extended result code) and the status ERROR with SQLite's message. Not seen: statements that
// can't be prepared; those that SQLite itself runs within others (full-text search, triggers) belong to these. Of
// several statements in one sqlite3_exec only the last one of the text is known to have failed.
bool InstrumentSqlite(sqlite3* db, const SqliteOptions& options = {});

}  // namespace otel::instrumentation
