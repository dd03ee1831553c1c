// One embedded ClickHouse with our schema for all tests of a program: libchdb has one data directory a process.
// SIGHTLINE_LIBCHDB names the library; without it the usual places are tried.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>

#include "store/clickhouse.h"
#include "store/schema.h"

namespace sightline::query::testing {

class EngineEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
#ifndef SIGHTLINE_SANITIZED  // libchdb cannot be loaded under ASan or TSan
    char directory[] = "/tmp/sightline-query-test-XXXXXX";
    ASSERT_NE(mkdtemp(directory), nullptr);
    directory_ = directory;
    store::EmbeddedOptions options;
    options.data_directory = directory_ + "/store";
    if (const char* library = std::getenv("SIGHTLINE_LIBCHDB"); library != nullptr) options.library = library;
    auto opened = store::OpenEmbedded(options);
    ASSERT_TRUE(opened) << opened.error().message;
    clickhouse_ = std::move(*opened);
    auto schema = store::OpenSchema(*clickhouse_, {});
    ASSERT_TRUE(schema) << schema.error().message;
#endif
  }

  // The engine must be gone before the program returns.
  void TearDown() override {
    clickhouse_.reset();
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }

  store::ClickHouse* clickhouse() { return clickhouse_.get(); }

 private:
  std::string directory_;
  std::unique_ptr<store::ClickHouse> clickhouse_;
};

// Registered once by each test program's first use; gtest owns it.
inline EngineEnvironment* const kEngine =
    static_cast<EngineEnvironment*>(::testing::AddGlobalTestEnvironment(new EngineEnvironment));

// For tests that need the engine: skipped (and said so) only where it cannot be loaded.
class EngineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (kEngine->clickhouse() == nullptr) GTEST_SKIP() << "libchdb does not run under this sanitizer";
    ClearAll();
  }
  store::ClickHouse& clickhouse() { return *kEngine->clickhouse(); }
  // What tests before have left in the engine that they share.
  void ClearAll() {
    auto filled = clickhouse().Rows(
        "SELECT name FROM system.tables WHERE database = 'sightline' AND total_rows > 0 AND name != 'schema_version'");
    ASSERT_TRUE(filled) << filled.error().message;
    for (const auto& row : *filled) Execute("TRUNCATE TABLE sightline." + row[0]);
  }
  void Clear(std::initializer_list<const char*> tables) {
    for (const char* table : tables) Execute(std::string("TRUNCATE TABLE sightline.") + table);
  }
  void Execute(const std::string& sql) {
    auto done = clickhouse().Execute(sql);
    ASSERT_TRUE(done) << done.error().message << "\n" << sql;
  }
};

}  // namespace sightline::query::testing
