#include "forward/call_counts.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "otlp/testing/requests.h"
#include "otlp/wire_fields.h"

namespace sightline::forward {
namespace {

namespace field = otlp::field;
using otlp::testing::Attribute;
using otlp::testing::Pb;
using otlp::testing::StringValue;

struct TestSpan {
  std::string name;
  uint64_t milliseconds = 0;
  std::string trace_state;
  std::string tier;  // an attribute, if it has one
  char id = 'a';     // of its trace
};

std::string Request(std::string_view service, const std::vector<TestSpan>& spans) {
  Pb scope;
  for (const TestSpan& span : spans) {
    Pb message = Pb().Bytes(field::span::kTraceId, std::string(16, span.id))
                     .Bytes(field::span::kSpanId, std::string(8, 'b'))
                     .Bytes(field::span::kTraceState, span.trace_state)
                     .Bytes(field::span::kName, span.name)
                     .Fixed64(field::span::kStartTimeUnixNano, 1'000'000'000)
                     .Fixed64(field::span::kEndTimeUnixNano, 1'000'000'000 + span.milliseconds * 1'000'000);
    if (!span.tier.empty()) message.Message(field::span::kAttributes, Attribute("tier", StringValue(span.tier)));
    scope.Message(field::scope_items::kItems, message);
  }
  const Pb resource = Pb().Message(field::resource::kAttributes, Attribute("service.name", StringValue(service)));
  return Pb()
      .Message(field::request::kResources,
               Pb().Message(field::resource_items::kResource, resource).Message(field::resource_items::kScopes, scope))
      .bytes();
}

void Add(CallCounts& counts, const std::string& request) {
  const auto scan = otlp::ScanRequest(otlp::Signal::kTraces, request, {}, {}, otlp::SpanHeads::kNote);
  ASSERT_TRUE(scan.has_value()) << scan.error().message;
  counts.Add(request, *scan);
}
void Keep(CallCounts& counts, const std::string& request) {
  const auto scan = otlp::ScanRequest(otlp::Signal::kTraces, request, {}, {}, otlp::SpanHeads::kNote);
  ASSERT_TRUE(scan.has_value()) << scan.error().message;
  counts.AddExemplars(request, *scan);
}

// Calls by service, span name and dimensions; "" and "(overflow)" for what is counted together.
std::map<std::string, int64_t> Calls(const CallCounts& counts) {
  std::vector<OutgoingRequest> requests;
  counts.Write({.start_unix_nanos = 1, .now_unix_nanos = 2}, "me", requests);
  std::map<std::string, int64_t> calls;
  const auto in = [](std::string_view message, uint32_t tag, const auto& visit) {
    for (otlp::FieldReader fields(message); fields.Next();) {
      if (fields.tag() == tag) visit(fields);
    }
  };
  for (const OutgoingRequest& request : requests) {
    const auto scan = otlp::ScanRequest(otlp::Signal::kMetrics, request.bytes, {}, {});
    EXPECT_TRUE(scan && scan->refused.empty() && scan->items_accepted == request.items);
    for (const otlp::ItemRef& item : scan->items) {
      in(item.message.In(request.bytes), field::metric::kSum, [&](const otlp::FieldReader& sum) {
        in(sum.bytes(), field::metric_data::kDataPoints, [&](const otlp::FieldReader& point) {
          std::string key;
          in(point.bytes(), field::number_data_point::kAttributes, [&](const otlp::FieldReader& attribute) {
            const otlp::Attribute read = otlp::ReadKeyValue(attribute.bytes());
            if (read.key == "service.name" || read.key == "span.name") key.append(read.value.bytes).append(" ");
            if (read.key == "tier" || read.key == "zone") key.append(read.key).append("=").append(read.value.bytes);
            if (read.key == kOverflow) key += "(overflow)";
          });
          in(point.bytes(), field::number_data_point::kAsInt,
             [&](const otlp::FieldReader& value) { calls[key] += value.Int(); });
        });
      });
    }
  }
  return calls;
}

// The exemplars of the durations: trace id, milliseconds and time of each.
struct WrittenExemplar {
  std::string trace_id, span_id;
  double value = 0;
  uint64_t unix_nanos = 0;
  bool operator==(const WrittenExemplar&) const = default;
};
std::vector<WrittenExemplar> Exemplars(const CallCounts& counts) {
  std::vector<OutgoingRequest> requests;
  counts.Write({.start_unix_nanos = 1, .now_unix_nanos = 2}, "me", requests);
  std::vector<WrittenExemplar> found;
  const auto in = [](std::string_view message, uint32_t tag, const auto& visit) {
    for (otlp::FieldReader fields(message); fields.Next();) {
      if (fields.tag() == tag) visit(fields.bytes());
    }
  };
  for (const OutgoingRequest& request : requests) {
    const auto scan = otlp::ScanRequest(otlp::Signal::kMetrics, request.bytes, {}, {});
    EXPECT_TRUE(scan && scan->refused.empty());
    for (const otlp::ItemRef& item : scan->items) {
      in(item.message.In(request.bytes), field::metric::kHistogram, [&](std::string_view histogram) {
        in(histogram, field::metric_data::kDataPoints, [&](std::string_view point) {
          in(point, field::histogram_data_point::kExemplars, [&](std::string_view exemplar) {
            WrittenExemplar& one = found.emplace_back();
            for (otlp::FieldReader fields(exemplar); fields.Next();) {
              if (fields.tag() == field::exemplar::kTraceId) one.trace_id = fields.bytes();
              if (fields.tag() == field::exemplar::kSpanId) one.span_id = fields.bytes();
              if (fields.tag() == field::exemplar::kAsDouble) one.value = fields.Double();
              if (fields.tag() == field::exemplar::kTimeUnixNano) one.unix_nanos = fields.Uint();
            }
          });
        });
      });
    }
  }
  return found;
}

// All of it, durations too.
std::string Written(const CallCounts& counts) {
  std::vector<OutgoingRequest> requests;
  counts.Write({.start_unix_nanos = 1, .now_unix_nanos = 2}, "me", requests);
  std::string bytes;
  for (const OutgoingRequest& request : requests) bytes += request.bytes;
  return bytes;
}

using Expected = std::map<std::string, int64_t>;

TEST(CallCounts, CountsByServiceAndName) {
  CallCounts counts(100), others(100);
  Add(counts, Request("shop", {{"a", 1}, {"b", 2}, {"a", 3}}));
  Add(others, Request("pay", {{"a", 1}}));
  Add(others, Request("shop", {{"a", 1}}));
  counts.Merge(others);
  EXPECT_EQ(Calls(counts), (Expected{{"shop a ", 3}, {"shop b ", 1}, {"pay a ", 1}}));
  others.Clear();
  EXPECT_TRUE(others.empty());
  counts.Merge(others);
  EXPECT_EQ(Calls(counts).at("shop a "), 3);
}

TEST(CallCounts, ASpanCountsForThoseThatItsSdkDropped) {
  CallCounts counts(100);
  Add(counts, Request("shop", {{"a", 1, "ot=th:c"}, {"a", 1, ""}}));
  EXPECT_EQ(Calls(counts), (Expected{{"shop a ", 5}}));
}

TEST(CallCounts, WhatIsBeyondTheLimitIsCountedTogether) {
  CallCounts counts(10);
  for (int i = 0; i < 50; ++i) Add(counts, Request("shop", {{"name " + std::to_string(i), 1}}));
  CallCounts total(10);
  total.Merge(counts);
  total.Merge(counts);
  for (const auto& [of, factor] : {std::pair{&counts, 1}, {&total, 2}}) {
    const Expected calls = Calls(*of);
    int64_t sum = 0;
    for (const auto& [key, value] : calls) sum += value;
    EXPECT_EQ(sum, 50 * factor);
    EXPECT_GE(calls.at("(overflow)"), 39 * factor);
    EXPECT_LE(calls.size(), 11U);
  }
}

TEST(CallCounts, NamesThatAreNoTextAreMended) {
  CallCounts counts(10);
  Add(counts, Request("sh\xffop", {{"a\xff", 1}}));
  EXPECT_EQ(Calls(counts), (Expected{{"sh\xef\xbf\xbdop a\xef\xbf\xbd ", 1}}));
}

TEST(CallCounts, ReadsBackAsEncoded) {
  CallCounts counts(10), others(10);
  for (int i = 0; i < 20; ++i) {
    Add(counts,
        Request("shop", {{"name " + std::to_string(i), static_cast<uint64_t>(i) * 97, i % 2 == 0 ? "ot=th:c" : ""}}));
  }
  Add(others, Request("pay", {{"a", 1}}));
  CallCounts read(10), twice(10);
  const std::string encoded = counts.Encode();
  ASSERT_TRUE(read.Merge(encoded));
  EXPECT_EQ(Written(read), Written(counts));
  ASSERT_TRUE(twice.Merge(others.Encode()));
  ASSERT_TRUE(twice.Merge(encoded));
  others.Merge(counts);
  EXPECT_EQ(Written(twice), Written(others));
  EXPECT_TRUE(read.Merge(""));
  EXPECT_EQ(Written(read), Written(counts));
}

TEST(CallCounts, ServicesHaveALimitWhereverTheyComeFrom) {
  CallCounts merged(10), read(10);
  for (int i = 0; i < 50; ++i) {
    CallCounts counts(10);
    Add(counts, Request("shop " + std::to_string(i), {{"a", 1}}));
    merged.Merge(counts);
    ASSERT_TRUE(read.Merge(counts.Encode()));
  }
  for (const CallCounts* counts : {&merged, &read}) {
    int services = 0;
    const std::string encoded = counts->Encode();
    for (otlp::FieldReader fields(encoded); fields.Next();) {
      services += fields.tag() == otlp::Tag(1, otlp::WireType::kBytes) ? 1 : 0;
    }
    EXPECT_EQ(services, 10);
    int64_t sum = 0;
    for (const auto& [key, value] : Calls(*counts)) sum += value;
    EXPECT_EQ(sum, 50);
  }
}

TEST(CallCounts, ValuesOfOtherDimensionsAreDropped) {
  const std::vector<otlp::Dimension> tier = {{.key = "tier", .default_value = {}}},
                                     zone = {{.key = "zone", .default_value = {}}},
                                     both = {{.key = "tier", .default_value = {}},
                                             {.key = "zone", .default_value = "b"}};
  CallCounts counts(10, tier);
  Add(counts, Request("shop", {{"a", 1, "", "gold"}, {"a", 1, "", "gold"}, {"a", 1}}));
  const auto read = [](const CallCounts& from, const std::vector<otlp::Dimension>& dimensions) {
    CallCounts to(10, dimensions);
    EXPECT_TRUE(to.Merge(from.Encode()));
    return Calls(to);
  };
  EXPECT_EQ(read(counts, tier), (Expected{{"shop a tier=gold", 2}, {"shop a ", 1}}));
  for (const auto& others : {zone, both, CallCounts::kNoDimensions}) {
    EXPECT_EQ(read(counts, others), (Expected{{"shop a ", 3}}));
  }
  CallCounts without(10);
  Add(without, Request("shop", {{"a", 1, "", "gold"}}));
  EXPECT_EQ(read(without, tier), (Expected{{"shop a ", 1}}));
}

TEST(CallCounts, TheSlowestKeptSpanOfASeriesIsItsExemplar) {
  const auto span = [](char id, uint64_t milliseconds) {
    return TestSpan{.name = "a", .milliseconds = milliseconds, .trace_state = "", .tier = "", .id = id};
  };
  CallCounts total(10);
  Add(total, Request("shop", {span('x', 900), span('y', 7), span('z', 3)}));
  EXPECT_TRUE(Exemplars(total).empty()) << "what is counted need not be kept";
  CallCounts kept(10), more(10);
  Keep(kept, Request("shop", {span('z', 3), span('y', 7)}));
  EXPECT_TRUE(Exemplars(kept).empty()) << "nothing was counted of that series";
  kept.ClearWrittenExemplars();
  const WrittenExemplar y{
      .trace_id = std::string(16, 'y'), .span_id = "bbbbbbbb", .value = 7, .unix_nanos = 1'007'000'000};
  total.Merge(kept);
  EXPECT_EQ(Exemplars(total), std::vector{y});
  Keep(more, Request("shop", {span('w', 4)}));
  total.Merge(more);
  EXPECT_EQ(Exemplars(total), std::vector{y});
  EXPECT_EQ(Calls(total), (Expected{{"shop a ", 3}})) << "an exemplar is no call";
  total.ClearWrittenExemplars();
  EXPECT_TRUE(Exemplars(total).empty());
}

TEST(CallCounts, ExemplarsReadBackAsEncoded) {
  CallCounts counts(3), kept(3), read(3);
  const std::string request = Request("shop", {{"a", 5}, {"b", 6}, {"c", 7}, {"d", 8}});
  Add(counts, request);
  Keep(kept, request);
  ASSERT_TRUE(read.Merge(kept.Encode()));
  ASSERT_TRUE(read.Merge(counts.Encode()));
  counts.Merge(kept);
  EXPECT_EQ(Exemplars(counts).size(), 3U) << "two series, and the one for all others";
  EXPECT_EQ(Exemplars(read), Exemplars(counts));
  EXPECT_EQ(Calls(read), Calls(counts));
  const std::string encoded = kept.Encode();
  const size_t at = encoded.rfind("bbbbbbbb");
  ASSERT_NE(at, std::string::npos);
  EXPECT_FALSE(CallCounts(3).Merge(encoded.substr(0, at))) << "cut off amid an exemplar";
}

TEST(CallCounts, OtherBytesAreNotCounts) {
  CallCounts counts(10);
  Add(counts, Request("shop", {{"a", 1}}));
  const std::string encoded = counts.Encode();
  CallCounts read(10);
  EXPECT_FALSE(read.Merge(encoded.substr(0, encoded.size() - 1)));
  EXPECT_FALSE(read.Merge("what is this"));
}

}  // namespace
}  // namespace sightline::forward
