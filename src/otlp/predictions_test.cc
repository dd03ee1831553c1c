// Which spans are predictions, and what their records say; with the same rows from whole spans and from what is known
// before sampling.
#include "otlp/predictions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "otlp/testing/blocks.h"

namespace sightline::otlp {
namespace {

using namespace testing;

using ::testing::ElementsAre;

constexpr char kTable[] = "predictions";

// Text of a nullable number; "NULL".
std::string Number(const NativeBlock& rows, const char* column, uint64_t row) {
  const Cell& cell = rows.At(column, row);
  return cell.elements.empty() ? "NULL" : std::to_string(cell.elements[0].Double());
}

Pb With(Pb span, const char* key, const Pb& value) {
  return span.Message(field::span::kAttributes, testing::Attribute(key, value));
}

Pb Prediction(uint64_t trace, uint64_t span) {
  Pb made = Span(trace, span, kTestTime, kTestTime + 5'000'000).Bytes(field::span::kName, "model.predict");
  made = With(made, "model.name", StringValue("ranker"));
  made = With(made, "model.version", StringValue("v2"));
  made = With(made, "model.score", DoubleValue(0.75));
  made = With(made, "model.confidence", StringValue("0.5"));
  made = With(made, "model.rank", IntValue(3));
  made = With(made, "prediction.id", StringValue("p-17"));
  made = With(made, "features.price", DoubleValue(9.5));
  return With(made, "features.category", StringValue("bread"));
}

NativeBlock RowsOf(const std::string& request, BlockBuilder::Options options = {}) {
  return Rows(Signal::kTraces, request, kTable, std::move(options));
}

TEST(Predictions, SayWhatTheSpanSays) {
  const NativeBlock rows = RowsOf(Request({Prediction(1, 2), Span(1, 3)}, Resource("recommender")));
  ASSERT_EQ(rows.rows, 1u);
  EXPECT_EQ(rows.At("ServiceName", 0).text, "recommender");
  EXPECT_EQ(rows.At("SpanName", 0).text, "model.predict");
  EXPECT_EQ(rows.At("TraceId", 0).text, Id(1, 16));
  EXPECT_EQ(rows.At("SpanId", 0).text, Id(2, 8));
  EXPECT_EQ(rows.At("Timestamp", 0).number, kTestTime);
  EXPECT_EQ(rows.At("Duration", 0).number, 5'000'000u);
  EXPECT_EQ(rows.At("StatusCode", 0).text, "Unset");
  EXPECT_EQ(rows.At("Model", 0).text, "ranker");
  EXPECT_EQ(rows.At("Version", 0).text, "v2");
  EXPECT_EQ(rows.At("PredictionId", 0).text, "p-17");
  EXPECT_EQ(Number(rows, "Score", 0), "0.750000");
  EXPECT_EQ(Number(rows, "Confidence", 0), "0.500000");
  EXPECT_EQ(rows.At("Rank", 0).elements.at(0).Int(), 3);
  EXPECT_EQ(rows.At("Features", 0).Entry("features.price"), "9.5");
  EXPECT_EQ(rows.At("Features", 0).Entry("features.category"), "bread");
  EXPECT_EQ(rows.At("FeatureTypes", 0).text, "ds");
  EXPECT_EQ(rows.At("AdjustedCount", 0).Double(), 1);
  EXPECT_EQ(rows.At("Block", 0).number, 1u);
}

TEST(Predictions, WhatASpanDoesNotSayIsNull) {
  Pb span = Span(1, 2).Bytes(field::span::kName, "model.predict");
  span = With(span, "model.score", StringValue("high"));
  span = With(span, "model.rank", DoubleValue(1.5));
  const NativeBlock rows = RowsOf(Request({span, Prediction(1, 3)}));
  ASSERT_EQ(rows.rows, 2u);
  for (const char* column : {"Score", "Confidence", "Rank"}) EXPECT_EQ(Number(rows, column, 0), "NULL") << column;
  EXPECT_EQ(rows.At("Model", 0).text, "");
  EXPECT_EQ(rows.At("PredictionId", 0).text, "");
  EXPECT_TRUE(rows.At("Features", 0).elements.empty());
  EXPECT_EQ(Number(rows, "Score", 1), "0.750000");
}

TEST(Predictions, ASpanThatAnSdkSampledStandsForMore) {
  const Pb span = Prediction(1, 2).Bytes(field::span::kTraceState, "ot=th:c");
  EXPECT_EQ(RowsOf(Request({span})).At("AdjustedCount", 0).Double(), 4);
}

TEST(Predictions, OfGenAiAreFoundByNameAndAttribute) {
  const auto named = [](const char* name, bool has_operation) {
    Pb span = Span(1, 2).Bytes(field::span::kName, name);
    if (has_operation) span = With(span, "gen_ai.operation.name", StringValue("chat"));
    span = With(span, "gen_ai.request.model", StringValue("small"));
    span = With(span, "gen_ai.response.model", StringValue("small-2026-01"));
    span = With(span, "gen_ai.response.id", StringValue("r1"));
    BuilderFixture fixture(Signal::kTraces);
    fixture.Add(Request({span}));
    return fixture.Finish();
  };
  const Blocks blocks = named("chat small", true);
  EXPECT_EQ(Only(blocks, kTable).At("Model", 0).text, "small");
  EXPECT_EQ(Only(blocks, kTable).At("Version", 0).text, "small-2026-01");
  EXPECT_EQ(Only(blocks, kTable).At("PredictionId", 0).text, "r1");
  for (const auto& [name, has_operation] :
       {std::pair{"chat small", false}, {"chatter", true}, {"chat", true}, {"execute_tool x", true}, {"", true}}) {
    for (const auto& [key, rows] : named(name, has_operation)) EXPECT_NE(key.first, kTable) << name;
  }
}

TEST(Predictions, FollowTheRulesThatAreConfigured) {
  BlockBuilder::Options options;
  options.predictions = {{.span_name = "score*", .with_attribute = "kind", .score = {"s"}},
                         {.span_name = "score it", .score = {"t"}, .features = "in."}};
  Pb first = With(With(Span(1, 1).Bytes(field::span::kName, "score it"), "s", IntValue(1)), "t", IntValue(2));
  const NativeBlock rows = RowsOf(Request({first, With(first, "kind", StringValue("a")), Prediction(1, 4)}), options);
  ASSERT_EQ(rows.rows, 2u);
  EXPECT_EQ(Number(rows, "Score", 0), "2.000000") << "the first rule wants an attribute";
  EXPECT_EQ(Number(rows, "Score", 1), "1.000000");
  options.predictions.clear();
  BuilderFixture none(Signal::kTraces, options);
  none.Add(Request({Prediction(1, 1)}));
  for (const auto& [key, block] : none.Finish()) EXPECT_NE(key.first, kTable);
}

// Spans that wait for a decision have the same records, and kept ones have none of their own again.
TEST(Predictions, AreTheSameBeforeSampling) {
  const std::string request = Request({Prediction(1, 2), Span(1, 3), Prediction(2, 4)});
  const auto scan = ScanRequest(Signal::kTraces, request, {}, {.received_unix_nanos = kReceived}, SpanHeads::kNote);
  ASSERT_TRUE(scan);
  const auto rows_of = [&](BlockBuilder& builder, const SpanStanding& standing) {
    for (const ItemRef& item : scan->items) builder.Append(request, *scan, item, kReceived, standing);
    std::string native;
    for (const TableBlock& table : builder.Finish(5)) {
      if (table.table == kTable) native += table.native;
      if (table.table == kTable) EXPECT_EQ(table.numbered_rows, 2u);
    }
    return native;
  };
  const std::string whole = rows_of(*BlockBuilder::Create(Signal::kTraces, {}), {});
  EXPECT_NE(whole, "");
  EXPECT_EQ(rows_of(*BlockBuilder::CreateSpanMetrics({}), {}), whole);
  const SpanStanding kept = {.adjusted_count = 100, .policy = "some", .is_counted_here = false, .has_trace = true};
  EXPECT_EQ(rows_of(*BlockBuilder::Create(Signal::kTraces, {}), kept), "");
}

}  // namespace
}  // namespace sightline::otlp
