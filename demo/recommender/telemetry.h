// All that the recommender tells by OpenTelemetry: its tracer, instruments and logger, and how its parts use them.
// Nothing of it does anything before otel::Configure, which only the program calls.
#pragma once

#include <otel/logs.h>
#include <otel/metrics.h>
#include <otel/trace.h>

#include <chrono>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "demo/common/error.h"

namespace demo::recommender {

// A part of the service: what its spans and its point of component.duration are called.
struct Component {
  std::string_view name;  // "query_parser"
  std::string_view span;  // "query_parser.parse"
  otel::BoundRecorder<double> duration;
};

// A counter with one attribute whose values are few and known: bound to each of them, which makes counting cheap.
// Thread: any.
class CounterByValue {
 public:
  CounterByValue(const otel::Counter<int64_t>& counter, std::string_view key,
                 std::initializer_list<std::string_view> values, const std::vector<otel::Attribute>& others = {});

  // Does nothing for a value that was not named.
  void Add(int64_t count, std::string_view value) const;

 private:
  std::vector<std::pair<std::string_view, otel::BoundCounter<int64_t>>> bound_;
};

// Thread: any.
struct Telemetry {
  otel::Tracer tracer;
  otel::Logger logger;

  otel::Counter<int64_t> http_requests;
  CounterByValue search_queries;  // by intent
  otel::BoundCounter<int64_t> predictions_successful, predictions_failed;
  CounterByValue wikipedia_calls;  // by status
  otel::Counter<int64_t> chaos_events;
  otel::Counter<int64_t> feedback;
  otel::Histogram<double> inference_duration;
  otel::Histogram<double> scores;

  Component query_parser, search_index, recommendation_engine, wikipedia_client, ranker;
};
// Made at the first call, never destroyed.
const Telemetry& TheTelemetry();

// A component at work: its span, which is the current one as long as this lives, and its duration at the end.
// Thread: one.
class Work {
 public:
  explicit Work(const Component& component, otel::AttributesView attributes = {})
      : component_(component),
        span_(TheTelemetry().tracer.StartSpan(component.span, {.attributes = attributes})),
        scope_(span_) {}
  ~Work() {
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin_;
    component_.duration.Record(took.count());
  }
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  const otel::Span& span() const { return span_; }

 private:
  const Component& component_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  const otel::Span span_;
  const otel::Scope scope_;
};

// The span failed: an exception event, and status ERROR.
void RecordError(const otel::SpanRef& span, const Error& error);
// A fault on purpose happened in the current span: attributes of it, a point of chaos.events.total, a log record.
void RecordChaos(std::string_view event_type);

}  // namespace demo::recommender
