// Counting what is left of a request gives the rows that counting the request gives.
#include "otlp/counted_request.h"

#include <gtest/gtest.h>

#include "otlp/block_builder.h"
#include "otlp/testing/requests.h"

namespace sightline::otlp {
namespace {

using testing::kTestTime;
using testing::Pb;

const PredictionNames kNames(DefaultPredictionRules());

std::string CountedRows(std::string_view request, const Scan& scan) {
  const auto builder = BlockBuilder::CreateSpanMetrics({});
  for (const ItemRef& item : scan.items) builder->Append(request, scan, item, kTestTime, {});
  std::string rows;
  for (const TableBlock& table : builder->Finish(7)) {
    rows += std::string(table.table) + " " + std::to_string(table.day) + " " + table.native;
  }
  return rows;
}

Scan ScanOf(std::string_view request) {
  return ScanRequest(Signal::kTraces, request, {}, {}, SpanHeads::kNote).value();
}

TEST(CountedRequest, GivesTheSameRowsInAFractionOfTheBytes) {
  const std::string request = testing::TracesRequest(64, 1);
  Scan scan = ScanOf(request);
  const std::string wanted = CountedRows(request, scan);
  const std::string counted = TakeWhatIsCounted(request, scan, kNames);
  EXPECT_EQ(CountedRows(counted, scan), wanted);
  EXPECT_LT(counted.size(), request.size() / 100);
}

TEST(CountedRequest, KeepsManyNamesTraceStatesAndScopesApart) {
  std::string request;
  for (uint64_t i = 1; i <= 300; ++i) {
    Pb span;
    span.Raw(testing::Span(i, i).bytes())
        .Bytes(field::span::kName, i % 3 == 0 ? "" : "step " + std::to_string(i % 150))
        .Uint(field::span::kKind, i % 7)
        .Fixed64(field::span::kEndTimeUnixNano, kTestTime + i * i * 1'000);
    if (i % 5 == 0) span.Bytes(field::span::kTraceState, "ot=th:" + std::to_string(i % 9));
    if (i % 11 == 0) span.Bytes(field::span::kParentSpanId, testing::Id(1, 8));
    request += testing::Request({span}, testing::Resource("service " + std::to_string(i / 10)));
  }
  Scan scan = ScanOf(request);
  ASSERT_EQ(scan.items.size(), 300U);
  const std::string wanted = CountedRows(request, scan);
  const std::string counted = TakeWhatIsCounted(request, scan, kNames);
  EXPECT_EQ(CountedRows(counted, scan), wanted);
}

TEST(CountedRequest, KeepsPredictionsWhole) {
  std::string request;
  for (uint64_t i = 1; i <= 200; ++i) {
    Pb span = testing::Span(i, i);
    span.Bytes(field::span::kName, i % 10 == 0 ? "model.predict" : "GET /")
        .Message(field::span::kAttributes, testing::Attribute("model.score", testing::DoubleValue(i / 200.0)))
        .Message(field::span::kAttributes,
                 testing::Attribute("features.text", testing::StringValue(std::string(i, 'x'))));
    request += testing::Request({span});
  }
  Scan scan = ScanOf(request);
  const std::string wanted = CountedRows(request, scan);
  EXPECT_NE(wanted.find("predictions"), std::string::npos);
  const std::string counted = TakeWhatIsCounted(request, scan, kNames);
  EXPECT_EQ(CountedRows(counted, scan), wanted);
  EXPECT_LT(counted.size(), request.size() / 5);
}

// Neither of a resource that many scopes with names of their own share, nor of large resources that take turns.
TEST(CountedRequest, IsNeverMuchMoreThanTheRequest) {
  const std::string large = "service " + std::string(10'000, 'x');
  Pb resource;
  resource.Message(field::resource_items::kResource, testing::Resource(large));
  for (uint64_t i = 1; i <= 2'000; ++i) {
    const std::string name = std::to_string(i);
    const Pb span = Pb().Raw(testing::Span(i, i).bytes()).Bytes(field::span::kName, "step " + name);
    resource.Message(
        field::resource_items::kScopes,
        Pb().Message(field::scope_items::kScope, Pb().Bytes(field::instrumentation_scope::kName, "library " + name))
            .Message(field::scope_items::kItems, span));
  }
  const std::string shared = Pb().Message(field::request::kResources, resource).bytes();
  std::string turns;
  for (uint64_t i = 1; i <= 300; ++i) {
    turns += testing::Request({testing::Span(i, i)}, testing::Resource(large + std::to_string(i % 100)));
  }
  for (const std::string& request : {shared, turns}) {
    Scan scan = ScanOf(request);
    const std::string wanted = CountedRows(request, scan);
    const std::string counted = TakeWhatIsCounted(request, scan, kNames);
    EXPECT_EQ(CountedRows(counted, scan), wanted);
    EXPECT_LE(counted.size(), request.size() + request.size() / 4);
  }
}

TEST(CountedRequest, OfNoSpansIsNothing) {
  Scan scan = ScanOf("");
  EXPECT_EQ(TakeWhatIsCounted("", scan, kNames), "");
}

}  // namespace
}  // namespace sightline::otlp
