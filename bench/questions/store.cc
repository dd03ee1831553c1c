#include "questions/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/clock.h"
#include "store/schema.h"

namespace sightline::bench {
namespace {

constexpr int64_t kItemsPerInsert = 50'000;  // as the block writer's
constexpr int64_t kDayNanos = 24 * 3'600'000'000'000;
constexpr int kServices = 20, kResourcesOfService = 3;

// A resource of each service on three hosts.
std::string ResourcesSql() {
  return fmt::format(
      "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types) SELECT lower(hex(MD5(toString(number)))), "
      "now(), ['service.name', 'service.version', 'host.name', 'host.cpus', 'deployment.environment.name', "
      "'telemetry.sdk.language'], [concat('service-', toString(number % {0})), concat('1.', toString(number % 7)), "
      "concat('host-', toString(number)), '8', if(number % 3 = 2, 'staging', 'production'), 'cpp'], 'sssiss' "
      "FROM numbers({1})",
      kServices, kServices * kResourcesOfService);
}

// What a failure throws: one of 25 places in a service's code under frames of libraries, and a text that is another
// each time. 1.8 kB.
constexpr const char* kStackSql = R"(concat('Traceback (most recent call last):\n',
    arrayStringConcat(arrayMap(i -> concat('  File "/usr/lib/python3.11/site-packages/framework/layer_', toString(i),
      '.py", line ', toString(100 + i * 7), ', in call\n    return self.inner(request)\n'), range(14))),
    '  File "/app/place_', toString(u % 25), '.py", line ', toString(10 + u % 25), ', in step_', ['a', 'b', 'c', 'd', 'e'][1 + u % 25 % 5],
    '\n    raise ValueError(cart)\nValueError: cart ', lower(hex(u)), ' was refused'))";

// t is the trace, p the place in it, h, u and v are random by span and trace.
constexpr const char* kSpansSql = R"(
INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, ServiceName, StatusCode,
  StatusMessage, Duration, ResourceId, ScopeName, `a.http.request.method`, `a.http.route`, `a.http.response.status_code`,
  `a.user.id`, `a.db.system.name`, `a.db.operation.name`, `a.server.address`, `a.model.name`, `a.model.version`,
  SpanAttributes, SpanAttributeTypes, FilledColumns, `Events.Timestamp`, `Events.Name`, `Events.Attributes`, `Events.AttributeTypes`,
  `Events.DroppedAttributesCount`)
SELECT {block}, fromUnixTimestamp64Nano(toInt64({start} + number * {step})), sipHash128(t),
  substring(sipHash128(number, 1), 1, 8), if(p = 0, toFixedString('', 8), toFixedString(substring(sipHash128(number - 1, 1), 1, 8), 8)),
  concat(['GET /api', 'POST', 'checkout', 'SELECT', 'model.predict', 'GET', 'publish', 'render'][p + 1], ' ', toString(u % 25)),
  ['Server', 'Client', 'Server', 'Client', 'Internal', 'Client', 'Producer', 'Internal'][p + 1],
  concat('service-', toString(service)), if(failed, 'Error', 'Unset'), if(failed, 'it did not work', ''),
  toUInt64(exp2(17 + p % 3 + 3 * ((h % 1024 + intDiv(h, 1024) % 1024 + intDiv(h, 1048576) % 1024) / 1024))),
  lower(hex(MD5(toString(service + {services} * (u % 3))))), 'net.http',
  if(p IN (0, 1, 2, 5), ['GET', 'POST', 'PUT'][1 + u % 3], ''), if(p IN (0, 2), concat('/route/', toString(u % 40)), ''),
  if(p IN (0, 2), if(failed, '500', '200'), ''), if(p = 0, toString(u % 50000), ''),
  if(p = 3, ['postgresql', 'sqlite'][1 + v % 2], ''), if(p = 3, 'SELECT', ''), if(p IN (1, 3, 5), concat('host-', toString(u % 60)), ''),
  if(p = 4, 'ranker', ''), if(p = 4, ['v1', 'v2'][1 + v % 2], ''),
  map('session.id', lower(hex(u)), 'thread.id', toString(h % 64), 'url.path', concat('/route/', toString(u % 40), '/', toString(v % 1000)),
    'cart.size', toString(v % 12), 'tenant', if(t % 200000 = 77, 'rare', concat('tenant-', toString(v % 300))),
    'cache.hit', if(h % 3 = 0, 'true', 'false')), 'sisisb',
  ['a.http.request.method\na.http.route\na.http.response.status_code\na.user.id', 'a.http.request.method\na.server.address',
   'a.http.request.method\na.http.route\na.http.response.status_code', 'a.db.system.name\na.db.operation.name\na.server.address',
   'a.model.name\na.model.version', 'a.http.request.method\na.server.address', '', ''][p + 1],
  if(failed, [fromUnixTimestamp64Nano(toInt64({start} + number * {step} + 1000))], []), if(failed, ['exception'], []),
  if(failed, [map('exception.type', ['ValueError', 'KeyError', 'app.Timeout'][1 + u % 25 % 3],
    'exception.message', concat('cart ', lower(hex(u)), ' was refused'), 'exception.stacktrace', {stack})], []),
  if(failed, ['sss'], []), if(failed, [0], [])
FROM (SELECT number, intDiv(number, 8) AS t, toUInt8(number % 8) AS p, intHash32(number) AS h, intHash32(t) AS u,
    intHash32(t + 1000003) AS v, toUInt8((p * 3 + u % 4) % {services}) AS service, h % 1000 < if(p = 4 AND v % 2 = 1, 100, 10) AS failed
  FROM numbers({first}, {count})))";

// Half of the bodies are texts, half JSON; ids, numbers and addresses in them are of many values, as in real ones.
constexpr const char* kLogsSql = R"(
INSERT INTO sightline.logs (Block, Timestamp, ObservedTimestamp, TraceId, SpanId, SeverityText, SeverityNumber, ServiceName, Body, BodyType,
  ResourceId, ScopeName, LogAttributes, LogAttributeTypes)
SELECT {block}, fromUnixTimestamp64Nano(toInt64({start} + number * {step})) AS time, time, sipHash128(t),
  substring(sipHash128(number, 1), 1, 8), multiIf(h % 100 < 2, 'ERROR', h % 100 < 8, 'WARN', 'INFO'),
  multiIf(h % 100 < 2, 17, h % 100 < 8, 13, 9), concat('service-', toString(service)),
  multiIf(
    h % 4 = 0, concat('request ', id, ' GET /items/', toString(w % 1000000), ' from 10.0.', toString(w % 40), '.', toString(u % 250), ' served in ', toString(h % 5000), ' ms'),
    h % 4 = 1, concat('connection to 10.1.', toString(u % 40), '.', toString(w % 250), ':5432 timed out after ', toString(h % 5000), ' ms, request ', id),
    concat('{{"level":"', ['info', 'warn', 'error'][1 + h % 3], '","msg":"', ['order placed', 'cart changed', 'payment taken'][1 + u % 3],
      '","user":"user-', toString(w % 1000000), '","order_id":', toString(number), ',"http":{{"method":"', ['GET', 'POST'][1 + h % 2],
      '","route":"/route/', toString(u % 40), '","status":', if(h % 100 < 2, '500', '200'), '}},"duration_ms":', toString(w % 50000 / 10),
      ',"request_id":"', id, '"}}')), if(h % 8 < 6, 's', 'm'),
  lower(hex(MD5(toString(service + {services} * (u % 3))))), 'log',
  if(h % 1000 < 5, mapConcat(map('thread.id', toString(h % 64), 'logger', concat('logger-', toString(u % 30)), 'code.file.path',
      concat('src/file', toString(h % 50), '.cc'), 'tenant', if(t % 200000 = 77, 'rare', concat('tenant-', toString(u % 300)))) AS fields,
     map('exception.type', 'ValueError', 'exception.stacktrace', {stack})), fields),
  if(h % 1000 < 5, 'isssss', 'isss')
FROM (SELECT number, intDiv(number, 8) AS t, intHash32(number + 7) AS h, intHash32(t) AS u, intHash32(number + 13) AS w,
    lower(hex(sipHash64(number))) AS id, toUInt8((number % 8 * 3 + u % 4) % {services}) AS service
  FROM numbers({first}, {count})))";

Result<int64_t> Count(store::ClickHouse& clickhouse, const char* table) {
  auto rows = clickhouse.Rows(fmt::format("SELECT count() FROM sightline.{}", table));
  if (!rows) return std::unexpected(rows.error());
  return std::stoll((*rows)[0][0]);
}

Result<void> Fill(store::ClickHouse& clickhouse, int64_t items, bool with_spans) {
  SIGHTLINE_TRY(clickhouse.Execute(ResourcesSql()));
  const int64_t start = Clock::System().UnixNanos() - kDayNanos;
  for (int64_t first = 0; first < items; first += kItemsPerInsert) {
    for (const char* sql : {kSpansSql, kLogsSql}) {
      if (sql == kSpansSql && !with_spans) continue;
      SIGHTLINE_TRY(clickhouse.Execute(fmt::format(fmt::runtime(sql), fmt::arg("block", first / kItemsPerInsert + 1),
                                                   fmt::arg("start", start), fmt::arg("step", kDayNanos / items),
                                                   fmt::arg("first", first),
                                                   fmt::arg("count", std::min(kItemsPerInsert, items - first)),
                                                   fmt::arg("services", kServices), fmt::arg("stack", kStackSql))));
    }
  }
  return {};
}

// As a store does before it is asked for long.
Result<void> AwaitMerges(store::ClickHouse& clickhouse) {
  for (int seconds = 0; seconds < 120; ++seconds) {
    auto rows = clickhouse.Rows("SELECT count() FROM system.merges");
    if (!rows) return std::unexpected(rows.error());
    if ((*rows)[0][0] == "0") return {};
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  return {};
}

}  // namespace

Result<QueryStore> OpenQueryStore(const std::string& directory, int64_t items, bool with_spans) {
  std::filesystem::create_directories(directory);
  store::EmbeddedOptions options;
  options.data_directory = std::filesystem::absolute(directory).string() + "/clickhouse";
  if (const char* library = std::getenv("SIGHTLINE_LIBCHDB"); library != nullptr) options.library = library;
  auto opened = store::OpenEmbedded(options);
  if (!opened) return std::unexpected(opened.error());
  QueryStore store;
  store.clickhouse = *std::move(opened);
  SIGHTLINE_TRY(store::OpenSchema(*store.clickhouse, {}));
  auto logs = Count(*store.clickhouse, "logs");
  if (!logs) return std::unexpected(logs.error());
  if (*logs == 0) {
    SIGHTLINE_TRY(Fill(*store.clickhouse, items, with_spans));
    SIGHTLINE_TRY(AwaitMerges(*store.clickhouse));
    logs = items;
  }
  auto spans = Count(*store.clickhouse, "spans");
  if (!spans) return std::unexpected(spans.error());
  if (*spans != (with_spans ? items : 0) || *logs != items) {
    return Fail(Code::kFailedPrecondition, "{} holds {} spans and {} log records, not {}\nname another directory",
                directory, *spans, *logs, items);
  }
  auto range = store.clickhouse->Rows(
      "SELECT min(toUnixTimestamp64Nano(Timestamp)), max(toUnixTimestamp64Nano(Timestamp)) FROM sightline.logs");
  if (!range) return std::unexpected(range.error());
  store.from_unix_nanos = std::stoll((*range)[0][0]);
  store.to_unix_nanos = std::stoll((*range)[0][1]) + 1;
  return store;
}

}  // namespace sightline::bench
