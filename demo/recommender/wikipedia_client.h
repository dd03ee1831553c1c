// Asks Wikipedia's REST API whether there is an article about what is searched for.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "demo/common/error.h"
#include "demo/http/client.h"
#include "demo/recommender/chaos.h"
#include "demo/recommender/signal_cache.h"
#include "demo/search/query_parser.h"

namespace demo::recommender {

struct WikipediaOptions {
  std::string base_url = "https://en.wikipedia.org/api/rest_v1";
  std::chrono::milliseconds timeout{5000};         // of each try
  int max_retries = 2;                             // after timeouts, failed connections, 429 and 5xx
  std::chrono::milliseconds retry_delay{50};       // before the first retry; doubled before each further one
  std::chrono::milliseconds retry_delay_max{500};  // whatever Retry-After says
};

// How much the article supports results for the query.
struct Signal {
  std::shared_ptr<const Article> article;
  double relevance_score;  // 0 to 1
};

// "Sourdough_bread" for its tokens, those of a long query cut to the first two.
std::string TopicOf(const search::ParsedQuery& query);

// Reads the API's answer. An error where it is not what the API promises.
Result<Article> ParseSummary(const std::string& json);

// Thread: one at a time; the cache and the chaos are shared and must outlive it.
class WikipediaClient {
 public:
  WikipediaClient(const WikipediaOptions& options, SignalCache& cache, Chaos& chaos)
      : options_(options), cache_(cache), chaos_(chaos) {}

  // Nothing where there is no such article. Makes the span wikipedia_client.get_signal.
  Result<std::optional<Signal>> GetSignal(const search::ParsedQuery& query);

 private:
  Result<std::shared_ptr<const Article>> Fetch(const std::string& topic);
  Result<http::ClientResponse> SendWithRetries(const std::string& url);

  const WikipediaOptions options_;
  SignalCache& cache_;
  Chaos& chaos_;
  http::Client client_;
};

}  // namespace demo::recommender
