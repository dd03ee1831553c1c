#include "config/otlp_environment.h"

#include <gmock/gmock.h>

#include "common/testing/given_environment.h"

namespace otel::internal {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

using Variables = std::map<std::string, std::string>;

OtlpOptions Read(const Variables& variables, Signal signal = Signal::kTraces) {
  return ReadOtlpOptions(GivenEnvironment(variables).environment(), signal);
}

TEST(OtlpEnvironment, HasTheExportersDefaultsWhereNothingIsSet) {
  const OtlpOptions options = Read({});
  EXPECT_EQ(options.protocol, OtlpProtocol::kHttpProtobuf);
  EXPECT_EQ(options.endpoint, "");
  EXPECT_EQ(options.url, "");
  EXPECT_EQ(options.compression, OtlpCompression::kNone);
  EXPECT_EQ(options.timeout, milliseconds(10'000));
  EXPECT_FALSE(options.insecure);
  EXPECT_THAT(options.headers, IsEmpty());
}

TEST(OtlpEnvironment, AppendsThePathOnlyToTheAddressForAllSignals) {
  const struct {
    const char* what;
    Variables variables;
    const char* endpoint;
    const char* url;
  } kCases[] = {
      {"all", {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/base"}}, "http://c:4318/base", ""},
      {"own", {{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:1/x"}}, "", "http://t:1/x"},
      {"both",
       {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"}, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:1/x"}},
       "",
       "http://t:1/x"},
      {"another's", {{"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://l:1"}}, "", ""},
      {"own, gRPC",
       {{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:4317"}, {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"}},
       "http://t:4317",
       ""},
      {"empty own",
       {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"}, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", ""}},
       "http://c:4318",
       ""},
  };
  for (const auto& [what, variables, endpoint, url] : kCases) {
    SCOPED_TRACE(what);
    const OtlpOptions options = Read(variables);
    EXPECT_EQ(options.endpoint, endpoint);
    EXPECT_EQ(options.url, url);
  }
}

TEST(OtlpEnvironment, ReadsAllForAllSignals) {
  const Variables variables = {
      {"OTEL_EXPORTER_OTLP_PROTOCOL", "GRPC"},
      {"OTEL_EXPORTER_OTLP_INSECURE", "true"},
      {"OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20x,tenant=7"},
      {"OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"},
      {"OTEL_EXPORTER_OTLP_TIMEOUT", "2500"},
      {"OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"},
      {"OTEL_EXPORTER_OTLP_CLIENT_KEY", "/key.pem"},
      {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/cert.pem"},
  };
  for (const Signal signal : {Signal::kTraces, Signal::kMetrics, Signal::kLogs}) {
    const OtlpOptions options = Read(variables, signal);
    EXPECT_EQ(options.protocol, OtlpProtocol::kGrpc);
    EXPECT_TRUE(options.insecure);
    EXPECT_THAT(options.headers, ElementsAre(Pair("authorization", "Bearer x"), Pair("tenant", "7")));
    EXPECT_EQ(options.compression, OtlpCompression::kGzip);
    EXPECT_EQ(options.timeout, milliseconds(2500));
    EXPECT_EQ(options.certificate, "/ca.pem");
    EXPECT_EQ(options.client_key, "/key.pem");
    EXPECT_EQ(options.client_certificate, "/cert.pem");
  }
}

TEST(OtlpEnvironment, TakesTheSignalsOwnFirst) {
  const Variables variables = {
      {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"},         {"OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "http/json"},
      {"OTEL_EXPORTER_OTLP_INSECURE", "true"},         {"OTEL_EXPORTER_OTLP_LOGS_INSECURE", "false"},
      {"OTEL_EXPORTER_OTLP_HEADERS", "a=1,b=2"},       {"OTEL_EXPORTER_OTLP_LOGS_HEADERS", "c=3"},
      {"OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"},      {"OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "none"},
      {"OTEL_EXPORTER_OTLP_TIMEOUT", "2500"},          {"OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "100"},
      {"OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"},   {"OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", "/logs-ca.pem"},
      {"OTEL_EXPORTER_OTLP_CLIENT_KEY", "/key.pem"},   {"OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY", "/logs-key.pem"},
      {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/c"}, {"OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE", "/logs-c"},
  };
  const OtlpOptions logs = Read(variables, Signal::kLogs);
  EXPECT_EQ(logs.protocol, OtlpProtocol::kHttpJson);
  EXPECT_FALSE(logs.insecure);
  EXPECT_THAT(logs.headers, ElementsAre(Pair("c", "3")));
  EXPECT_EQ(logs.compression, OtlpCompression::kNone);
  EXPECT_EQ(logs.timeout, milliseconds(100));
  EXPECT_EQ(logs.certificate, "/logs-ca.pem");
  EXPECT_EQ(logs.client_key, "/logs-key.pem");
  EXPECT_EQ(logs.client_certificate, "/logs-c");
  EXPECT_EQ(Read(variables, Signal::kMetrics).protocol, OtlpProtocol::kGrpc);
}

TEST(OtlpEnvironment, KeepsTheDefaultForWhatIsMalformed) {
  const GivenEnvironment given({
      {"OTEL_EXPORTER_OTLP_PROTOCOL", "carrier-pigeon"},
      {"OTEL_EXPORTER_OTLP_COMPRESSION", "zip"},
      {"OTEL_EXPORTER_OTLP_TIMEOUT", "10s"},
      {"OTEL_EXPORTER_OTLP_HEADERS", "nonsense"},
  });
  const OtlpOptions options = ReadOtlpOptions(given.environment(), Signal::kMetrics);
  EXPECT_EQ(options.protocol, OtlpProtocol::kHttpProtobuf);
  EXPECT_EQ(options.compression, OtlpCompression::kNone);
  EXPECT_EQ(options.timeout, milliseconds(10'000));
  EXPECT_THAT(options.headers, IsEmpty());
  EXPECT_EQ(given.warnings().size(), 4);
}

TEST(OtlpEnvironment, TakesATimeoutOfZeroAsNoLimit) {
  EXPECT_GT(Read({{"OTEL_EXPORTER_OTLP_TIMEOUT", "0"}}).timeout, std::chrono::hours(24));
}

}  // namespace
}  // namespace otel::internal
