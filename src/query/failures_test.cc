#include "query/failures.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace sightline::query {
namespace {

std::vector<Attribute> Attributes(std::vector<std::pair<std::string, std::string>> items) {
  std::vector<Attribute> attributes;
  for (auto& [key, text] : items) attributes.push_back({std::move(key), 's', std::move(text)});
  return attributes;
}

TEST(FailureTarget, IsTheHostThatWasAskedWithAPortThatIsNotTheUsual) {
  EXPECT_EQ(FailureTarget("Client", Attributes({{"server.address", "en.wikipedia.org"}, {"server.port", "443"}})),
            "en.wikipedia.org");
  EXPECT_EQ(FailureTarget("Client", Attributes({{"server.address", "db"}, {"server.port", "5432"}})), "db:5432");
  EXPECT_EQ(FailureTarget("Client", Attributes({{"net.peer.name", "old"}, {"net.peer.port", "8080"}})), "old:8080");
}

TEST(FailureTarget, IsTakenFromTheUrlWhereThereIsNoHost) {
  EXPECT_EQ(FailureTarget("Client", Attributes({{"http.url", "https://en.wikipedia.org/w/api.php?search=a@b"}})),
            "en.wikipedia.org");
  EXPECT_EQ(FailureTarget("Client", Attributes({{"url.full", "http://ann:secret@host:9?q"}})), "host:9");
  EXPECT_EQ(FailureTarget("Client", Attributes({{"url.full", "/relative/path"}})), "");
}

TEST(FailureTarget, IsTheQueueTheServiceOrTheDatabase) {
  const auto queue = Attributes({{"server.address", "broker"}, {"messaging.destination.name", "orders"}});
  EXPECT_EQ(FailureTarget("Producer", queue), "orders");
  EXPECT_EQ(FailureTarget("Consumer", queue), "orders");
  EXPECT_EQ(FailureTarget("Client", Attributes({{"db.name", "articles"}})), "articles");
  EXPECT_EQ(FailureTarget("Client", Attributes({{"rpc.service", "Model"}, {"peer.service", "model-server"}})),
            "model-server");
}

TEST(FailureTarget, IsNoneOfASpanThatAsksNobody) {
  EXPECT_EQ(FailureTarget("Server", Attributes({{"server.address", "itself"}})), "");
  EXPECT_EQ(FailureTarget("Internal", Attributes({{"server.address", "itself"}})), "");
  EXPECT_EQ(FailureTarget("Client", {}), "");
}

}  // namespace
}  // namespace sightline::query
