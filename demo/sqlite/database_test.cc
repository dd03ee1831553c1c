#include "demo/sqlite/database.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

namespace demo::sqlite {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Database, WhatIsBoundComesBack) {
  auto database = Database::Create(":memory:");
  ASSERT_TRUE(database) << database.error().message;
  ASSERT_TRUE(database->Execute("CREATE TABLE t (a TEXT, b INTEGER, c REAL, d BLOB)"));
  auto insert = database->Prepare("INSERT INTO t VALUES (?, ?, ?, ?)");
  ASSERT_TRUE(insert) << insert.error().message;
  const std::vector<float> floats = {1.5f, -2.25f};
  insert->Bind(1, "naïve").Bind(2, int64_t{1} << 40).Bind(3, 0.125).Bind(4, std::as_bytes(std::span(floats)));
  EXPECT_EQ(insert->Step(), false);
  insert->Reset();

  auto select = database->Prepare("SELECT a, b, c, d FROM t WHERE b > ?");
  select->Bind(1, int64_t{7});
  ASSERT_EQ(select->Step(), true);
  EXPECT_EQ(select->Text(0), "naïve");
  EXPECT_EQ(select->Int(1), int64_t{1} << 40);
  EXPECT_EQ(select->Double(2), 0.125);
  EXPECT_THAT(select->Numbers<float>(3), ElementsAre(1.5f, -2.25f));
  EXPECT_EQ(select->Step(), false);
}

TEST(Database, ErrorsSayWhatSqliteSays) {
  auto database = Database::Create(":memory:");
  const auto statement = database->Prepare("SELECT a FROM nowhere");
  ASSERT_FALSE(statement);
  EXPECT_EQ(statement.error().type, "SqliteError");
  EXPECT_THAT(statement.error().message, HasSubstr("nowhere"));
  EXPECT_FALSE(Database::OpenImmutable("/no/such/file.db"));
}

TEST(Database, ManyConnectionsReadAnImmutableFile) {
  const auto path = std::filesystem::temp_directory_path() / ("demo database " + std::to_string(getpid()) + ".db");
  {
    auto database = Database::Create(path.string());
    ASSERT_TRUE(database->Execute("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (42)"));
  }
  auto first = Database::OpenImmutable(path.string());
  auto second = Database::OpenImmutable(path.string());
  for (auto* connection : {&first, &second}) {
    ASSERT_TRUE(*connection) << connection->error().message;
    auto select = (*connection)->Prepare("SELECT a FROM t");
    ASSERT_EQ(select->Step(), true);
    EXPECT_EQ(select->Int(0), 42);
    EXPECT_FALSE((*connection)->Execute("INSERT INTO t VALUES (1)"));
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace demo::sqlite
