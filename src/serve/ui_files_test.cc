#include "serve/ui_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "net/compression.h"

namespace sightline::serve {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

net::HttpResponse Get(std::string path, net::HttpHeaders headers = {}) {
  net::HttpRequest request;
  request.method = "GET";
  request.path = std::move(path);
  request.headers = std::move(headers);
  return UiResponse(request);
}

std::string Header(const net::HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

TEST(UiFiles, StartPageIsHtmlThatMayLoadNothingFromElsewhere) {
  const auto page = Get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_THAT(page.body, HasSubstr("<!doctype html>"));
  const auto policy = Header(page, "Content-Security-Policy");
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_THAT(policy, Not(HasSubstr("http")));
}

TEST(UiFiles, EveryFileIsTheSameCompressedAndPlain) {
  ASSERT_FALSE(UiFiles().empty());
  for (const auto& file : UiFiles()) {
    const auto compressed = Get(std::string(file.path), {{"accept-encoding", "deflate, gzip;q=0.8"}});
    const auto plain = Get(std::string(file.path), {{"Accept-Encoding", "gzip;q=0"}});
    EXPECT_EQ(Header(compressed, "Content-Encoding"), "gzip") << file.path;
    EXPECT_EQ(Header(plain, "Content-Encoding"), "") << file.path;
    EXPECT_EQ(plain.body.size(), file.bytes) << file.path;
    const auto inflated = net::Decompress("gzip", compressed.body, file.bytes);
    ASSERT_TRUE(inflated) << file.path << ": " << inflated.error().message;
    EXPECT_EQ(*inflated, plain.body) << file.path;
  }
}

TEST(UiFiles, FilesNamedByContentAreKeptForEverAndThePageIsAskedForEachTime) {
  for (const auto& file : UiFiles()) {
    const auto cache = Header(Get(std::string(file.path)), "Cache-Control");
    if (file.path.starts_with("/assets/")) {
      EXPECT_THAT(cache, HasSubstr("immutable")) << file.path;
    } else {
      EXPECT_EQ(cache, "no-cache") << file.path;
    }
  }
}

TEST(UiFiles, LicencesOfWhatIsBundledAreServed) {
  const auto licences = Get("/licences.txt");
  EXPECT_EQ(licences.status, 200);
  EXPECT_THAT(licences.body, HasSubstr("svelte 5"));
  EXPECT_THAT(licences.body, HasSubstr("Permission is hereby granted"));
  EXPECT_THAT(licences.body, HasSubstr("SIL OPEN FONT LICENSE"));
}

TEST(UiFiles, WhatTheClientHasIsNotSentAgain) {
  const auto page = Get("/index.html");
  const auto again = Get("/index.html", {{"If-None-Match", "\"other\", " + Header(page, "ETag")}});
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(Get("/index.html", {{"If-None-Match", "\"other\""}}).status, 200);
}

TEST(UiFiles, PathsOfPagesGiveThePageToABrowserOnly) {
  const net::HttpHeaders browser = {{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"}};
  for (const char* path : {"/traces/4bf92f3577b34da6a3ce929d0e0e4736", "/services/shop.checkout", "/settings/ingest"}) {
    EXPECT_EQ(Get(path, browser).body, Get("/").body) << path;
    EXPECT_EQ(Get(path, {{"Accept", "application/json"}}).status, 404) << path;
  }
  EXPECT_EQ(Get("/assets/gone-1234.js", browser).status, 404);
  EXPECT_EQ(Get("/api/v1/gone", browser).status, 404);
}

}  // namespace
}  // namespace sightline::serve
