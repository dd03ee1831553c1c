-- Schema version 6: calls between services by minute and by hour, counted before sampling. docs/adr/008-service-graph.md has the
-- reasons. Placeholders as in 0001_tables.sql; blocks and rows that name them as in 0002_span_metrics.sql.

-- A row is one side of calls: a call between two services with spans has a row of the client's side and one of the server's, and is
-- counted in Calls with the first.
CREATE TABLE IF NOT EXISTS {db}.service_graph_edges (
  Block UInt64 CODEC(Delta, Default),
  Time DateTime CODEC(Delta, Default),          -- minute of the start of the client's span; of the server's if there is no other
  Client LowCardinality(String), Server LowCardinality(String),
  ConnectionType LowCardinality(String),        -- '', messaging_system, database, virtual_node
  Failed Bool,                                  -- either side
  ClientSide Bool,                              -- whose duration it is
  Bucket UInt16,                                -- of the duration, as in span_metric_buckets
  Calls SimpleAggregateFunction(sum, Float64),
  Spans SimpleAggregateFunction(sum, Float64),  -- of this side
  DurationSum SimpleAggregateFunction(sum, Float64),
  DurationMax SimpleAggregateFunction(max, UInt64)
) ENGINE = AggregatingMergeTree PARTITION BY toDate(Time, 'UTC')
PRIMARY KEY (Block, Time)
ORDER BY (Block, Time, Client, Server, ConnectionType, Failed, ClientSide, Bucket) {ttl_service_graph}
SETTINGS {merge_tree_settings};

CREATE TABLE IF NOT EXISTS {db}.service_graph_edges_1h (
  Block UInt64 CODEC(Delta, Default),
  Time DateTime CODEC(Delta, Default),
  Client LowCardinality(String), Server LowCardinality(String),
  ConnectionType LowCardinality(String),
  Failed Bool,
  ClientSide Bool,
  Bucket UInt16,
  Calls SimpleAggregateFunction(sum, Float64),
  Spans SimpleAggregateFunction(sum, Float64),
  DurationSum SimpleAggregateFunction(sum, Float64),
  DurationMax SimpleAggregateFunction(max, UInt64)
) ENGINE = AggregatingMergeTree PARTITION BY toYYYYMM(Time, 'UTC')
PRIMARY KEY (Block, Time)
ORDER BY (Block, Time, Client, Server, ConnectionType, Failed, ClientSide, Bucket) {ttl_span_metrics_1h}
SETTINGS {merge_tree_settings};
