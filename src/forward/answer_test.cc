#include "forward/answer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "otlp/wire_writer.h"

namespace sightline::forward {
namespace {

using net::GrpcCode;
using Outcome = Answer::Outcome;

std::string PartialSuccess(uint64_t rejected, std::string_view message) {
  otlp::WireWriter out;
  const size_t partial = out.Begin(otlp::Tag(1, otlp::WireType::kBytes));
  if (rejected != 0) out.Varint(otlp::Tag(1, otlp::WireType::kVarint), rejected);
  out.Bytes(otlp::Tag(2, otlp::WireType::kBytes), message);
  out.End(partial);
  return out.Take();
}

TEST(Answer, OfGrpcFollowsTheTableOfOtlp) {
  const GrpcCode retried[] = {GrpcCode::kCancelled,  GrpcCode::kDeadlineExceeded, GrpcCode::kAborted,
                              GrpcCode::kOutOfRange, GrpcCode::kUnavailable,      GrpcCode::kDataLoss};
  for (int code = 1; code <= 16; ++code) {
    const auto grpc_code = static_cast<GrpcCode>(code);
    const bool is_retried = std::ranges::find(retried, grpc_code) != std::end(retried);
    EXPECT_EQ(FromGrpc({.code = grpc_code}).outcome, is_retried ? Outcome::kRetry : Outcome::kRefused) << code;
  }
  EXPECT_EQ(FromGrpc({.code = GrpcCode::kUnavailable}).reason, "UNAVAILABLE");
  EXPECT_EQ(FromGrpc({.code = GrpcCode::kUnauthenticated}).reason, "UNAUTHENTICATED");
  EXPECT_EQ(FromGrpc({}).outcome, Outcome::kTaken);
}

TEST(Answer, RetryInfoMakesAnExhaustedResourceWorthATry) {
  const std::string details = net::RpcStatus(GrpcCode::kResourceExhausted, "later", 2500);
  const Answer answer = FromGrpc({.code = GrpcCode::kResourceExhausted, .status_details = details});
  EXPECT_EQ(answer.outcome, Outcome::kRetry);
  EXPECT_EQ(answer.wait_nanos, 2'500'000'000);
  for (size_t cut = 0; cut < details.size(); ++cut) {  // damaged details are none
    FromGrpc({.code = GrpcCode::kUnavailable, .status_details = details.substr(0, cut)});
  }
}

TEST(Answer, PartialSuccessIsTaken) {
  const std::string body = PartialSuccess(3, "too old");
  for (const Answer& answer : {FromGrpc({.message = body}), FromHttp({.status = 200, .body = body}, 0)}) {
    EXPECT_EQ(answer.outcome, Outcome::kTaken);
    EXPECT_EQ(answer.rejected, 3U);
    EXPECT_EQ(answer.message, "too old");
  }
  EXPECT_EQ(FromGrpc({.message = PartialSuccess(0, "a warning")}).rejected, 0U);
}

TEST(Answer, OfHttpIsRetriedForFourStatuses) {
  for (const int status : {300, 400, 401, 404, 408, 413, 429, 500, 501, 502, 503, 504, 505}) {
    const bool is_retried = status == 429 || status == 502 || status == 503 || status == 504;
    EXPECT_EQ(FromHttp({.status = status}, 0).outcome, is_retried ? Outcome::kRetry : Outcome::kRefused) << status;
  }
  const Answer answer = FromHttp({.status = 400, .body = net::RpcStatus(GrpcCode::kInvalidArgument, "no spans")}, 0);
  EXPECT_EQ(answer.message, "no spans");
  EXPECT_EQ(answer.reason, "400");
}

TEST(Answer, RetryAfterIsSecondsOrADate) {
  const auto wait = [](const char* text) {
    return FromHttp({.status = 503, .headers = {{"retry-after", text}}}, 1'793'000'000'000'000'000).wait_nanos;
  };
  EXPECT_EQ(wait("7"), 7'000'000'000);
  EXPECT_EQ(wait("Mon, 26 Oct 2026 07:33:25 GMT"), 5'000'000'000);
  EXPECT_EQ(wait("Mon, 26 Oct 2015 07:33:25 GMT"), 0);
  EXPECT_EQ(wait("soon"), std::nullopt);
  EXPECT_EQ(wait("-1"), 0);
}

}  // namespace
}  // namespace sightline::forward
