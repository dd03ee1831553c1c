-- Schema version 2: calls and durations of spans by minute, counted before sampling. docs/adr/004-span-metrics.md says why it looks
-- like this. Placeholders as in 0001_tables.sql. Spans that were stored under version 1 are not counted afterwards.

-- A row is the calls of one bucket of durations: floor(log2(nanoseconds) * 8), so bucket b holds [2^(b/8), 2^((b+1)/8)).
-- Rows of the same key collapse in merges, so whoever reads must sum. They have Block 0.
-- Beside them each insert has one row with its block's number, on the first minute of the day and empty otherwise: it says that the
-- block is there, and never collapses.
CREATE TABLE IF NOT EXISTS {db}.span_metric_buckets (
  Block UInt64 CODEC(Delta, Default),
  ServiceName LowCardinality(String),
  Minute DateTime CODEC(Delta, Default),        -- of the span's start
  SpanName LowCardinality(String), SpanKind LowCardinality(String), StatusCode LowCardinality(String),
  Entry Bool,                                   -- work came in from outside the service
  Bucket UInt16,
  Calls SimpleAggregateFunction(sum, Float64),          -- not whole where an SDK sampled: 1 / probability for each span
  DurationSum SimpleAggregateFunction(sum, Float64),    -- nanoseconds, weighted as Calls
  DurationMax SimpleAggregateFunction(max, UInt64),
  LastSeen SimpleAggregateFunction(max, DateTime)       -- start of the last of these spans
) ENGINE = AggregatingMergeTree PARTITION BY toDate(Minute, 'UTC')
PRIMARY KEY (Block, Entry, ServiceName, Minute)
ORDER BY (Block, Entry, ServiceName, Minute, SpanName, SpanKind, StatusCode, Bucket) {ttl_span_metrics}
SETTINGS {merge_tree_settings};
