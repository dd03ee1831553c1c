#include "serve/self_export.h"

#include <chrono>
#include <protozero/pbf_writer.hpp>

#include "base/log.h"
#include "otlp/scan.h"

namespace sightline::serve {
namespace {

// Field numbers of opentelemetry-proto metrics/v1/metrics.proto, common/v1/common.proto and resource/v1/resource.proto.
constexpr int kRequestResourceMetrics = 1;
constexpr int kResourceMetricsResource = 1, kResourceMetricsScopeMetrics = 2;
constexpr int kScopeMetricsScope = 1, kScopeMetricsMetrics = 2;
constexpr int kScopeName = 1, kScopeVersion = 2;
constexpr int kResourceAttributes = 1;
constexpr int kMetricName = 1, kMetricDescription = 2, kMetricUnit = 3, kMetricGauge = 5, kMetricSum = 7;
constexpr int kDataPoints = 1, kSumTemporality = 2, kSumIsMonotonic = 3, kCumulative = 2;
constexpr int kPointStart = 2, kPointTime = 3, kPointDouble = 4, kPointInt = 6, kPointAttributes = 7;
constexpr int kKey = 1, kValue = 2, kStringValue = 1;

void AddAttribute(protozero::pbf_writer& parent, int field, const std::string& key, const std::string& value) {
  protozero::pbf_writer attribute(parent, field);
  attribute.add_string(kKey, key);
  protozero::pbf_writer any(attribute, kValue);
  any.add_string(kStringValue, value);
}

void AddPoint(protozero::pbf_writer& parent, const MetricsRegistry::Sample& sample, int64_t start, int64_t now) {
  protozero::pbf_writer point(parent, kDataPoints);
  if (sample.monotonic) point.add_fixed64(kPointStart, static_cast<uint64_t>(start));
  point.add_fixed64(kPointTime, static_cast<uint64_t>(now));
  if (sample.whole) {
    point.add_sfixed64(kPointInt, static_cast<int64_t>(sample.value));
  } else {
    point.add_double(kPointDouble, sample.value);
  }
  for (const auto& [key, value] : sample.labels) AddAttribute(point, kPointAttributes, key, value);
}

}  // namespace

std::string SelfMetricsRequest(const std::vector<MetricsRegistry::Sample>& samples, const std::string& version,
                               const std::string& instance_id, int64_t start_unix_nanos, int64_t now_unix_nanos) {
  std::string bytes;
  protozero::pbf_writer request(bytes);
  protozero::pbf_writer resource_metrics(request, kRequestResourceMetrics);
  {
    protozero::pbf_writer resource(resource_metrics, kResourceMetricsResource);
    AddAttribute(resource, kResourceAttributes, "service.name", "sightline");
    AddAttribute(resource, kResourceAttributes, "service.version", version);
    AddAttribute(resource, kResourceAttributes, "service.instance.id", instance_id);
  }
  protozero::pbf_writer scope_metrics(resource_metrics, kResourceMetricsScopeMetrics);
  {
    protozero::pbf_writer scope(scope_metrics, kScopeMetricsScope);
    scope.add_string(kScopeName, "sightline");
    scope.add_string(kScopeVersion, version);
  }
  // Samples are sorted by name, so the points of one metric lie together.
  for (size_t i = 0; i < samples.size();) {
    const MetricsRegistry::Sample& first = samples[i];
    protozero::pbf_writer metric(scope_metrics, kScopeMetricsMetrics);
    metric.add_string(kMetricName, first.name);
    metric.add_string(kMetricDescription, first.help);
    metric.add_string(kMetricUnit, first.unit);
    protozero::pbf_writer data(metric, first.monotonic ? kMetricSum : kMetricGauge);
    for (; i < samples.size() && samples[i].name == first.name; ++i) {
      AddPoint(data, samples[i], start_unix_nanos, now_unix_nanos);
    }
    if (first.monotonic) {
      data.add_enum(kSumTemporality, kCumulative);
      data.add_bool(kSumIsMonotonic, true);
    }
  }
  return bytes;
}

SelfExporter::SelfExporter(Options options, MetricsRegistry& metrics, receive::Sink& sink, MemoryBudget& budget,
                           const Clock& clock)
    : options_(std::move(options)),
      metrics_(metrics),
      sink_(sink),
      budget_(budget),
      clock_(clock),
      start_unix_nanos_(clock.UnixNanos()) {
  if (options_.interval_nanos > 0) thread_ = std::thread([this] { Run(); });
}

SelfExporter::~SelfExporter() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void SelfExporter::Run() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, std::chrono::nanoseconds(options_.interval_nanos), [this] { return stopping_; })) {
    lock.unlock();
    ExportOnce();
    lock.lock();
  }
}

void SelfExporter::ExportOnce() {
  const int64_t now = clock_.UnixNanos();
  receive::Export request{
      .signal = otlp::Signal::kMetrics,
      .received_unix_nanos = now,
      .bytes = SelfMetricsRequest(metrics_.Snapshot(), options_.version, options_.instance_id, start_unix_nanos_, now),
      .scan = {},
      .reservation = {}};
  Result<otlp::Scan> scan =
      otlp::ScanRequest(otlp::Signal::kMetrics, request.bytes, otlp::Limits{}, {.received_unix_nanos = now});
  SIGHTLINE_CHECK(scan.has_value());
  request.scan = *std::move(scan);
  request.reservation = budget_.TryReserve(request.bytes.size());
  // Under pressure users' data comes first; the next snapshot carries the same counters.
  if (!request.reservation) return;
  sink_.Accept(std::move(request), [](Result<void> result) {
    if (!result) Log(LogLevel::kDebug, "own metrics were not stored", {{"error", result.error().message}});
  });
}

}  // namespace sightline::serve
