#include "otlp/response.h"

#include <gmock/gmock.h>

#include <protozero/pbf_writer.hpp>
#include <random>

namespace otel::internal {
namespace {

using protozero::pbf_writer;
using std::chrono::milliseconds;

std::string PartialResponse(int64_t rejected, const std::string& message) {
  std::string bytes;
  pbf_writer writer(bytes);
  pbf_writer partial(writer, 1);
  partial.add_int64(1, rejected);
  partial.add_string(2, message);
  return bytes;
}

std::string StatusWithDelay(int64_t seconds, int32_t nanos,
                            const std::string& type = "type.googleapis.com/google.rpc.RetryInfo") {
  std::string duration, info, any, status;
  pbf_writer duration_writer(duration);
  duration_writer.add_int64(1, seconds);
  duration_writer.add_int32(2, nanos);
  pbf_writer(info).add_message(1, duration);
  pbf_writer any_writer(any);
  any_writer.add_string(1, type);
  any_writer.add_message(2, info);
  pbf_writer status_writer(status);
  status_writer.add_int32(1, 8);
  status_writer.add_string(2, "busy");
  status_writer.add_message(3, any);
  return status;
}

TEST(ReadExportResponse, OfNothingIsAcceptance) {
  for (const Encoding encoding : {Encoding::kProtobuf, Encoding::kJson}) {
    const auto response = ReadExportResponse("", encoding);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->rejected, 0);
  }
  EXPECT_EQ(ReadExportResponse("{}", Encoding::kJson)->rejected, 0);
}

TEST(ReadExportResponse, FindsWhatWasRejected) {
  const auto protobuf = ReadExportResponse(PartialResponse(12, "too old"), Encoding::kProtobuf);
  EXPECT_EQ(protobuf->rejected, 12);
  EXPECT_EQ(protobuf->message, "too old");
  for (const char* json : {R"({"partialSuccess":{"rejectedSpans":"12","errorMessage":"too old"}})",
                           R"({"x":[1],"partialSuccess":{"errorMessage":"too old","rejectedDataPoints":12}})"}) {
    const auto response = ReadExportResponse(json, Encoding::kJson);
    EXPECT_EQ(response->rejected, 12) << json;
    EXPECT_EQ(response->message, "too old") << json;
  }
}

TEST(ReadExportResponse, KnowsWhatIsNone) {
  EXPECT_FALSE(ReadExportResponse("<html>", Encoding::kProtobuf));
  for (const char* json : {"<html>", "[]", "7", "{", "\"\xff\"", "null"}) {
    EXPECT_FALSE(ReadExportResponse(json, Encoding::kJson)) << json;
  }
  EXPECT_EQ(ReadExportResponse(R"({"partialSuccess":[]})", Encoding::kJson)->rejected, 0);
}

TEST(ReadRpcStatus, FindsTheDelay) {
  const auto status = ReadRpcStatus(StatusWithDelay(3, 250'000'000), Encoding::kProtobuf);
  EXPECT_EQ(status->message, "busy");
  EXPECT_EQ(status->retry_delay, milliseconds(3'250));
  EXPECT_FALSE(
      ReadRpcStatus(StatusWithDelay(3, 0, "type.googleapis.com/google.rpc.Help"), Encoding::kProtobuf)->retry_delay);
  EXPECT_EQ(ReadRpcStatus(R"({"code":8,"message":"busy"})", Encoding::kJson)->message, "busy");
}

TEST(ReadRpcStatus, BoundsTheDelay) {
  EXPECT_EQ(ReadRpcStatus(StatusWithDelay(-5, -1), Encoding::kProtobuf)->retry_delay, milliseconds(0));
  EXPECT_GT(ReadRpcStatus(StatusWithDelay(INT64_MAX, INT32_MAX), Encoding::kProtobuf)->retry_delay,
            std::chrono::hours(24));
}

// Whatever a server answers: what matters is that the sanitizers see nothing.
TEST(ReadResponses, SurviveAnyBytes) {
  std::minstd_rand random(7);
  for (const std::string& bytes :
       {PartialResponse(12, "too old"), StatusWithDelay(3, 250'000'000),
        std::string(R"({"partialSuccess":{"rejectedSpans":"12","errorMessage":"too old"},"message":"m"})")}) {
    for (int i = 0; i < 20'000; ++i) {
      std::string broken = bytes.substr(0, random() % (bytes.size() + 1));
      for (size_t changes = random() % 4; changes > 0 && !broken.empty(); --changes) {
        broken[random() % broken.size()] = static_cast<char>(random());
      }
      for (const Encoding encoding : {Encoding::kProtobuf, Encoding::kJson}) {
        ReadExportResponse(broken, encoding);
        ReadRpcStatus(broken, encoding);
      }
    }
  }
}

}  // namespace
}  // namespace otel::internal
