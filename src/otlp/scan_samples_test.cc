// Every recorded request of an SDK: scanned, and (JSON) translated, with the facts of its manifest entry.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "otlp/json.h"
#include "otlp/scan.h"
#include "otlp/testing/samples.h"
#include "otlp/wire_fields.h"

namespace sightline::otlp {
namespace {

using testing::Outline;
using testing::Sample;
using testing::SdkSample;
using testing::Visit;

std::string Protobuf(const Sample& sample) {
  if (!sample.json) return sample.bytes;
  auto bytes = JsonToProtobuf(sample.signal, sample.bytes, Limits{});
  EXPECT_TRUE(bytes) << sample.file << ": " << bytes.error().message;
  return bytes ? *bytes : std::string();
}

std::string_view Field(std::string_view message, uint32_t tag) {
  std::string_view found;
  for (FieldReader fields(message); fields.Next();)
    if (fields.tag() == tag) found = fields.bytes();
  return found;
}

std::string ServiceOf(std::string_view resource) {
  std::string service;
  Visit(Message::kResource, resource, Message::kKeyValue, [&](std::string_view attribute) {
    if (Field(attribute, field::key_value::kKey) == "service.name")
      service = Field(Field(attribute, field::key_value::kValue), field::any_value::kString);
  });
  return service;
}

bool AllZero(std::string_view id) {
  return id.find_first_not_of('\0') == std::string_view::npos;
}

int64_t Fact(const Sample& sample, std::string_view name) {
  return sample.facts.at(name).as_int64();
}

int64_t CountOf(Signal signal, std::string_view bytes, Message wanted) {
  int64_t count = 0;
  Visit(RequestMessage(signal), bytes, wanted, [&](std::string_view) { ++count; });
  return count;
}

// What the scan's places say, counted by the service of each item's resource.
void ExpectServices(const Sample& sample, std::string_view bytes, const Scan& scan) {
  std::map<std::string, int64_t> per_service;
  for (const ItemRef& item : scan.items) {
    int64_t count = 1;
    if (sample.signal == Signal::kMetrics) {
      count = 0;
      for (const Message kind : {Message::kNumberDataPoint, Message::kHistogramDataPoint,
                                 Message::kExponentialHistogramDataPoint, Message::kSummaryDataPoint})
        Visit(Message::kMetric, item.message.In(bytes), kind, [&](std::string_view) { ++count; });
    }
    per_service[ServiceOf(scan.scopes[item.scope].resource.In(bytes))] += count;
  }
  constexpr std::string_view kFacts[] = {"spans_per_service", "points_per_service", "records_per_service"};
  const auto& expected = sample.facts.at(kFacts[static_cast<size_t>(sample.signal)]).as_object();
  EXPECT_EQ(per_service.size(), expected.size()) << sample.file;
  for (const auto& [service, count] : expected)
    EXPECT_EQ(per_service[std::string(std::string_view(service))], count.as_int64()) << sample.file << " " << service;
}

void ExpectTraceFacts(const Sample& sample, std::string_view bytes, const Scan& scan) {
  std::set<std::string_view> traces;
  std::set<uint64_t> hashes;
  int64_t roots = 0;
  for (const ItemRef& item : scan.items) {
    traces.insert(Field(item.message.In(bytes), field::span::kTraceId));
    hashes.insert(item.trace_hash);
    roots += AllZero(Field(item.message.In(bytes), field::span::kParentSpanId)) ? 1 : 0;
  }
  EXPECT_EQ(static_cast<int64_t>(traces.size()), Fact(sample, "traces")) << sample.file;
  EXPECT_EQ(hashes.size(), traces.size()) << sample.file;
  EXPECT_EQ(roots, Fact(sample, "root_spans")) << sample.file;
  EXPECT_EQ(CountOf(sample.signal, bytes, Message::kEvent), Fact(sample, "events")) << sample.file;
  EXPECT_EQ(CountOf(sample.signal, bytes, Message::kLink), Fact(sample, "links")) << sample.file;
}

void ExpectLogFacts(const Sample& sample, std::string_view bytes, const Scan& scan) {
  int64_t with_trace = 0, zero = 0;
  for (const ItemRef& item : scan.items) {
    with_trace += item.trace_hash != 0 ? 1 : 0;
    const std::string_view id = Field(item.message.In(bytes), field::log_record::kTraceId);
    zero += id.size() == 16 && AllZero(id) ? 1 : 0;
  }
  EXPECT_EQ(with_trace, Fact(sample, "with_trace_id")) << sample.file;
  EXPECT_EQ(zero, Fact(sample, "trace_id_of_16_zero_bytes")) << sample.file;
}

void ExpectFacts(const Sample& sample) {
  const std::string bytes = Protobuf(sample);
  auto scan = ScanRequest(sample.signal, bytes, Limits{}, TimeRules{});
  ASSERT_TRUE(scan) << sample.file << ": " << scan.error().message;
  EXPECT_EQ(scan->items_seen, sample.count) << sample.file;
  EXPECT_EQ(scan->items_accepted, sample.count) << sample.file << ": " << scan->refusal_message;
  EXPECT_TRUE(scan->refused.empty()) << sample.file;
  ExpectServices(sample, bytes, *scan);
  switch (sample.signal) {
    case Signal::kTraces:
      ExpectTraceFacts(sample, bytes, *scan);
      break;
    case Signal::kLogs:
      ExpectLogFacts(sample, bytes, *scan);
      break;
    case Signal::kMetrics:
      EXPECT_EQ(CountOf(sample.signal, bytes, Message::kMetric), Fact(sample, "metrics")) << sample.file;
      EXPECT_EQ(CountOf(sample.signal, bytes, Message::kExemplar), Fact(sample, "exemplars")) << sample.file;
      break;
  }
}

TEST(ScanSamples, EverySdkRequestHasItsFacts) {
  EXPECT_EQ(testing::SdkSamples().size(), 48u);
  for (const Sample& sample : testing::SdkSamples()) ExpectFacts(sample);
}

TEST(ScanSamples, EveryDemoCaptureHasItsFacts) {
  if (testing::DemoSamples().empty())
    GTEST_SKIP() << "the demo's captures (python-demo*) are not in " SIGHTLINE_SHARED_DIR "/otlp-samples";
  EXPECT_EQ(testing::DemoSamples().size(), 42u);
  for (const Sample& sample : testing::DemoSamples()) ExpectFacts(sample);
}

TEST(ScanSamples, SameProgramOverJsonAndGrpcHasTheSameStructure) {
  for (const std::string_view name : {"traces-001", "metrics-001", "metrics-002", "metrics-003", "logs-001"}) {
    const Sample& json = SdkSample("python-manual-json-" + std::string(name) + ".json");
    const Sample& grpc = SdkSample("python-manual-grpc-" + std::string(name) + ".pb");
    const Message root = RequestMessage(json.signal);
    EXPECT_EQ(Outline(root, Protobuf(json)), Outline(root, grpc.bytes)) << name;
  }
}

TEST(ScanSamples, RescanFindsTheSamePlaces) {
  for (const Sample& sample : testing::SdkSamples()) {
    const std::string bytes = Protobuf(sample);
    auto scan = ScanRequest(sample.signal, bytes, Limits{}, TimeRules{});
    auto again = Rescan(sample.signal, bytes, scan->refused);
    ASSERT_TRUE(again) << sample.file;
    ASSERT_EQ(again->items.size(), scan->items.size()) << sample.file;
    for (size_t i = 0; i < scan->items.size(); ++i) {
      EXPECT_EQ(again->items[i].message.offset, scan->items[i].message.offset);
      EXPECT_EQ(again->items[i].trace_hash, scan->items[i].trace_hash);
    }
  }
}

// A request cut anywhere is an error, unless the cut falls between two resources: then it is a shorter request.
TEST(ScanSamples, EveryCutIsAnErrorOrAShorterRequest) {
  for (const std::string_view file : {"java-grpc-traces-001.pb", "java-grpc-metrics-001.pb", "java-grpc-logs-001.pb",
                                      "telemetrygen-metrics-001.pb", "javaagent-metrics-002.pb"}) {
    const Sample& sample = SdkSample(file);
    std::set<size_t> ends = {0};
    for (FieldReader fields(sample.bytes); fields.Next();)
      ends.insert(static_cast<size_t>(fields.bytes().data() + fields.bytes().size() - sample.bytes.data()));
    for (size_t size = 0; size < sample.bytes.size(); ++size) {
      const std::string cut = sample.bytes.substr(0, size);  // a copy, so that sanitizers see its end
      auto scan = ScanRequest(sample.signal, cut, Limits{}, TimeRules{});
      ASSERT_EQ(scan.has_value(), ends.contains(size)) << file << " cut to " << size << " bytes";
      if (!scan) ASSERT_EQ(scan.error().code, Code::kInvalidArgument);
    }
  }
}

}  // namespace
}  // namespace sightline::otlp
