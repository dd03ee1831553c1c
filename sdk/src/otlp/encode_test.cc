#include "otlp/encode.h"

#include <gmock/gmock.h>

#include <array>
#include <limits>
#include <protozero/pbf_reader.hpp>

namespace otel::internal {
namespace {

using protozero::pbf_reader;

const Resource no_resource;
const InstrumentationScope test_scope{"lib", "1", "", {}};

LogData LogWith(const AnyValue& body) {
  LogData record;
  record.body = body;
  record.scope = &test_scope;
  return record;
}

std::string EncodeLog(const LogData& record, Encoding encoding) {
  const std::array records = {&record};
  std::string buffer = "of an earlier request";
  return std::string(Encode(LogBatch{no_resource, records}, encoding, &buffer));
}

// What the log record says in JSON between its braces.
std::string LogJson(const LogData& record) {
  const std::string request = EncodeLog(record, Encoding::kJson);
  const std::string_view begin =
      R"({"resourceLogs":[{"resource":{},"scopeLogs":[{"scope":{"name":"lib","version":"1"},"logRecords":[{)";
  const std::string_view end = "}]}]}]}";
  EXPECT_THAT(request, testing::AllOf(testing::StartsWith(begin), testing::EndsWith(end)));
  return request.substr(begin.size(), request.size() - begin.size() - end.size());
}

// The message in the field, which must be there.
pbf_reader Inside(pbf_reader message, uint32_t field) {
  EXPECT_TRUE(message.next(field)) << field;
  return message.get_message();
}

pbf_reader FirstLog(std::string_view request) {  // borrows it
  return Inside(Inside(Inside(pbf_reader(request.data(), request.size()), 1), 2), 2);
}

TEST(EncodeJson, EscapesTexts) {
  EXPECT_EQ(LogJson(LogWith("\"\\\n\t\x01/\u00e9")), R"("body":{"stringValue":"\"\\\n\t\u0001/é"})");
}

TEST(EncodeJson, NamesNumbersThatJsonLacks) {
  const std::vector<double> values = {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
                                      -std::numeric_limits<double>::infinity(), 1e300, 0.1};
  EXPECT_EQ(LogJson(LogWith(values)),
            R"("body":{"arrayValue":{"values":[{"doubleValue":"NaN"},{"doubleValue":"Infinity"},)"
            R"({"doubleValue":"-Infinity"},{"doubleValue":1e+300},{"doubleValue":0.1}]}})");
}

TEST(EncodeJson, HasHexIdsAndQuotedLongNumbers) {
  LogData record = LogWith(int64_t{7});
  record.time = 1;
  record.trace_id = {{0xab}};
  record.span_id = {{0, 1}};
  EXPECT_EQ(LogJson(record), R"("timeUnixNano":"1","body":{"intValue":"7"},)"
                             R"("traceId":"ab000000000000000000000000000000","spanId":"0001000000000000")");
}

TEST(EncodeJson, WritesBytesAsBase64) {
  for (const auto& [text, base64] :
       {std::pair("", ""), {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}}) {
    const std::span bytes(reinterpret_cast<const std::byte*>(text), std::char_traits<char>::length(text));
    EXPECT_EQ(LogJson(LogWith(bytes)), std::string(R"("body":{"bytesValue":")") + base64 + R"("})");
  }
}

TEST(EncodeProtobuf, KeepsEmptyValuesInArrays) {
  const AnyValue values[] = {AnyValue(), AnyValue(), AnyValue("x")};
  const std::string request = EncodeLog(LogWith(std::span<const AnyValue>(values)), Encoding::kProtobuf);
  pbf_reader array = Inside(Inside(FirstLog(request), 5), 5);
  std::vector<size_t> sizes;
  while (array.next(1)) sizes.push_back(array.get_view().size());
  EXPECT_THAT(sizes, testing::ElementsAre(0, 0, 3));
}

TEST(EncodeProtobuf, GivesLongMessagesLongLengths) {
  for (const size_t size : {0, 100, 120, 127, 128, 16'000, 16'384, 70'000, 3'000'000}) {
    const std::string text(size, 'x');
    const std::string request = EncodeLog(LogWith(text), Encoding::kProtobuf);
    pbf_reader value = Inside(FirstLog(request), 5);
    ASSERT_TRUE(value.next(1));
    EXPECT_EQ(value.get_string(), text);
  }
}

// The attribute as it stands on a log record: its key, and the message with its value.
std::pair<std::string, std::string> EncodedAttribute(std::string_view key, const AnyValue& value) {
  LogData record = LogWith({});
  const Attribute attributes[] = {{key, value}, {"next", 1}};
  record.attributes = std::span<const Attribute>(attributes);
  const std::string request = EncodeLog(record, Encoding::kProtobuf);
  pbf_reader log = FirstLog(request);
  pbf_reader attribute = Inside(log, 6);  // of a copy of the reader
  EXPECT_TRUE(attribute.next(1));
  std::string found = attribute.get_string();
  EXPECT_TRUE(attribute.next(2));
  std::string encoded = attribute.get_string();
  EXPECT_FALSE(attribute.next());
  EXPECT_TRUE(log.next(6));
  log.skip();
  EXPECT_TRUE(log.next(6));  // the next one is where it should be
  EXPECT_EQ(log.get_string(), "\x0a\x04next\x12\x02\x18\x01");
  return {found, encoded};
}

TEST(EncodeProtobuf, WritesAttributesOfAnyLength) {
  for (const size_t key_size : {1, 3, 4, 7, 8, 9, 16, 59, 60, 61, 127, 128, 300}) {
    for (const size_t size : {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 59, 60, 61, 127, 128, 300}) {
      std::string key(key_size, 'k'), text(size, 't');
      key.back() = '1';
      if (size > 0) text.back() = '2';
      const auto [found, value] = EncodedAttribute(key, text);
      EXPECT_EQ(found, key);
      pbf_reader reader(value);
      ASSERT_TRUE(reader.next(1)) << key_size << " " << size;
      EXPECT_EQ(reader.get_string(), text);
      EXPECT_FALSE(reader.next());
    }
  }
}

TEST(EncodeProtobuf, WritesNumbersOfAttributes) {
  for (const int64_t number :
       {int64_t{0}, int64_t{127}, int64_t{128}, int64_t{-1}, std::numeric_limits<int64_t>::max()}) {
    const auto [key, value] = EncodedAttribute("n", number);
    pbf_reader reader(value);
    ASSERT_TRUE(reader.next(3));
    EXPECT_EQ(reader.get_int64(), number);
  }
  for (const double number : {0.0, -0.5, 1e300}) {
    const auto [key, value] = EncodedAttribute("d", number);
    pbf_reader reader(value);
    ASSERT_TRUE(reader.next(4));
    EXPECT_EQ(reader.get_double(), number);
  }
  for (const bool truth : {false, true}) {
    const auto [key, value] = EncodedAttribute("b", truth);
    pbf_reader reader(value);
    ASSERT_TRUE(reader.next(2));
    EXPECT_EQ(reader.get_bool(), truth);
  }
}

TEST(EncodeProtobuf, RepairsKeysAndSendsTextsThatAreNoneAsBytes) {
  EXPECT_EQ(EncodedAttribute("caf\xc3\xa9", "\xc3\xa9").second, "\x0a\x02\xc3\xa9");
  const auto [key, value] = EncodedAttribute("a long key \xff", "a long value \xff");
  EXPECT_EQ(key, "a long key \uFFFD");
  pbf_reader reader(value);
  ASSERT_TRUE(reader.next(7));
  EXPECT_EQ(reader.get_string(), "a long value \xff");
}

// Values of which each holds the next one.
std::vector<Attribute> Chain(size_t length) {
  std::vector<Attribute> chain(length, {"k", 1});
  for (size_t i = length - 1; i > 0; --i) chain[i - 1].value = AnyValue(std::span<const Attribute>(&chain[i], 1));
  return chain;
}

TEST(Encode, CutsWhatIsNestedMoreDeeplyThanReceiversTake) {
  const auto chain = Chain(1000);
  const std::string json = LogJson(LogWith(chain[0].value));
  EXPECT_EQ(std::ranges::count(json, '{'), 25 * 3 + 1);  // of each map three, and the body's
  const auto shorter = Chain(20);
  EXPECT_THAT(LogJson(LogWith(shorter[0].value)), testing::HasSubstr(R"({"intValue":"1"})"));
}

TEST(Encode, GroupsByScopeInTheOrderOfAppearance) {
  const InstrumentationScope other{"other", "", "", {}};
  LogData a = LogWith("1"), b = LogWith("2"), c = LogWith("3");
  b.scope = &other;
  const std::array records = {static_cast<const LogData*>(&a), static_cast<const LogData*>(&b),
                              static_cast<const LogData*>(&c)};
  std::string buffer;
  const std::string_view json = Encode(LogBatch{no_resource, records}, Encoding::kJson, &buffer);
  EXPECT_EQ(
      json,
      R"({"resourceLogs":[{"resource":{},"scopeLogs":[)"
      R"({"scope":{"name":"lib","version":"1"},"logRecords":[{"body":{"stringValue":"1"}},{"body":{"stringValue":"3"}}]},)"
      R"({"scope":{"name":"other"},"logRecords":[{"body":{"stringValue":"2"}}]}]}]})");
}

TEST(Encode, RepairsNamesAndSendsOtherTextsThatAreNoneAsBytes) {
  LogData record = LogWith("a\xff");
  record.event_name = "b\xc3(\xe2\x82";
  EXPECT_EQ(LogJson(record), R"("body":{"bytesValue":"Yf8="},"eventName":"b)"
                             "\uFFFD(\uFFFD\uFFFD"
                             R"(")");
  const std::string request = EncodeLog(record, Encoding::kProtobuf);
  pbf_reader log = FirstLog(request);
  ASSERT_TRUE(log.next(12));
  EXPECT_EQ(log.get_string(), "b\uFFFD(\uFFFD\uFFFD");
}

}  // namespace
}  // namespace otel::internal
