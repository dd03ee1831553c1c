// What is counted before sampling -> metrics for the backend, exactly once as far as OTLP lets it.
// Data: frames of counts in the outbox -> totals -> every few seconds a block: a manifest of these frames, the metrics,
// a done mark.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "forward/delivery.h"
#include "forward/graph_counts.h"
#include "forward/span_counts.h"
#include "journal/journal.h"

namespace sightline::forward {

struct CountsOptions {
  bool enabled = true;  // false: nothing is counted
  int64_t interval_nanos = 10'000'000'000;
  uint64_t bytes_max = 256 << 20;  // of requests that the journal keeps until their counts are in the outbox
  uint32_t series_max = 10'000;
  std::vector<otlp::Dimension> dimensions;
  std::string instance_id;  // of the gateway
};

// Totals are cumulative since the start of the program, so that a request that comes twice changes nothing. After a
// restart they begin anew, with what the last run had counted and not delivered.
// Thread: its own; Add, Export and Drain from any.
class CountsQueue {
 public:
  // Without an exporter counts go nowhere.
  CountsQueue(const CountsOptions& options, const QueueOptions& queue, const QueueContext& context,
              std::unique_ptr<Exporter> exporter);
  ~CountsQueue();  // stops without delivering what is counted: the outbox has it

  // Before Start: blocks and frames of the last run.
  void Resume(journal::Manifest block) { resumed_.push_back(std::move(block)); }
  void Recover(uint64_t frame) { recovered_.push_back(frame); }
  void Start();

  void Add(uint64_t frame, const SpanCounts& counts);
  void Export();  // what is there now, soon

  // Delivers what is there now; false if that did not succeed in time, or as soon as the backend is found to be away.
  bool Drain(int64_t deadline_monotonic_nanos);

 private:
  // Bounded by series, however long the backend is away.
  struct Counts {
    // `options` must outlive it.
    explicit Counts(const CountsOptions& options)
        : calls(options.series_max, options.dimensions), graph(options.series_max) {}
    void Add(const SpanCounts& counts);
    CallCounts calls;
    GraphCounts graph;
  };
  struct Waiting {
    explicit Waiting(const CountsOptions& options) : counts(options) {}
    Counts counts;
    std::vector<uint64_t> frames;
  };
  void Run();
  SpanCounts ReadBack(uint64_t frame);
  void Deliver(const journal::Manifest& manifest, const Counts& counts);

  const CountsOptions options_;
  const uint64_t request_bytes_max_;
  QueueContext context_;
  Delivery delivery_;
  const int64_t start_unix_nanos_;
  Counter& overflowed_;
  std::deque<journal::Manifest> resumed_;
  std::vector<uint64_t> recovered_;

  Counts total_;

  std::mutex mutex_;
  std::condition_variable wake_, exported_;
  std::optional<Waiting> waiting_;             // guarded by mutex_, as all below
  uint64_t exports_wanted_ = 0, exports_ = 0;  // each takes all that waits
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sightline::forward
