// Sampling as a client of the HTTP API sees it, over a real socket, with the program's side made up here.
#include "serve/sampling_api.h"

#include <gtest/gtest.h>

#include "net/http_client.h"
#include "query/testing/engine.h"
#include "sample/policy_config.h"
#include "serve/api_server.h"

namespace sightline::serve {
namespace {

bool Has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// What it is told is what State says; SetPolicies compiles what it gets, as the program does.
class TestControl final : public SamplingControl {
 public:
  SamplingState State() const override { return state; }
  Result<void> SetPolicies(std::string_view yaml, bool check_only) override {
    if (is_off) return Fail(Code::kFailedPrecondition, "tail sampling is off");
    auto config = sample::ParseTailSampling(yaml);
    if (!config) return std::unexpected(config.error());
    auto policies = sample::PolicySet::Compile(*config);
    if (!policies) return std::unexpected(policies.error());
    if (!check_only) state.in_force.policies = *policies;
    return {};
  }
  std::optional<sample::DroppedTraces::Record> FindDropped(std::string_view trace_id) const override {
    if (trace_id != dropped_id) return std::nullopt;
    return sample::DroppedTraces::Record{.decided_unix_nanos = 1'700'000'000'000'000'000, .policy = "noise"};
  }

  SamplingState state;
  bool is_off = false;
  std::string dropped_id;
};

class SamplingApiTest : public query::testing::EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    Clear({"spans", "kept_span_rollups", "span_metric_rollups", "metric_series", "metric_points"});
    StartServer(&control_);
  }
  void StartServer(SamplingControl* control) {
    server_.reset();
    auto started = ApiServer::Start({.address = "127.0.0.1:0", .sampling = control}, clickhouse(), metrics_,
                                    [] { return ProgramStatus(); });
    ASSERT_TRUE(started) << started.error().message;
    server_ = std::move(*started);
  }
  net::HttpReply Call(const std::string& method, const std::string& path, std::string_view body = "",
                      std::vector<std::pair<std::string, std::string>> headers = {}) {
    net::HttpClient client;
    net::HttpCall call;
    call.method = method;
    call.url = "http://" + server_->address() + path;
    call.body = body;
    call.headers = std::move(headers);
    call.timeout_seconds = 60;
    auto reply = client.Call(call);
    EXPECT_TRUE(reply) << reply.error().message;
    return reply ? *reply : net::HttpReply{};
  }
  std::string Get(const std::string& path) {
    const net::HttpReply reply = Call("GET", path);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.body;
  }
  net::HttpReply Put(std::string_view policies, const std::string& parameters = "") {
    return Call("PUT", "/api/v1/sampling/policies" + parameters, policies);
  }

  MetricsRegistry metrics_;
  TestControl control_;
  std::unique_ptr<ApiServer> server_;
};

TEST_F(SamplingApiTest, SaysWhatIsInForce) {
  const auto config = sample::ParseTailSampling(
      "{decision_wait: 5s, tail_storage: disk, policies: [{name: errors, type: error, services: [shop]}, {name: both, "
      "type: "
      "and, and: {and_sub_policy: [{name: slow, type: latency, latency: {threshold_ms: 9}}, {name: some, type: "
      "probabilistic}]}}]}");
  ASSERT_TRUE(config) << config.error().message;
  control_.state.in_force = {.policies = *sample::PolicySet::Compile(*config),
                             .yaml = "decision_wait: 5s\n\"quoted\"",
                             .definitions = {"{name: errors}"},
                             .origin = PoliciesInForce::Origin::kApi,
                             .place = "sightline.yaml:3",
                             .since_unix_nanos = 1234};
  control_.state.refused = {
      .origin = PoliciesInForce::Origin::kConfiguration, .unix_nanos = 77, .message = "3:5: not so"};
  control_.state.sampler = {.undecided_spans = 30, .undecided_traces = 4, .memory_bytes = 500};
  control_.state.memory_bytes_max = 1000;
  control_.state.journal_bytes = 60;
  control_.state.journal_bytes_max = 70;
  control_.state.records = {.bytes = 8, .bytes_max = 9, .oldest_unix_nanos = 55};
  const std::string body = Get("/api/v1/sampling");
  EXPECT_TRUE(Has(body, R"("in_force":{"since_unix_nano":"1234","origin":"api","place":"sightline.yaml:3",)")) << body;
  EXPECT_TRUE(Has(body, R"("yaml":"decision_wait: 5s\n\"quoted\"","decision_wait_nano":5000000000)")) << body;
  EXPECT_TRUE(
      Has(body, R"({"name":"errors","type":"error","yaml":"{name: errors}","services":["shop"],"sub_policies":[]})"))
      << body;
  EXPECT_TRUE(Has(body, R"("sub_policies":[{"name":"slow","type":"latency"},{"name":"some","type":"probabilistic"}])"))
      << body;
  EXPECT_TRUE(Has(body, R"("warnings":["tail_storage means nothing here)")) << body;
  EXPECT_TRUE(Has(body, R"("refused":{"unix_nano":"77","origin":"configuration","message":"3:5: not so"})")) << body;
  EXPECT_TRUE(Has(body, R"("undecided_traces":4,"undecided_spans":30)")) << body;
  EXPECT_TRUE(Has(body, R"("memory":{"used_bytes":500,"limit_bytes":1000})")) << body;
  EXPECT_TRUE(Has(body, R"("journal":{"used_bytes":60,"limit_bytes":70})")) << body;
  EXPECT_TRUE(Has(body, R"("records":{"used_bytes":8,"limit_bytes":9},"oldest_record_unix_nano":"55")")) << body;
}

TEST_F(SamplingApiTest, CountsSinceTheStartComeFromTheProgramsMetrics) {
  const auto count = [&](const char* name, MetricLabels labels, uint64_t value) {
    metrics_.GetCounter(std::string("sightline.sampling.") + name, "1", "", std::move(labels)).Add(value);
  };
  count("traces", {{"decision", "kept"}, {"policy", "errors"}}, 3);
  count("spans", {{"decision", "kept"}, {"policy", "errors"}}, 12);
  count("traces", {{"decision", "dropped"}, {"policy", ""}}, 90);
  count("spans", {{"decision", "dropped"}, {"policy", ""}}, 400);
  count("traces", {{"decision", "kept"}, {"policy", "never"}}, 0);
  count("early_decisions", {{"reason", "journal"}}, 5);
  count("late_spans", {{"decision", "kept"}}, 6);
  count("too_large_traces", {}, 7);
  const std::string body = Get("/api/v1/sampling");
  EXPECT_TRUE(Has(body, R"("since_start":{"policies":[{"policy":"","kept_traces":0,"kept_spans":0,"dropped_traces":90,)"
                        R"("dropped_spans":400},{"policy":"errors","kept_traces":3,"kept_spans":12,"dropped_traces":0,)"
                        R"("dropped_spans":0}],"early_decisions":{"memory":0,"journal":5,"num_traces":0},)"
                        R"("late_spans":{"kept":6,"dropped":0},"too_large_traces":7})"))
      << body;
}

TEST_F(SamplingApiTest, WithoutSamplingEverythingIsKept) {
  for (SamplingControl* control : {static_cast<SamplingControl*>(&control_), static_cast<SamplingControl*>(nullptr)}) {
    StartServer(control);
    const std::string body = Get("/api/v1/sampling");
    EXPECT_TRUE(Has(body, R"("in_force":null,"refused":null,)")) << body;
    EXPECT_TRUE(Has(body, R"("oldest_record_unix_nano":null})")) << body;
  }
  const net::HttpReply reply = Put("{}");
  EXPECT_GE(reply.status, 400) << reply.body;
  EXPECT_TRUE(Has(reply.body, "tail sampling is off")) << reply.body;
}

TEST_F(SamplingApiTest, NewPoliciesAreTakenOverOrChecked) {
  constexpr std::string_view kAll = "tail_sampling:\n  policies:\n  - {name: all, type: always_sample}\n";
  net::HttpReply reply = Put(kAll, "?check_only=true");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "{\"applied\":false}\n");
  EXPECT_EQ(control_.state.in_force.policies, nullptr);
  reply = Put(kAll);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "{\"applied\":true}\n");
  ASSERT_NE(control_.state.in_force.policies, nullptr);
  EXPECT_EQ(control_.state.in_force.policies->config().policies[0].name, "all");
}

TEST_F(SamplingApiTest, WrongPoliciesAreBlamedAtTheirPlace) {
  const net::HttpReply reply = Put("policies:\n  - name: a\n    type: allways\n");
  EXPECT_EQ(reply.status, 400);
  EXPECT_TRUE(Has(reply.body, R"("where":"3:11")")) << reply.body;
  EXPECT_TRUE(Has(reply.body, R"("message":"unknown policy type \"allways\")")) << reply.body;
  EXPECT_EQ(control_.state.in_force.policies, nullptr);
  const net::HttpReply broken = Put("policies: [{name: a");
  EXPECT_EQ(broken.status, 400);
  EXPECT_TRUE(Has(broken.body, "not valid YAML")) << broken.body;
  EXPECT_EQ(Call("PUT", "/api/v1/sampling/policies", "x", {{"Content-Encoding", "gzip"}}).status, 415);
  EXPECT_EQ(Put("{}", "?check_only=maybe").status, 400);
  EXPECT_EQ(Put("{}", "?nosuch=1").status, 400);
  control_.is_off = true;
  EXPECT_TRUE(Has(Put("{}").body, "tail sampling is off"));
}

TEST_F(SamplingApiTest, TotalsAndHistoryOfARange) {
  Execute(
      "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ServiceName, SamplingPolicy, AdjustedCount) "
      "SELECT 1, "
      "now64(9) - 300, sipHash128(number), substring(hex(number + 1000000), 1, 8), 'shop', 'some', 20 FROM numbers(5)");
  // As what writes the block adds them up.
  Execute(
      "INSERT INTO sightline.kept_span_rollups (Block, Seconds, Time, ServiceName, SamplingPolicy, Spans, Bytes, "
      "StandFor, Traces) SELECT 0, arrayJoin([60, 3600]) AS Resolution, toDateTime(intDiv(toUnixTimestamp(Timestamp), "
      "Resolution) * Resolution) AS Start, ServiceName, SamplingPolicy, count(), 500, sum(AdjustedCount), "
      "uniqCombinedState(14)(xxh3(TraceId)) FROM sightline.spans GROUP BY Resolution, Start, ServiceName, "
      "SamplingPolicy");
  const std::string body = Get("/api/v1/sampling/totals?last=1h");
  EXPECT_TRUE(Has(body, R"("traces":5,"spans":5,"stand_for":100,"bytes_received":500,"bytes_on_disk":)")) << body;
  EXPECT_TRUE(Has(body, R"("policies":[{"policy":"some","traces":5,"spans":5,"stand_for":100,)")) << body;
  EXPECT_TRUE(Has(body, R"("services":[{"service":"shop","traces":5,)")) << body;
  EXPECT_TRUE(Has(body, R"("is_cut":false,"scanned":{"rows":)")) << body;
  EXPECT_TRUE(Has(Get("/api/v1/sampling/totals?from=0&to=60000000000"), R"("services":[],"is_cut":false)"));
  EXPECT_EQ(Call("GET", "/api/v1/sampling/totals?from=60&to=60").status, 400);
  EXPECT_EQ(Call("GET", "/api/v1/sampling/totals?nosuch=1").status, 400);
  const std::string history = Get("/api/v1/sampling/history?last=10m&step=60s");
  EXPECT_TRUE(Has(history, R"("step_seconds":60,"series":[],"scanned":{)")) << history;
  EXPECT_EQ(Call("GET", "/api/v1/sampling/history?step=1.5s").status, 400);
}

TEST_F(SamplingApiTest, ATraceThatWasSampledOutIsGoneAndSaysWhy) {
  control_.dropped_id = "000102030405060708090a0b0c0d0e0f";
  const net::HttpReply gone = Call("GET", "/api/v1/traces/" + control_.dropped_id);
  EXPECT_EQ(gone.status, 410) << gone.body;
  EXPECT_TRUE(Has(gone.body, "SAMPLED_OUT") && Has(gone.body, "noise")) << gone.body;
  EXPECT_EQ(Call("GET", "/api/v1/traces/100102030405060708090a0b0c0d0e0f").status, 404);
}

}  // namespace
}  // namespace sightline::serve
