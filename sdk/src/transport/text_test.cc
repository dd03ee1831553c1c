#include <gmock/gmock.h>

#include "transport/grpc_text.h"
#include "transport/http_text.h"

namespace otel::internal {
namespace {

TEST(HttpUrl, AppendsThePathOfTheSignalToAnEndpointOnly) {
  const auto url = [](const std::string& endpoint, const std::string& own = {}) {
    OtlpOptions options;
    options.endpoint = endpoint;
    options.url = own;
    return HttpUrl(options, kSignal<MetricBatch>);
  };
  EXPECT_EQ(url(""), "http://localhost:4318/v1/metrics");
  EXPECT_EQ(url("https://c:1"), "https://c:1/v1/metrics");
  EXPECT_EQ(url("https://c:1/prefix/"), "https://c:1/prefix/v1/metrics");
  EXPECT_EQ(url("https://c:1", "http://d/mine"), "http://d/mine");
}

TEST(WithoutUser, LeavesOutOnlyTheUser) {
  EXPECT_EQ(WithoutUser("https://user:pass@host:1/a@b?c@d"), "https://host:1/a@b?c@d");
  EXPECT_EQ(WithoutUser("https://host/a@b"), "https://host/a@b");
  EXPECT_EQ(WithoutUser("user:pass@host"), "host");
  EXPECT_EQ(WithoutUser(""), "");
}

TEST(HeaderText, IsWhatHttpAllows) {
  EXPECT_TRUE(IsHeaderName("X-Api_Key.1"));
  for (const char* name : {"", "a b", "a:", "a\n", "\u00e9"}) EXPECT_FALSE(IsHeaderName(name)) << name;
  EXPECT_TRUE(IsHeaderValue("any text, \"even\" \u00e9\t"));
  EXPECT_TRUE(IsHeaderValue(""));
  for (const char* value : {"a\r\nb", "\x01", "\x7f"}) EXPECT_FALSE(IsHeaderValue(value)) << value;
}

TEST(GrpcTarget, HasTheSchemeDecideAboutTls) {
  const auto target = [](const std::string& endpoint, bool insecure = false) {
    OtlpOptions options;
    options.endpoint = endpoint;
    options.insecure = insecure;
    const GrpcTarget found = GrpcTargetOf(options);
    return (found.tls ? "tls " : "plain ") + found.name;
  };
  EXPECT_EQ(target(""), "plain localhost:4317");
  EXPECT_EQ(target("http://c:1/path"), "plain c:1");
  EXPECT_EQ(target("HTTPS://c:1", true), "tls c:1");
  EXPECT_EQ(target("c:1"), "tls c:1");
  EXPECT_EQ(target("c:1", true), "plain c:1");
  EXPECT_EQ(target("unix:///run/otel.sock", true), "plain unix:///run/otel.sock");
}

}  // namespace
}  // namespace otel::internal
