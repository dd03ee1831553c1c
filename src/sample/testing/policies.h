// Traces made by hand and policies from YAML, for tests of the policy engine.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "otlp/testing/requests.h"
#include "otlp/wire_fields.h"
#include "sample/policy_set.h"

namespace sightline::sample::testing {

namespace field = otlp::field;
using otlp::testing::Attribute;
using otlp::testing::BoolValue;
using otlp::testing::DoubleValue;
using otlp::testing::IntValue;
using otlp::testing::Pb;
using otlp::testing::StringValue;

inline constexpr int64_t kNow = 1'790'000'000'000'000'000;
inline constexpr uint64_t kStart = 1'790'000'000'000'000'000;
inline constexpr uint64_t kMs = 1'000'000;

// A span under construction, as bytes and as facts.
class TestSpan {
 public:
  explicit TestSpan(std::string_view name = "GET /") { pb_.Bytes(field::span::kName, name); }
  TestSpan& Root() {
    root_ = true;
    return *this;
  }
  TestSpan& Times(uint64_t start_ms, uint64_t end_ms) { return Nanos(kStart + start_ms * kMs, kStart + end_ms * kMs); }
  TestSpan& Nanos(uint64_t start, uint64_t end) {
    start_ = start;
    end_ = end;
    return *this;
  }
  TestSpan& Status(uint8_t status, std::string_view message = "") {
    status_ = status;
    pb_.Message(field::span::kStatus, Pb().Bytes(field::status::kMessage, message).Uint(field::status::kCode, status));
    return *this;
  }
  TestSpan& Kind(uint8_t kind) {
    kind_ = kind;
    return *this;
  }
  TestSpan& Flags(uint32_t flags) {
    flags_ = flags;
    return *this;
  }
  TestSpan& State(std::string trace_state) {
    trace_state_ = std::move(trace_state);
    return *this;
  }
  TestSpan& With(std::string_view key, const Pb& value) {
    pb_.Message(field::span::kAttributes, Attribute(key, value));
    return *this;
  }
  TestSpan& Event(std::string_view name, const Pb& more = {}) {
    pb_.Message(field::span::kEvents, Pb().Bytes(field::event::kName, name).Raw(more.bytes()));
    return *this;
  }
  TestSpan& Add(uint32_t tag, std::string_view bytes) {
    pb_.Bytes(tag, bytes);
    return *this;
  }
  TestSpan& Bytes(uint32_t bytes) {
    bytes_ = bytes;
    return *this;
  }
  TestSpan& HttpStatus(int32_t status) {
    http_status_ = status;
    return *this;
  }

  SpanFacts Facts() const {
    SpanFacts facts;
    facts.kind = kind_;
    facts.status = status_;
    facts.is_root = root_;
    facts.flags = flags_;
    facts.start_unix_nanos = start_;
    facts.end_unix_nanos = end_;
    facts.bytes = bytes_ != 0 ? bytes_ : static_cast<uint32_t>(pb_.bytes().size());
    facts.http_status = http_status_;
    facts.trace_state = trace_state_;
    facts.span = pb_.bytes();
    return facts;
  }

 private:
  Pb pb_;
  std::string trace_state_;
  uint64_t start_ = kStart, end_ = kStart + kMs;
  uint32_t flags_ = 0, bytes_ = 0;
  int32_t http_status_ = SpanFacts::kHttpStatusUnread;
  uint8_t kind_ = 1, status_ = 0;
  bool root_ = false;
};

struct TestResource {
  std::string bytes;
  TestResource() = default;
  explicit TestResource(std::string_view service) { With("service.name", StringValue(service)); }
  TestResource& With(std::string_view key, const Pb& value) {
    bytes += Pb().Message(field::resource::kAttributes, Attribute(key, value)).bytes();
    return *this;
  }
};

struct TestBatch {
  TestResource resource;
  std::vector<TestSpan> spans;
};

// A trace id that only its number decides.
inline std::array<uint8_t, 16> TraceId(uint64_t number) {
  std::array<uint8_t, 16> id{};
  uint64_t words[2];
  for (uint64_t& word : words) {  // splitmix64
    number += 0x9e3779b97f4a7c15;
    uint64_t z = number;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    word = z ^ z >> 31;
  }
  std::memcpy(id.data(), words, 16);
  return id;
}

class TestPolicies {
 public:
  // `policies`: the YAML of the list, or the whole of tail_sampling if it has `policies:` in it.
  explicit TestPolicies(std::string_view policies, uint32_t shards = 1) {
    const bool whole = policies.find("policies:") != std::string_view::npos;
    auto config = ParseTailSampling(whole ? std::string(policies) : "policies:\n" + std::string(policies));
    if (!config) ADD_FAILURE() << config.error().message;
    auto set = PolicySet::Compile(*config);
    if (!set) ADD_FAILURE() << set.error().message;
    set_ = *set;
    state_ = std::make_unique<PolicyState>(set_, shards);
  }

  Decision Decide(const std::vector<TestBatch>& trace, std::array<uint8_t, 16> id = {1}) {
    TraceState state;
    for (const TestBatch& batch : trace) {
      const ResourceMatch resource = set_->MatchResource(batch.resource.bytes);
      for (const TestSpan& span : batch.spans) {
        SpanFacts facts = span.Facts();
        facts.trace_id = id;
        set_->AddSpan(state, facts, resource);
      }
    }
    return set_->Decide(state, {*state_, now});
  }
  Decision Decide(const TestSpan& span, std::array<uint8_t, 16> id = {1}) { return Decide({{{}, {span}}}, id); }
  bool Keeps(const TestSpan& span) { return Decide(span).keep; }
  bool Keeps(const std::vector<TestBatch>& trace) { return Decide(trace).keep; }

  const PolicySet& set() const { return *set_; }
  PolicyState& state() { return *state_; }
  int64_t now = kNow;

 private:
  std::shared_ptr<const PolicySet> set_;
  std::unique_ptr<PolicyState> state_;
};

}  // namespace sightline::sample::testing
