#include "forward/kept_marks.h"

#include <gtest/gtest.h>

#include <algorithm>

#include <cmath>

#include "otlp/span_metrics.h"
#include "otlp/wire_fields.h"

namespace sightline::forward {
namespace {

constexpr std::string_view kHighId("\x01\x02\x03\x04\x05\x06\x07\x08\x09\xff\xff\xff\xff\xff\xff\xfe", 16);
constexpr std::string_view kLowId("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x00\x00\x00\x00\x00\x00\x01", 16);

TEST(KeptMarks, ThresholdIsThatOfTheAdjustedCount) {
  EXPECT_EQ(WithThreshold("", kHighId, 2), "ot=th:8");
  EXPECT_EQ(WithThreshold("", kHighId, 4), "ot=th:c");
  EXPECT_EQ(WithThreshold("a=1", kHighId, 1), "a=1");
  for (const double count : {1.001, 3.0, 3.6, 100.0, 12345.678, 1e9}) {
    const double weight = otlp::SpanWeight(WithThreshold("", kHighId, count));
    EXPECT_NEAR(weight / count, 1, 1e-6) << count;
  }
  EXPECT_EQ(WithThreshold("", kHighId, 1e300), "ot=th:ffffffffffffff;rv:ffffffffffffff");
  EXPECT_EQ(WithThreshold("", kHighId, std::nan("")), "");
}

TEST(KeptMarks, AnSdksOwnSamplingIsMultiplied) {
  EXPECT_EQ(WithThreshold("ot=th:8", kHighId, 2), "ot=th:c");
  EXPECT_EQ(WithThreshold("vendor=x, ot=p:1;th:8;q:2 ,b=y", kHighId, 4), "ot=th:e;p:1;q:2,vendor=x,b=y");
  EXPECT_EQ(WithThreshold("ot=th:zz", kHighId, 2), "ot=th:8");  // a malformed one says nothing
}

TEST(KeptMarks, RandomnessIsNeverBelowTheThreshold) {
  EXPECT_EQ(WithThreshold("", kLowId, 2), "ot=th:8;rv:80000000000001");
  EXPECT_EQ(WithThreshold("ot=rv:80000000000000", kLowId, 2), "ot=th:8;rv:80000000000000");
  EXPECT_EQ(WithThreshold("ot=rv:00000000000005", kHighId, 2), "ot=th:8;rv:80000000000005");
}

TEST(KeptMarks, AFullTraceStateLosesItsLastMember) {
  std::string state = "k0=v";
  for (int i = 1; i < 32; ++i) state += fmt::format(",k{}=v", i);
  const std::string marked = WithThreshold(state, kHighId, 2);
  EXPECT_EQ(std::ranges::count(marked, ','), 31);
  EXPECT_TRUE(marked.ends_with(",k30=v")) << marked;
}

TEST(KeptMarks, FieldsGoBehindTheSpan) {
  EXPECT_EQ(KeptMarks("", {}), "");
  const std::string marks = KeptMarks("", {.policy = "errors", .adjusted_count = 1});
  int attributes = 0;
  for (otlp::FieldReader fields(marks); fields.Next();) attributes += fields.tag() == otlp::field::span::kAttributes;
  EXPECT_EQ(attributes, 1);
  EXPECT_NE(marks.find("tailsampling.policy"), std::string::npos);
  EXPECT_EQ(marks.find("ot="), std::string::npos);
}

}  // namespace
}  // namespace sightline::forward
