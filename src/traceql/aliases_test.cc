#include "traceql/aliases.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>
#include <vector>

namespace sightline::traceql {
namespace {

std::vector<std::string> Names(std::string_view key) {
  const auto aliases = AliasesOf(key);
  return {aliases.begin(), aliases.end()};
}

TEST(Aliases, OldAndNewNamesFindEachOther) {
  EXPECT_EQ(Names("http.method"), (std::vector<std::string>{"http.request.method"}));
  EXPECT_EQ(Names("http.request.method"), (std::vector<std::string>{"http.method"}));
  EXPECT_TRUE(Names("my.attribute").empty());
}

TEST(Aliases, ANewNameFindsAllOldOnesButThoseDoNotFindEachOther) {
  EXPECT_EQ(Names("server.address"), (std::vector<std::string>{"net.peer.name", "net.host.name"}));
  EXPECT_EQ(Names("net.peer.name"), (std::vector<std::string>{"server.address"}));
}

TEST(Aliases, NoNameIsRenamedTwice) {
  std::set<std::string_view> old_names;
  for (const Renaming& renaming : Renamings())
    EXPECT_TRUE(old_names.insert(renaming.old_name).second) << renaming.old_name;
  for (const Renaming& renaming : Renamings()) EXPECT_FALSE(old_names.contains(renaming.new_name)) << renaming.new_name;
}

TEST(Aliases, TheDocumentationShowsTheTable) {
  std::ifstream file(SIGHTLINE_SOURCE_DIR "/docs/traceql.md");
  std::vector<std::string> shown, known;
  std::string line;
  while (std::getline(file, line) && line != "## Renamed attributes") continue;
  while (std::getline(file, line))
    if (line.starts_with("| `")) shown.push_back(line);
  for (const Renaming& renaming : Renamings())
    known.push_back("| `" + std::string(renaming.old_name) + "` | `" + std::string(renaming.new_name) + "` |");
  EXPECT_EQ(shown, known);
}

}  // namespace
}  // namespace sightline::traceql
