#include "demo/wikipedia_stand_in/service.h"

#include <boost/json.hpp>
#include <charconv>
#include <thread>

#include "demo/common/text.h"

namespace demo::wikipedia_stand_in {
namespace {

namespace json = boost::json;
using http::Request;
using http::Response;

constexpr std::string_view kSummaryPath = "/api/rest_v1/page/summary/";
constexpr const char* kProblemType = "application/problem+json";

// RFC 7807, as RESTBase answers.
Response Problem(int status, std::string_view type, std::string_view title, std::string_view detail,
                 std::string_view path) {
  const json::object body = {{"type", "https://mediawiki.org/wiki/HyperSwitch/errors/" + std::string(type)},
                             {"title", title},
                             {"method", "get"},
                             {"detail", detail},
                             {"uri", "/en.wikipedia.org" + std::string(path)}};
  return {.status = status, .body = json::serialize(body), .content_type = kProblemType};
}

Response FaultAnswer(const Fault& fault, std::string_view path) {
  switch (fault.status) {
    case 404:
      return Problem(404, "not_found", "Not found.", "Page or revision not found.", path);
    case 429: {
      Response response =
          Problem(429, "request_rate_exceeded", "Too many requests", "Request rate limit exceeded", path);
      response.headers.emplace_back("Retry-After", "1");
      return response;
    }
    default:
      return Problem(fault.status, "internal_error", "Internal error", "The stand-in was told to fail.", path);
  }
}

json::object PageUrls(const std::string& host, const std::string& key) {
  const std::string page = "https://" + host + "/wiki/" + key;
  return {{"page", page},
          {"revisions", page + "?action=history"},
          {"edit", page + "?action=edit"},
          {"talk", "https://" + host + "/wiki/Talk:" + key}};
}

json::object Summarize(const Article& article) {
  return {
      {"type", "standard"},
      {"title", article.title},
      {"displaytitle", "<span class=\"mw-page-title-main\">" + article.title + "</span>"},
      {"namespace", {{"id", 0}, {"text", ""}}},
      {"wikibase_item", "Q" + std::to_string(article.page_id)},
      {"titles",
       {{"canonical", article.key},
        {"normalized", article.title},
        {"display", "<span class=\"mw-page-title-main\">" + article.title + "</span>"}}},
      {"pageid", article.page_id},
      {"lang", "en"},
      {"dir", "ltr"},
      {"revision", std::to_string(1'200'000'000 + article.page_id)},
      {"timestamp", "2024-03-01T12:00:00Z"},
      {"description", article.description},
      {"description_source", "local"},
      {"content_urls",
       {{"desktop", PageUrls("en.wikipedia.org", article.key)},
        {"mobile", PageUrls("en.m.wikipedia.org", article.key)}}},
      {"extract", article.extract},
      {"extract_html", "<p>" + article.extract + "</p>"},
  };
}

}  // namespace

Response Service::Handle(const Request& request) {
  if (request.path == "/health") return {.body = R"({"status":"healthy"})"};
  if (request.path == "/faults" && request.method == "POST") return SetFaults(request);
  if (request.path.starts_with(kSummaryPath) && request.method == "GET") return Summary(request);
  return Problem(404, "unknown_path", "Unknown path", "There is no such route.", request.path);
}

Response Service::Summary(const Request& request) {
  const auto named = request.Header("X-Fault") ? request.Header("X-Fault") : request.Query("fault");
  const auto fault = named ? ParseFault(*named) : faults_.Draw();
  if (!fault) return Problem(400, "bad_request", "Invalid parameters", fault.error().message, request.path);
  if (fault->delay.count() > 0) std::this_thread::sleep_for(fault->delay);
  if (fault->status != 0) return FaultAnswer(*fault, request.path);
  // Their policy: who names no User-Agent is turned away.
  if (!request.Header("User-Agent"))
    return {.status = 403, .body = "Please set a user-agent.", .content_type = "text/plain"};
  const std::string_view title = std::string_view(request.path).substr(kSummaryPath.size());
  if (!IsValidTitle(title)) {
    return Problem(400, "bad_request", "Bad request", "title-invalid-characters", request.path);
  }
  if (const Article* article = articles_.Find(title)) {
    std::string body = json::serialize(Summarize(*article));
    if (fault->malformed) body.resize(body.size() / 2);
    return {.body = std::move(body),
            .content_type =
                "application/json; charset=utf-8; profile=\"https://www.mediawiki.org/wiki/Specs/Summary/1.4.2\""};
  }
  if (const Article* article = articles_.FindRedirect(title)) {
    return {.status = 302, .content_type = "text/plain", .headers = {{"Location", PercentEncode(article->key)}}};
  }
  return FaultAnswer({.status = 404}, request.path);
}

Response Service::SetFaults(const Request& request) {
  const auto fault = ParseFault(request.Query("fault").value_or(""));
  if (!fault) return Problem(400, "bad_request", "Invalid parameters", fault.error().message, request.path);
  const std::string_view text = request.Query("share").value_or("1");
  double share = -1;
  std::from_chars(text.data(), text.data() + text.size(), share);
  if (share < 0 || share > 1)
    return Problem(400, "bad_request", "Invalid parameters", "share is from 0 to 1", request.path);
  faults_.Set(*fault, share);
  return {.body = "{}"};
}

}  // namespace demo::wikipedia_stand_in
