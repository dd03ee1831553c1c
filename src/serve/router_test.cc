#include "serve/router.h"

#include <gtest/gtest.h>

namespace sightline::serve {
namespace {

Router Example() {
  Router router;
  for (const auto& [method, path] : std::vector<std::pair<std::string, std::string>>{{"GET", "/t"},
                                                                                      {"GET", "/t/{id}"},
                                                                                      {"GET", "/t/scatter"},
                                                                                      {"GET", "/t/{id}/spans/{span}"},
                                                                                      {"GET", "/m/{name*}/series"},
                                                                                      {"POST", "/sql"},
                                                                                      {"GET", "/both"},
                                                                                      {"POST", "/both"}}) {
    router.Add({method, path, nullptr});
  }
  return router;
}

TEST(Router, FindsTheEndpointAndThePartsOfThePath) {
  const Router router = Example();
  const struct {
    const char *path, *route;
    PathParts parts;
  } cases[] = {
      {"/t", "/t", {}},
      {"/t/scatter", "/t/scatter", {}},
      {"/t/ab12", "/t/{id}", {{"id", "ab12"}}},
      {"/t/ab/spans/cd", "/t/{id}/spans/{span}", {{"id", "ab"}, {"span", "cd"}}},
      {"/m/a.b/series", "/m/{name*}/series", {{"name", "a.b"}}},
      {"/m//series", "/m/{name*}/series", {{"name", ""}}},
      {"/m/a/b é?/series/series", "/m/{name*}/series", {{"name", "a/b é?/series"}}},
  };
  for (const auto& each : cases) {
    const auto match = router.Find("GET", each.path);
    ASSERT_NE(match.route, nullptr) << each.path;
    EXPECT_EQ(match.route->path, each.route);
    EXPECT_EQ(match.parts, each.parts) << each.path;
  }
}

TEST(Router, WhatIsNotThereIs404) {
  const Router router = Example();
  for (const char* path : {"/", "", "/t/", "/tt", "/t/a/b", "/t//spans/x", "/t/a/spans/", "/m/series", "/sql/", "/T"}) {
    const auto match = router.Find("GET", path);
    EXPECT_EQ(match.route, nullptr) << path;
    EXPECT_EQ(match.refused.status, 404) << path;
    EXPECT_TRUE(match.refused.body.starts_with("{\"error\":{\"code\":\"NOT_FOUND\"")) << match.refused.body;
  }
}

std::string AllowOf(const net::HttpResponse& response) {
  for (const auto& [name, value] : response.headers) {
    if (name == "Allow") return value;
  }
  return "";
}

TEST(Router, AnotherMethodIs405WithThoseThatAreServed) {
  const Router router = Example();
  for (const auto& [method, path, allow] : std::vector<std::tuple<std::string, std::string, std::string>>{
           {"DELETE", "/t", "GET, HEAD"}, {"POST", "/t/ab", "GET, HEAD"}, {"GET", "/sql", "POST"}, {"HEAD", "/sql", "POST"}, {"PUT", "/both", "GET, HEAD, POST"}}) {
    const auto match = router.Find(method, path);
    EXPECT_EQ(match.refused.status, 405) << path;
    EXPECT_EQ(AllowOf(match.refused), allow) << path;
  }
  EXPECT_NE(router.Find("HEAD", "/t/scatter").route, nullptr);
}

}  // namespace
}  // namespace sightline::serve
