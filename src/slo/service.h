// All parts of SLOs put together.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/metrics.h"
#include "slo/consumers.h"
#include "slo/recorder.h"
#include "slo/rollups.h"
#include "slo/sli_counter.h"
#include "slo/slo_reader.h"
#include "slo/slos.h"

namespace sightline::slo {

struct ServiceOptions {
  std::string directory;  // of files; "": there are none
  StoredSliOptions counter;
};

// Thread: any.
class Service {
 public:
  // What is borrowed must outlive it. Counts nothing until the recorder is started.
  Service(state::Database& database, store::ClickHouse& clickhouse, ServiceOptions options, MetricsRegistry& metrics,
          const Clock& clock = Clock::System())
      : slos_(database, std::move(options.directory), clock),
        rollups_(database),
        reader_(slos_, rollups_),
        counter_(clickhouse, std::move(options.counter)),
        consumers_(clickhouse, counter_.options()),
        recorder_({slos_, rollups_, reader_, counter_}, metrics, clock) {}

  Slos& slos() { return slos_; }
  Rollups& rollups() { return rollups_; }
  SloReader& reader() { return reader_; }
  SliCounter& counter() { return counter_; }
  ConsumerReader& consumers() { return consumers_; }
  Recorder& recorder() { return recorder_; }

 private:
  Slos slos_;
  Rollups rollups_;
  SloReader reader_;
  StoredSliCounter counter_;
  ConsumerReader consumers_;
  Recorder recorder_;
};

}  // namespace sightline::slo
