// The recommender's request as a trace of eight spans:
//   GET /search (SERVER) > query_parser.parse, search_index.search > SELECT articles (CLIENT), recommendation_engine
//   (CLIENT) > model.predict (SERVER) > ranker.rank; HTTP GET (CLIENT)
#include <algorithm>
#include <array>

#include "load/message.h"

namespace sightline::load {
namespace {

constexpr int kSpansPerTrace = 8;
constexpr std::array<std::string_view, 2> kServices = {"recommender-api", "model-server"};

class Span {
 public:
  Span(uint16_t trace, uint8_t index, int parent, std::string_view name, int kind, float from, float to)
      : trace_(trace) {
    message_.Text(1, std::string(16, '\0'));
    message_.MarkLast(16, {.mark = Mark::kTraceId, .trace = trace});
    message_.Text(2, std::string(8, '\0'));
    message_.MarkLast(8, {.mark = Mark::kSpanId, .trace = trace, .span = index});
    if (parent >= 0) {
      message_.Text(4, std::string(8, '\0'));
      message_.MarkLast(8, {.mark = Mark::kSpanId, .trace = trace, .span = static_cast<uint8_t>(parent)});
    }
    message_.Text(5, name);
    message_.Varint(6, static_cast<uint64_t>(kind));
    Time(message_, 7, from);
    Time(message_, 8, to);
    message_.Fixed32(16, 0x101);  // sampled, and "has is_remote"
  }
  Span& Str(std::string_view key, std::string_view value) {
    message_.Sub(9, KeyValue(key, Any(value)));
    return *this;
  }
  Span& Int(std::string_view key, uint64_t number) {
    Message value;
    value.Varint(3, number);
    message_.Sub(9, KeyValue(key, value));
    return *this;
  }
  Span& Bool(std::string_view key, bool flag) {
    Message value;
    value.Varint(2, flag ? 1 : 0);
    message_.Sub(9, KeyValue(key, value));
    return *this;
  }
  Span& Score(std::string_view key) {
    Message value;
    value.Double(4, 0);
    value.MarkLast(8, {.mark = Mark::kRandomDouble, .trace = trace_});
    message_.Sub(9, KeyValue(key, value));
    return *this;
  }
  Span& User() {
    Message value;
    value.Text(1, "user-00000");
    value.MarkLast(5, {.mark = Mark::kUser, .trace = trace_});
    message_.Sub(9, KeyValue("user.id", value));
    return *this;
  }
  Span& Error(std::string_view text, float at) {
    Message event;
    Time(event, 1, at);
    event.Text(2, "exception");
    event.Sub(3, KeyValue("exception.type", Any("ModelTimeoutError")));
    event.Sub(3, KeyValue("exception.message", Any(text)));
    event.Sub(
        3,
        KeyValue(
            "exception.stacktrace",
            Any("Traceback (most recent call last):\n  File \"/srv/app/recommender/model.py\", line 118, in predict\n"
                "    scores = self._pool.submit(self._score, batch).result(timeout=budget)\nModelTimeoutError\n")));
    message_.Sub(11, event);
    Message status;
    status.Text(2, text);
    status.Varint(3, 2);
    message_.Sub(15, status);
    return *this;
  }
  const Message& message() const { return message_; }

 private:
  void Time(Message& message, int field, float at) const {
    message.Fixed64(field, 0);
    message.MarkLast(8, {.mark = Mark::kTimeAt, .trace = trace_, .at = at});
  }
  Message message_;
  uint16_t trace_;
};

std::string Query(std::mt19937_64& random) {
  static constexpr std::array<std::string_view, 20> kAbout = {
      "jazz",   "vintage", "quantum", "mountain", "robot", "ocean", "medieval", "space",  "noir",  "garden",
      "coding", "tea",     "desert",  "silent",   "urban", "myth",  "arctic",   "garage", "pixel", "opera"};
  static constexpr std::array<std::string_view, 25> kWhat = {
      "music",       "books",  "history",     "films",         "recipes",   "travel",        "theory",
      "games",       "art",    "courses",     "for beginners", "festivals", "documentaries", "podcasts",
      "near me",     "museum", "tickets",     "for children",  "best of",   "philosophy",    "instruments",
      "biographies", "maps",   "photography", "of the 1960s"};
  return "something about " + std::string(kAbout[random() % kAbout.size()]) + " " +
         std::string(kWhat[random() % kWhat.size()]);
}

// The request at the first service, and how it looks for articles.
void AddSearchSpans(std::mt19937_64& random, uint16_t t, bool fails, const std::string& query,
                    std::vector<Message>& spans) {
  const uint64_t hits = random() % 200;
  Span root(t, 0, -1, "GET /search", 2, 0.F, 1.F);
  root.Str("http.request.method", "GET").Str("http.route", "/search").Str("url.path", "/search");
  root.Int("http.response.status_code", fails ? 500 : 200)
      .Str("server.address", "recommender.internal")
      .Int("server.port", 8000);
  root.Str("client.address", "10.0." + std::to_string(random() % 256) + "." + std::to_string(random() % 256));
  root.Str("user_agent.original", random() % 2 == 0
                                      ? "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36"
                                      : "python-requests/2.32.3");
  root.Str("network.protocol.version", "1.1").User().Str("query.original", query).Int("search.results_count", hits);
  root.Int("http.response.body.size", 800 + random() % 20'000).Bool("app.cache_hit", random() % 4 == 0);
  if (fails) root.Str("error.type", "ModelTimeoutError").Error("model did not answer within 250 ms", 0.99F);
  spans.push_back(root.message());

  Span parse(t, 1, 0, "query_parser.parse", 1, 0.01F, 0.06F);
  parse.Str("query.original", query).Int("query.length", query.size()).Int("query.tokens", 2 + random() % 6);
  parse.Str("query.language", random() % 8 == 0 ? "fr" : "en")
      .Str("parser.version", "3.1.0")
      .Bool("query.has_filters", random() % 2);
  parse.Score("query.confidence").User();
  spans.push_back(parse.message());

  Span search(t, 2, 0, "search_index.search", 1, 0.06F, 0.30F);
  search.Str("search.index", "articles-v7")
      .Int("search.index_size", 182'044)
      .Int("search.k", 50)
      .Int("search.hits", hits);
  search.Score("search.top_score")
      .Str("search.algorithm", "bm25")
      .Bool("cache.hit", random() % 5 == 0)
      .Str("query.original", query);
  search.Str("code.function.name", "recommender.index.SearchIndex.search");
  spans.push_back(search.message());

  Span select(t, 3, 2, "SELECT articles", 3, 0.10F, 0.28F);
  select.Str("db.system.name", "sqlite").Str("db.namespace", "articles.db").Str("db.operation.name", "SELECT");
  select.Str("db.collection.name", "articles");
  select.Str("db.query.text",
             "SELECT id, title, summary, popularity FROM articles WHERE id IN (?, ?, ?, ?, ?, ?, ?, ?) LIMIT ?");
  select.Int("db.response.returned_rows", random() % 50)
      .Str("peer.service", "sqlite")
      .Int("thread.id", 140'000 + random() % 16);
  select.Bool("db.cached_statement", true);
  spans.push_back(select.message());
}

// What the model makes of them.
void AddModelSpans(std::mt19937_64& random, uint16_t t, bool fails, const std::string& query,
                   std::vector<Message>& spans) {
  Span engine(t, 4, 0, "recommendation_engine", 3, 0.31F, 0.62F);
  engine.Str("rpc.system", "grpc").Str("rpc.method", "Predict").Str("server.address", "model-server.internal");
  engine.Str("recommendation.strategy", random() % 3 == 0 ? "content" : "hybrid");
  engine.Int("recommendation.candidates", 20 + random() % 180).Score("recommendation.diversity").User();
  engine.Str("feature_flag.key", "ranker-experiment").Str("feature_flag.result.variant", random() % 2 == 0 ? "A" : "B");
  engine.Bool("recommendation.fallback", fails);
  spans.push_back(engine.message());

  Span predict(t, 5, 4, "model.predict", 2, 0.33F, 0.60F);
  predict.Str("model.name", "toy-two-tower").Str("model.version", random() % 10 < 8 ? "2026.10.1" : "2026.11.0-canary");
  predict.Str("model.framework", "sklearn")
      .Score("model.score")
      .Score("model.confidence")
      .Int("model.batch_size", 1 + random() % 32);
  predict.Int("model.features", 128).Bool("model.cold_start", random() % 100 == 0).User().Str("query.original", query);
  predict.Str("device.type", "cpu");
  if (fails) predict.Error("model did not answer within 250 ms", 0.59F);
  spans.push_back(predict.message());

  Span rank(t, 6, 5, "ranker.rank", 1, 0.45F, 0.58F);
  rank.Str("ranker.name", "lambdamart")
      .Int("ranker.candidates", 20 + random() % 180)
      .Score("ranker.top_score")
      .Score("ranker.ndcg");
  rank.Str("model.version", "2026.10.1").Str("query.original", query).Bool("ranker.diversified", random() % 2).User();
  spans.push_back(rank.message());
}

void AddWikipediaSpan(std::mt19937_64& random, uint16_t t, std::vector<Message>& spans) {
  Span wiki(t, 7, 0, "HTTP GET", 3, 0.63F, 0.90F);
  wiki.Str("http.request.method", "GET").Str("server.address", "en.wikipedia.org").Int("server.port", 443);
  wiki.Str("url.full", "https://en.wikipedia.org/api/rest_v1/page/summary/" + std::to_string(random() % 500));
  wiki.Int("http.response.status_code", 200)
      .Str("network.protocol.version", "2")
      .Int("http.response.body.size", random() % 9'000);
  wiki.Str("external.api", "wikipedia").Int("external.attempt", 1);
  spans.push_back(wiki.message());
}

// The spans of one trace; model.predict and ranker.rank belong to the second service.
std::vector<Message> TraceSpans(std::mt19937_64& random, uint16_t t, bool fails) {
  const std::string query = Query(random);
  std::vector<Message> spans;
  AddSearchSpans(random, t, fails, query, spans);
  AddModelSpans(random, t, fails, query, spans);
  AddWikipediaSpan(random, t, spans);
  return spans;
}

bool IsModelServer(size_t span) {
  return span == 5 || span == 6;
}

Message Resource(std::string_view service, uint64_t instance) {
  Message resource;
  resource.Sub(1, KeyValue("service.name", Any(service)));
  resource.Sub(1, KeyValue("service.version", Any("1.4.2")));
  resource.Sub(1, KeyValue("service.instance.id", Any(std::string(service) + "-" + std::to_string(instance))));
  resource.Sub(1, KeyValue("deployment.environment.name", Any("production")));
  resource.Sub(1, KeyValue("telemetry.sdk.language", Any("python")));
  return resource;
}

Group::Request Request(const std::array<std::vector<const Message*>, 2>& spans_by_service, uint64_t instance) {
  Message request;
  uint32_t items = 0;
  for (size_t service = 0; service < kServices.size(); ++service) {
    Message scope, scope_spans, resource_spans;
    scope.Text(1, service == 0 ? "recommender.api" : "recommender.model");
    scope.Text(2, "1.4.2");
    scope_spans.Sub(1, scope);
    for (const Message* span : spans_by_service[service]) scope_spans.Sub(2, *span);
    items += static_cast<uint32_t>(spans_by_service[service].size());
    resource_spans.Sub(1, Resource(kServices[service], instance));
    resource_spans.Sub(2, scope_spans);
    request.Sub(1, resource_spans);
  }
  return {request.bytes(), request.places(), items};
}

}  // namespace

Group TraceGroup(std::mt19937_64& random, uint32_t traces_per_request, Shape shape) {
  const uint32_t requests = shape == Shape::kWhole ? 1 : kSpansPerTrace;
  Group group;
  group.traces = traces_per_request * requests;
  struct Owned {
    Message message;
    size_t service;
  };
  std::vector<Owned> spans;
  for (uint32_t trace = 0; trace < group.traces; ++trace) {
    group.fails.push_back(trace % 50 == 17);
    std::vector<Message> built = TraceSpans(random, static_cast<uint16_t>(trace), group.fails.back());
    for (size_t i = 0; i < built.size(); ++i) spans.push_back({std::move(built[i]), IsModelServer(i) ? 1UL : 0UL});
  }
  if (shape == Shape::kShuffled) std::ranges::shuffle(spans, random);
  const size_t per_request = spans.size() / requests;
  for (uint32_t r = 0; r < requests; ++r) {
    std::array<std::vector<const Message*>, 2> by_service;
    for (size_t i = r * per_request; i < (r + 1) * per_request; ++i)
      by_service[spans[i].service].push_back(&spans[i].message);
    group.requests.push_back(Request(by_service, random() % 3));
  }
  return group;
}

}  // namespace sightline::load
