// Calls between services, added up: who calls whom, how often, how many failed, how long both sides took.
// Data: one Add for each side of a call -> bytes in a decided frame of the journal (Encode, Merge) -> at Finish the
// rows of the table service_graph_edges for one block. sample/service_graph.h finds the calls;
// docs/adr/008-service-graph.md has the reasons.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "otlp/block_builder.h"
#include "otlp/block_builder_tables.h"
#include "otlp/rollup_table.h"

namespace sightline::otlp {

// What stands between the two. The texts are those of the Collector's servicegraph connector.
enum class Connection : uint8_t {
  kRequest,    // "": a client's span and a server's
  kMessaging,  // "messaging_system": a producer's span and a consumer's, or a message system alone
  kDatabase,   // "database": only the client has spans
  kVirtual,    // "virtual_node": only one side has spans
};
std::string_view ConnectionText(Connection connection);

inline constexpr uint32_t kGraphNamesMax = 10'000;  // of one block or frame; further ones are counted as kOtherNode
inline constexpr std::string_view kOtherNode = "(other)";

inline constexpr uint32_t kGraphResolutions[] = {60, 3600};  // as kResolutions

// Which blocks of spans an insert of edges was made from, where spans are matched after they were stored: it counts the
// pairs whose later half is in the blocks above `matched_after` up to `matched_to`, and what had found no other half
// and is in those above `expired_after` up to `expired_to`. store/graph_writer.h has the meaning.
struct GraphStep {
  uint64_t matched_after = 0, matched_to = 0;
  uint64_t expired_after = 0, expired_to = 0;
  int32_t day = 0;  // of the row with the block's number where there are no edges; days since 1970-01-01 UTC
};

struct ServiceGraphEdgesTable final : RollupTable {
  static constexpr std::string_view kName = "service_graph_edges";
  ServiceGraphEdgesTable();

  LowCardinalityColumn client, server, connection;
  Numbers8 failed, client_side;
  NumberColumn<uint16_t> bucket;
  Doubles calls, spans, duration_sum;
  Numbers64 duration_max;
  Numbers64 matched_after, matched_to, expired_after, expired_to;  // 0 but in rows with a block's number

  GraphStep step;  // written into those
  void NameBlock() override;
};

// Thread: of its owner.
class ServiceGraphEdges {
 public:
  // One side of a call. A call has one or two sides that spans tell of, and is counted with the first.
  struct Side {
    std::string_view client, server;  // clean UTF-8, needed only during Add
    Connection connection = Connection::kRequest;
    bool failed = false;          // either side
    bool is_client_side = false;  // whose duration this is
    bool is_call = true;          // false: the call was counted with the other side
    uint32_t start_second = 0;    // unix time; the same for both sides
    uint64_t duration_nanos = 0;
    double weight = 1;
  };

  void Add(const Side& side) { Add(side, {NameNumber(side.client), NameNumber(side.server)}); }
  // The same for who has many of the same names: with their numbers, in place of the side's own texts.
  struct Nodes {
    uint32_t client = 0, server = 0;
  };
  void Add(const Side& side, Nodes nodes);
  uint32_t NameNumber(std::string_view name);  // good until the next Finish or Clear
  bool empty() const { return rows_.empty(); }
  size_t bytes() const { return rows_.size() * sizeof(Row) + names_.keys().size(); }

  // What was added of one key. Texts are good until the next Add.
  struct Sum {
    std::string_view client, server;
    Connection connection = Connection::kRequest;
    bool failed = false, is_client_side = false;
    uint32_t minute = 0;  // its first second
    uint16_t bucket = 0;  // DurationBucket
    double calls = 0, spans = 0, duration_sum = 0;
    uint64_t duration_max = 0;
  };
  std::vector<Sum> Sums() const;  // in order of first appearance

  // Starts with a version. Empty for none.
  std::string Encode() const;
  // Adds what Encode made. False for other bytes; then nothing is added.
  bool Merge(std::string_view encoded);

  // The rows so far, a TableBlock for each day, and forgets them.
  void Finish(uint64_t block, std::vector<TableBlock>& out) { Finish(block, out, nullptr); }
  // Of a step: there is at least one.
  void Finish(uint64_t block, std::vector<TableBlock>& out, const GraphStep& step) { Finish(block, out, &step); }
  void Clear();

 private:
  struct Key {
    uint64_t nodes = 0;  // number of the client, number of the server
    uint64_t rest = 0;   // minute, bucket, connection, failed, side: see the .cc
    bool operator==(const Key&) const = default;
  };
  struct Hasher {
    using is_avalanching = void;
    size_t operator()(const Key& key) const;
  };
  struct Row {
    Key key;
    double calls = 0, spans = 0, duration_sum = 0;
    uint64_t duration_max = 0;
  };

  void Finish(uint64_t block, std::vector<TableBlock>& out, const GraphStep* step);
  void AddRow(const Row& row);
  Sum SumOf(const Row& row, uint32_t resolution_seconds) const;
  void WriteRow(ServiceGraphEdgesTable& table, const Row& row, uint32_t seconds) const;

  Interner names_;
  boost::unordered_flat_map<Key, uint32_t, Hasher> numbers_;  // into rows_
  std::vector<Row> rows_;                                     // in order of first appearance
};

}  // namespace sightline::otlp
