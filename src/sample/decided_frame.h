// The payload of a decided frame: what was decided about which traces, and the spans that are kept.
// Data: decisions of one shard, about a tenth of a second of them <-> bytes in the journal. The layout stands in the
// .cc. docs/adr/007-tail-sampling.md says why this makes sampling exactly once.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sightline::sample {

// A span as it lies in the journal: number of the request's frame, offset of the Span message in the request.
struct SpanSource {
  uint64_t frame = 0;
  uint32_t offset = 0;
  bool operator==(const SpanSource&) const = default;
};

struct DecidedFrame {
  std::vector<std::string> policies;  // names; traces have the index

  struct Dropped {
    uint64_t trace_hash = 0;
    uint32_t policy = 0;
    uint32_t spans = 0;
    bool operator==(const Dropped&) const = default;
  };
  std::vector<Dropped> dropped;

  struct Kept {
    uint64_t trace_hash = 0;
    uint32_t policy = 0;
    double adjusted_count = 1;
    uint32_t spans = 0;    // as many of `sources`, in order
    bool is_late = false;  // spans that came after the decision about their trace
    bool operator==(const Kept&) const = default;
  };
  std::vector<Kept> kept;
  std::vector<SpanSource> sources;

  std::string graph;  // what the traces add to the service graph, kept or not; service_graph.h
};

// What comes before the kept spans.
std::string EncodeDecisions(const DecidedFrame& frame);

struct DecodedFrame {
  DecidedFrame decisions;
  std::string_view request;  // an ExportTraceServiceRequest with the kept spans; the rest of the bytes
};
// Empty for bytes that EncodeDecisions does not make.
std::optional<DecodedFrame> DecodeDecidedFrame(std::string_view bytes);

// Why the spans of one decided frame are kept. Thread: any, once made.
class Verdicts {
 public:
  explicit Verdicts(DecidedFrame frame);

  struct Verdict {
    std::string_view policy;
    double adjusted_count = 1;
    bool is_decided_here = false;  // not in another frame, behind which its spans here came late
  };
  Verdict Of(uint64_t trace_hash) const;     // of a trace that is none of the frame's: no policy, 1
  uint64_t spans() const { return spans_; }  // that are kept

 private:
  struct AsIs {
    using is_avalanching = void;
    size_t operator()(uint64_t hash) const { return hash; }
  };
  struct Entry {
    uint32_t policy = 0;
    double adjusted_count = 1;
    bool is_decided_here = false;
  };
  uint64_t spans_ = 0;
  std::vector<std::string> policies_;
  boost::unordered_flat_map<uint64_t, Entry, AsIs> kept_;
};

}  // namespace sightline::sample
