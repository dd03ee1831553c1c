#include "otlp/to_json.h"

#include <gtest/gtest.h>

#include <sstream>

#include "otlp/json.h"
#include "otlp/testing/requests.h"
#include "otlp/testing/samples.h"
#include "otlp/wire_fields.h"

namespace sightline::otlp {
namespace {

using testing::Pb;

std::string ToJson(Message message, std::string_view bytes) {
  std::string json;
  AppendJson(message, bytes, json);
  return json;
}

// An outline without references to entities, which are not taken from JSON.
std::string WithoutEntities(const std::string& outline) {
  std::istringstream lines(outline);
  std::string kept, line;
  size_t entity = std::string::npos;  // how far in
  while (std::getline(lines, line)) {
    const size_t depth = line.find_first_not_of(' ');
    if (entity != std::string::npos && depth > entity) continue;
    entity = line.substr(depth) == "entity_refs" ? depth : std::string::npos;
    if (entity == std::string::npos) kept += line + "\n";
  }
  return kept;
}

// What an official SDK sent comes back from JSON with the same fields, and from then on with the same text.
TEST(ToJson, ReadsBackAsWhatSdksSent) {
  size_t compared = 0;
  for (const testing::Sample& sample : testing::SdkSamples()) {
    if (sample.json) continue;
    const Message request = RequestMessage(sample.signal);
    const std::string json = ToJson(request, sample.bytes);
    const auto bytes = JsonToProtobuf(sample.signal, json, Limits{});
    ASSERT_TRUE(bytes) << sample.file << ": " << bytes.error().message;
    EXPECT_EQ(testing::Outline(request, *bytes), WithoutEntities(testing::Outline(request, sample.bytes)))
        << sample.file;
    EXPECT_EQ(ToJson(request, *bytes), json) << sample.file;
    ++compared;
  }
  EXPECT_GE(compared, 10u);
}

TEST(ToJson, WritesEachKindOfValueAsOtlpSays) {
  const auto value = [](const Pb& any_value) { return ToJson(Message::kAnyValue, any_value.bytes()); };
  EXPECT_EQ(value(Pb()), "{}");
  EXPECT_EQ(value(Pb().Bytes(field::any_value::kString, "")), R"({"stringValue":""})");
  EXPECT_EQ(value(Pb().Uint(field::any_value::kBool, 0)), R"({"boolValue":false})");
  EXPECT_EQ(value(Pb().Uint(field::any_value::kInt, static_cast<uint64_t>(-5))), R"({"intValue":"-5"})");
  EXPECT_EQ(value(testing::DoubleValue(0.5)), R"({"doubleValue":0.5})");
  EXPECT_EQ(value(testing::DoubleValue(-INFINITY)), R"({"doubleValue":"-Infinity"})");
  EXPECT_EQ(value(Pb().Bytes(field::any_value::kBytes, "\x01\x02\x03\x04")), R"({"bytesValue":"AQIDBA=="})");
  const Pb array =
      Pb().Message(field::array_value::kValues, testing::IntValue(1)).Message(field::array_value::kValues, Pb());
  EXPECT_EQ(value(Pb().Message(field::any_value::kArray, array)), R"({"arrayValue":{"values":[{"intValue":"1"},{}]}})");
}

TEST(ToJson, PutsAListTogetherThatLiesApart) {
  const Pb span = Pb().Bytes(field::span::kTraceId, std::string(16, '\xab'))
                      .Message(field::span::kAttributes, testing::Attribute("a", testing::IntValue(1)))
                      .Uint(field::span::kKind, 0)
                      .Fixed64(field::span::kStartTimeUnixNano, 7)
                      .Message(field::span::kAttributes, testing::Attribute("b", testing::IntValue(2)));
  EXPECT_EQ(ToJson(Message::kSpan, span.bytes()),
            R"({"traceId":"abababababababababababababababab","attributes":[{"key":"a","value":{"intValue":"1"}},)"
            R"({"key":"b","value":{"intValue":"2"}}],"startTimeUnixNano":"7"})");
}

}  // namespace
}  // namespace sightline::otlp
