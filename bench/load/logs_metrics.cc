// Log records and metric points beside the traces: records with a trace context and five attributes; points of
// counters, gauges and histograms over label sets that stay the same from request to request, as a service's do.
#include <algorithm>
#include <array>

#include "load/message.h"

namespace sightline::load {
namespace {

Message Resource() {
  Message resource;
  resource.Sub(1, KeyValue("service.name", "recommender-api"));
  resource.Sub(1, KeyValue("service.version", "1.4.2"));
  resource.Sub(1, KeyValue("service.instance.id", "recommender-api-0"));
  return resource;
}

Group Wrap(const Message& scope_items, uint32_t items, uint32_t traces) {
  Message resource_items, request;
  resource_items.Sub(1, Resource());
  resource_items.Sub(2, scope_items);
  request.Sub(1, resource_items);
  Group group;
  group.traces = traces;
  group.requests.push_back({request.bytes(), request.places(), items});
  return group;
}

Message Scope() {
  Message scope;
  scope.Text(1, "recommender.api");
  scope.Text(2, "1.4.2");
  return scope;
}

Message ShortBody(std::mt19937_64& random) {
  static constexpr std::array<std::string_view, 6> kBodies = {
      "Search request received for query",   "Parsed query into tokens", "Index returned candidates from shard",
      "Model prediction finished in budget", "Wikipedia signal fetched", "Response sent to the client"};
  return Any(std::string(kBodies[random() % kBodies.size()]) + " #" + std::to_string(random() % 100'000));
}

// Runs of 0 become decimal digits, runs of h (not within a word) hex digits, anew in each record.
Message VariedBody(std::mt19937_64& random) {
  static constexpr std::array<std::string_view, 16> kBodies = {
      "GET /api/v1/items/000000/reviews?page=00 HTTP/1.1 200 0000 bytes in 00.000 ms",
      "POST /api/v1/orders HTTP/1.1 201 000 bytes in 000.000 ms request_id=hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh",
      "Search request received: query=\"wireless headphones\" user=user-00000 shard=0 limit=00",
      "Cache miss for key recommendations:user-00000:v3, loading from postgres://db-0.internal:5432/catalog",
      "Model ranker-v2 scored 000 candidates for user-00000 in 00.00 ms (batch hhhhhhhh)",
      "Connection from 10.0.00.000:00000 accepted, tls=1.3 cipher=TLS_AES_256_GCM_SHA384",
      "SELECT id, title, price FROM items WHERE category_id = 0000 AND stock > 0 ORDER BY score DESC LIMIT 00 -- 00.0 "
      "ms",
      "Published event order.created to topic orders-v2 partition 00 offset 00000000 key hhhhhhhhhhhhhhhh",
      "Loaded /var/lib/recommender/models/ranker-v2/shard-000/weights-00000.bin (00000000 bytes, sha256 "
      "hhhhhhhhhhhhhhhh)",
      "Retrying call to http://inventory.internal:8080/stock/000000 after 000 ms: connection reset by peer (attempt 0)",
      "Token refreshed for session hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh, expires in 0000 s",
      "Garbage collection: pause 0.000 s, heap 0000M -> 000M, generation 0",
      "Request hhhhhhhhhhhhhhhh finished: status=ok items=00 latency_ms=00.00 model=ranker-v2 experiment=exp-000",
      "Traceback (most recent call last):\n  File \"/srv/app/recommender/api/search.py\", line 000, in search\n    "
      "results = await index.query(tokens, shard=0)\n  File \"/srv/app/recommender/index.py\", line 00, in query\n    "
      "raise TimeoutError(f\"shard {shard} did not answer\")\nTimeoutError: shard 0 did not answer",
      "Scheduled job cleanup-expired-carts processed 0000 rows, skipped 00",
      "Feature store lookup of 00 features for item 000000 took 0.00 ms, 0 missing"};
  const std::string_view text = kBodies[random() % 50 == 0 ? 13 : random() % kBodies.size()];
  constexpr size_t kWidthMax = 16;
  Message body = Any(text);
  for (size_t begin = 0, end = 0; begin < text.size(); begin = std::max(end, begin + 1)) {
    const char c = text[begin];
    end = std::min({text.find_first_not_of(c, begin), text.size(), begin + kWidthMax});
    const bool hex = c == 'h' && end - begin >= 4;
    if (c != '0' && !hex) continue;
    body.MarkText(text.size(), begin,
                  {.mark = hex ? Mark::kHex : Mark::kDigits, .width = static_cast<uint8_t>(end - begin)});
  }
  return body;
}

Message Record(std::mt19937_64& random, uint16_t trace, Bodies bodies) {
  Message record;
  record.Fixed64(1, 0);
  record.MarkLast(8, {.mark = Mark::kNow});
  record.Fixed64(11, 0);
  record.MarkLast(8, {.mark = Mark::kNow});
  const bool warns = random() % 20 == 0;
  record.Varint(2, warns ? 13 : 9);
  record.Text(3, warns ? "WARN" : "INFO");
  record.Sub(5, bodies == Bodies::kVaried ? VariedBody(random) : ShortBody(random));
  record.Sub(6, KeyValue("code.function.name", "recommender.api.search"));
  record.Sub(6, KeyValue("code.file.path", "/srv/app/recommender/api/search.py"));
  Message user_value;
  user_value.Text(1, "user-00000");
  user_value.MarkLast(5, {.mark = Mark::kUser, .trace = trace});
  record.Sub(6, KeyValue("user.id", user_value));
  record.Sub(6, KeyValue("thread.name", "AnyIO worker thread"));
  record.Sub(6, KeyValue("request.shard", std::to_string(random() % 8)));
  record.Fixed32(8, 1);
  record.Text(9, std::string(16, '\0'));
  record.MarkLast(16, {.mark = Mark::kTraceId, .trace = trace});
  record.Text(10, std::string(8, '\0'));
  record.MarkLast(8, {.mark = Mark::kSpanId, .trace = trace, .span = 1});
  return record;
}

void PointTimes(Message& point, uint64_t start) {
  point.Fixed64(2, start);
  point.Fixed64(3, 0);
  point.MarkLast(8, {.mark = Mark::kNow});
}

void Labels(Message& point, int field, uint32_t series) {
  static constexpr std::array<std::string_view, 4> kRoutes = {"/search", "/predict", "/feedback", "/health"};
  point.Sub(field, KeyValue("http.route", kRoutes[series % kRoutes.size()]));
  point.Sub(field, KeyValue("http.request.method", series % 3 == 0 ? "POST" : "GET"));
  point.Sub(field, KeyValue("shard", std::to_string(series)));
}

Message NumberPoint(uint32_t series, bool counter, uint64_t start) {
  Message point;
  PointTimes(point, start);
  if (counter) {
    point.Fixed64(6, 0);
    point.MarkLast(8, {.mark = Mark::kCounter});
  } else {
    point.Double(4, 0);
    point.MarkLast(8, {.mark = Mark::kRandomDouble});
  }
  Labels(point, 7, series);
  return point;
}

Message HistogramPoint(std::mt19937_64& random, uint32_t series, uint64_t start) {
  static constexpr std::array<double, 14> kBounds = {5,   10,  25,   50,   75,   100,  250,
                                                     500, 750, 1000, 2500, 5000, 7500, 10000};
  Message point;
  PointTimes(point, start);
  std::string counts, bounds;
  uint64_t total = 0;
  for (size_t i = 0; i <= kBounds.size(); ++i) {
    const uint64_t count = random() % 100;
    total += count;
    counts.append(reinterpret_cast<const char*>(&count), 8);
  }
  for (double bound : kBounds) bounds.append(reinterpret_cast<const char*>(&bound), 8);
  point.Fixed64(4, total);
  point.Double(5, static_cast<double>(total) * 40);
  point.Text(6, counts);
  point.Text(7, bounds);
  Labels(point, 9, series);
  return point;
}

}  // namespace

Group LogGroup(std::mt19937_64& random, uint32_t records, Bodies bodies) {
  Message scope_logs;
  scope_logs.Sub(1, Scope());
  const uint32_t traces = std::max(1U, records / 6);
  for (uint32_t i = 0; i < records; ++i)
    scope_logs.Sub(2, Record(random, static_cast<uint16_t>(i / 6 % traces), bodies));
  return Wrap(scope_logs, records, traces);
}

// One in ten metrics is a histogram, four in ten are gauges, the rest counters; 25 series each.
Group MetricGroup(std::mt19937_64& random, uint32_t points) {
  constexpr uint32_t kSeriesPerMetric = 25;
  constexpr uint64_t kStart = 1'700'000'000'000'000'000;
  Message scope_metrics;
  scope_metrics.Sub(1, Scope());
  for (uint32_t first = 0, number = 0; first < points; first += kSeriesPerMetric, ++number) {
    const bool histogram = number % 10 == 9, counter = number % 10 < 5;
    Message metric, data;
    metric.Text(1, "app.metric." + std::to_string(number));
    metric.Text(3, histogram ? "ms" : "1");
    for (uint32_t series = 0; series < kSeriesPerMetric && first + series < points; ++series) {
      data.Sub(1, histogram ? HistogramPoint(random, series, kStart) : NumberPoint(series, counter, kStart));
    }
    if (histogram || counter) data.Varint(2, 2);
    if (counter) data.Varint(3, 1);
    metric.Sub(histogram ? 9 : counter ? 7 : 5, data);
    scope_metrics.Sub(2, metric);
  }
  return Wrap(scope_metrics, points, 1);
}

}  // namespace sightline::load
