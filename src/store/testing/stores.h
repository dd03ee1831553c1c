// A real ClickHouse for tests of store/ and of what stands on it: libchdb in this process, or the program
// sightline-clickhouse as a child and the remote adapter on it. Sanitizer builds, in which libchdb cannot run, have
// only the second, with an unsanitized program that $SIGHTLINE_CLICKHOUSE_BIN names.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/clickhouse.h"

namespace sightline::store::testing {

// A directory of its own, removed with it.
class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// sightline-clickhouse as a child process.
class ChildServer {
 public:
  // Empty when there is no program to run (sanitizer builds without $SIGHTLINE_CLICKHOUSE_BIN).
  static std::string Program();

  ChildServer(const std::string& directory, std::vector<std::string> more_arguments = {});
  ~ChildServer();  // kills it if it still runs
  ChildServer(const ChildServer&) = delete;
  ChildServer& operator=(const ChildServer&) = delete;

  const std::string& address() const { return address_; }  // empty: it did not start
  std::string errors() const;                              // what it wrote to stderr so far
  int Stop();                                              // SIGTERM; the exit code, or 128 + signal
  int Wait();

 private:
  pid_t pid_ = -1;
  std::string address_;
  std::string error_file_;
};

enum class Kind { kEmbedded, kRemote };
std::vector<Kind> Kinds();  // that can run in this build
std::string KindName(Kind kind);

// One store of either kind on one directory. Only one embedded store can be open at a time in a process.
class TestStore {
 public:
  TestStore(Kind kind, const std::string& directory);
  ~TestStore();
  ClickHouse& operator*() { return *clickhouse_; }
  ClickHouse* operator->() { return clickhouse_.get(); }
  const std::string& error() const { return error_; }  // empty: open

 private:
  std::unique_ptr<ChildServer> server_;
  std::unique_ptr<ClickHouse> clickhouse_;
  std::string error_;
};

// One Native block of plain columns.
// https://clickhouse.com/docs/interfaces/formats/Native
class NativeBlock {
 public:
  explicit NativeBlock(uint64_t rows) : rows_(rows) {}
  NativeBlock& UInt64(const std::string& name, const std::vector<uint64_t>& values);
  NativeBlock& String(const std::string& name, const std::vector<std::string>& values);
  std::string Bytes() const;

 private:
  uint64_t rows_;
  uint64_t columns_ = 0;
  std::string body_;
};

}  // namespace sightline::store::testing
