#include "forward/endpoint.h"

#include <gtest/gtest.h>

namespace sightline::forward {
namespace {

std::string Parsed(std::string_view text, Protocol protocol = Protocol::kAuto) {
  const Result<Endpoint> endpoint = ParseEndpoint(text, protocol);
  if (!endpoint) return "error";
  if (endpoint->none) return "none";
  return fmt::format("{} {} {}", endpoint->protocol == Protocol::kGrpc ? "grpc" : "http", endpoint->tls,
                     endpoint->address);
}

TEST(Endpoint, SchemesSayProtocolTlsAndPort) {
  EXPECT_EQ(Parsed("grpc://backend:1234"), "grpc false backend:1234");
  EXPECT_EQ(Parsed("grpcs://backend"), "grpc true backend:4317");
  EXPECT_EQ(Parsed("http://backend/"), "http false http://backend:4318");
  EXPECT_EQ(Parsed("https://backend:443/otlp/"), "http true https://backend:443/otlp");
  EXPECT_EQ(Parsed("http://[::1]"), "http false http://[::1]:4318");
  EXPECT_EQ(Parsed("https://backend:4317", Protocol::kGrpc), "grpc true backend:4317");
  EXPECT_EQ(Parsed("none"), "none");
}

TEST(Endpoint, WhatIsNoneOfThemIsAnError) {
  for (const char* text : {"", "backend:4317", "tcp://backend", "grpc://", "grpc://backend/path", "http://backend:x"}) {
    EXPECT_EQ(Parsed(text), "error") << text;
  }
  EXPECT_EQ(Parsed("grpc://backend", Protocol::kHttp), "error");
}

}  // namespace
}  // namespace sightline::forward
