-- Schema version 5: calls and durations of spans at 10 s and by hour too, beside those by minute; calls between services by minute and
-- by hour. docs/adr/004-span-metrics.md and 008-service-graph.md have the reasons. Placeholders as in 0001_tables.sql; rows that count
-- and rows that name blocks as in 0002_span_metrics.sql. The table of that version is dropped after this (schema.cc).

-- All resolutions in one table, so that a block of a day is one insert.
CREATE TABLE IF NOT EXISTS {db}.span_metric_rollups (
  Block UInt64 CODEC(Delta, Default),
  Seconds UInt16,                               -- resolution: 10, 60, 3600; 0 in rows that name a block
  Time DateTime CODEC(Delta, Default),          -- of the span's start, rounded down to Seconds; a block's: the day's first second
  ServiceName LowCardinality(String),
  SpanName LowCardinality(String), SpanKind LowCardinality(String), StatusCode LowCardinality(String),
  Entry Bool,
  Bucket UInt16,
  Calls SimpleAggregateFunction(sum, Float64),
  DurationSum SimpleAggregateFunction(sum, Float64),
  DurationMax SimpleAggregateFunction(max, UInt64),
  LastSeen SimpleAggregateFunction(max, DateTime)
) ENGINE = AggregatingMergeTree PARTITION BY toDate(Time, 'UTC')
PRIMARY KEY (Block, Seconds, Entry, ServiceName, Time)
ORDER BY (Block, Seconds, Entry, ServiceName, Time, SpanName, SpanKind, StatusCode, Bucket) {ttl_span_metric_rollups}
SETTINGS {rollup_settings};

-- A row is one side of calls: a call between two services with spans has a row of the client's side and one of the server's, and is
-- counted in Calls with the first.
CREATE TABLE IF NOT EXISTS {db}.service_graph_edges (
  Block UInt64 CODEC(Delta, Default),
  Seconds UInt16,                               -- 60, 3600; 0 in rows that name a block
  Time DateTime CODEC(Delta, Default),          -- of the start of the client's span; of the server's if there is no other
  Client LowCardinality(String), Server LowCardinality(String),
  ConnectionType LowCardinality(String),        -- '', messaging_system, database, virtual_node
  Failed Bool,                                  -- either side
  ClientSide Bool,                              -- whose duration it is
  Bucket UInt16,                                -- of the duration, as in span_metric_rollups
  Calls SimpleAggregateFunction(sum, Float64),
  Spans SimpleAggregateFunction(sum, Float64),  -- of this side
  DurationSum SimpleAggregateFunction(sum, Float64),
  DurationMax SimpleAggregateFunction(max, UInt64)
) ENGINE = AggregatingMergeTree PARTITION BY toDate(Time, 'UTC')
PRIMARY KEY (Block, Seconds, Time)
ORDER BY (Block, Seconds, Time, Client, Server, ConnectionType, Failed, ClientSide, Bucket) {ttl_service_graph_edges}
SETTINGS {rollup_settings};

-- What was counted by minute until now, with the rows that name blocks: a block that the last program left unfinished is then found
-- if and only if it was.
TRUNCATE TABLE {db}.span_metric_rollups;
INSERT INTO {db}.span_metric_rollups
  (Block, Seconds, Time, ServiceName, SpanName, SpanKind, StatusCode, Entry, Bucket, Calls, DurationSum, DurationMax, LastSeen)
SELECT Block, arrayJoin(if(Block = 0, [60, 3600], [0])) AS Resolution, if(Resolution = 3600, toStartOfHour(Minute, 'UTC'), Minute) AS Start,
  ServiceName, SpanName, SpanKind, StatusCode, Entry, Bucket, sum(Calls), sum(DurationSum), max(DurationMax), max(LastSeen)
FROM {db}.span_metric_buckets GROUP BY Block, Resolution, Start, ServiceName, SpanName, SpanKind, StatusCode, Entry, Bucket
SETTINGS max_partitions_per_insert_block = 0, max_bytes_before_external_group_by = 200000000, max_threads = 1;
