#include "demo/recommender/wikipedia_client.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <thread>
#include <utility>

#include "demo/common/text.h"
#include "demo/recommender/telemetry.h"

namespace demo::recommender {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

constexpr size_t kWholeTopicTokensMax = 3;
constexpr size_t kTopicTokens = 2;
constexpr double kFullExtractCharacters = 500;
constexpr const char* kUserAgent = "sightline-demo-recommender/1.0 (https://opentelemetry.io/)";

bool IsWorthARetry(const Result<http::ClientResponse>& answer) {
  return !answer || answer->status == 429 || answer->status >= 500;
}

// As RFC 9110 has it, in seconds.
milliseconds RetryAfter(const Result<http::ClientResponse>& answer) {
  const auto text = answer ? answer->Header("retry-after") : std::string_view();
  int seconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return std::chrono::seconds(std::clamp(seconds, 0, 3600));
}

std::string TextOf(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

double Relevance(const Article& article, const search::ParsedQuery& query) {
  const auto characters = static_cast<double>(article.extract.size());
  const double about_it = model::StemOverlap(model::HashStems(query.normalized), article.stems);
  return std::min(1.0, characters / kFullExtractCharacters) * (0.5 + 0.5 * about_it);
}

void Describe(const otel::SpanRef& span, const Result<std::optional<Signal>>& signal) {
  const std::string_view status = !signal ? "failure" : *signal ? "success" : "not_found";
  TheTelemetry().wikipedia_calls.Add(1, status);
  span.SetAttribute("external.status", signal ? status : "error");
  if (!signal) {
    span.SetAttributes(
        {{"external.error_type", signal.error().type}, {"external.error_message", signal.error().message}});
    RecordError(span, signal.error());
  } else if (*signal) {
    const Article& article = *(*signal)->article;
    span.SetAttributes({{"external.description_length", article.extract.size()},
                        {"external.page_title", article.title},
                        {"external.page_type", article.type},
                        {"external.source", "wikipedia"},
                        {"external.relevance_score", (*signal)->relevance_score}});
  }
}

}  // namespace

std::string TopicOf(const search::ParsedQuery& query) {
  const size_t count = query.tokens.size() <= kWholeTopicTokensMax ? query.tokens.size() : kTopicTokens;
  std::string topic = fmt::format("{}", fmt::join(query.tokens.begin(), query.tokens.begin() + count, "_"));
  if (!topic.empty() && topic[0] >= 'a' && topic[0] <= 'z') topic[0] = static_cast<char>(topic[0] - 'a' + 'A');
  return topic;
}

Result<Article> ParseSummary(const std::string& text) {
  json::error_code error;
  const json::value parsed = json::parse(text, error);
  if (error || !parsed.is_object()) return Fail("JSONDecodeError", "the summary is no JSON object");
  Article article{.title = TextOf(parsed.get_object(), "title"),
                  .type = TextOf(parsed.get_object(), "type"),
                  .extract = TextOf(parsed.get_object(), "extract")};
  if (article.title.empty() || article.type.empty()) return Fail("ValueError", "the summary has no title or no type");
  article.stems = model::HashStems(article.title + " " + article.extract);
  return article;
}

Result<std::optional<Signal>> WikipediaClient::GetSignal(const search::ParsedQuery& query) {
  const Work work(TheTelemetry().wikipedia_client,
                  {{"external.api", "wikipedia"},
                   {"external.timeout_config", static_cast<double>(options_.timeout.count()) / 1000.0},
                   {"external.max_retries", options_.max_retries},
                   {"external.query_intent", query.intent}});
  const auto& span = work.span();
  const std::string topic = TopicOf(query);
  if (span.IsRecording()) {
    span.SetAttribute("external.query_tokens", search::JoinTokens(query.tokens));
    span.SetAttribute("external.topic", topic);
  }
  Result<std::optional<Signal>> signal = std::nullopt;
  if (!topic.empty()) {
    const auto article = Fetch(topic);
    if (!article) {
      signal = std::unexpected(article.error());
    } else if (*article) {
      signal = Signal{.article = *article, .relevance_score = Relevance(**article, query)};
    }
  }
  Describe(span, signal);
  return signal;
}

Result<std::shared_ptr<const Article>> WikipediaClient::Fetch(const std::string& topic) {
  const ChaosConfig chaos = chaos_.config();
  const auto& span = otel::CurrentSpan();
  if (chaos_.Strikes(chaos.external_api_timeout_rate)) {
    RecordChaos("external_timeout");
    std::this_thread::sleep_for(options_.timeout);
    return Fail("TimeoutError", "Simulated external API timeout");
  }
  if (chaos_.Strikes(chaos.external_api_failure_rate)) {
    RecordChaos("external_failure");
    return Fail("HTTPError", "Simulated external API failure");
  }
  // A list where a title belongs: no server takes it, and nothing but the span tells.
  const bool malformed = chaos_.Strikes(chaos.external_api_bad_requests);
  const auto cached = malformed ? std::nullopt : cache_.Find(topic, SignalCache::Clock::now());
  span.SetAttribute("external.cache_hit", cached.has_value());
  if (cached) return *cached;
  const std::string url = options_.base_url + "/page/summary/" + PercentEncode(malformed ? "['" + topic + "']" : topic);
  span.SetAttribute("external.url", url);
  const auto answer = SendWithRetries(url);
  if (!answer) return std::unexpected(answer.error());
  span.SetAttribute("external.http_status_code", answer->status);
  std::shared_ptr<const Article> article;
  if (answer->status == 200) {
    auto parsed = ParseSummary(answer->body);
    if (!parsed) return std::unexpected(parsed.error());
    article = std::make_shared<const Article>(*std::move(parsed));
  } else if (answer->status != 404) {
    return Fail("HTTPError", "Wikipedia answered {}", answer->status);
  }
  cache_.Put(topic, article, SignalCache::Clock::now());
  return article;
}

Result<http::ClientResponse> WikipediaClient::SendWithRetries(const std::string& url) {
  http::ClientRequest request{.url = url,
                              .headers = {{"User-Agent", kUserAgent}},
                              .timeout = options_.timeout,
                              .url_template = "/page/summary/{title}"};
  milliseconds delay = options_.retry_delay;
  for (int retry = 0;; ++retry, delay *= 2) {
    auto answer = client_.Send(request);
    if (retry == options_.max_retries || !IsWorthARetry(answer)) return answer;
    request.resend_count = retry + 1;
    std::this_thread::sleep_for(std::min(std::max(delay, RetryAfter(answer)), options_.retry_delay_max));
  }
}

}  // namespace demo::recommender
