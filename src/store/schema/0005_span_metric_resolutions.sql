-- Schema version 5: calls and durations of spans at 10 s and by hour too, beside those by minute. docs/adr/004-span-metrics.md says
-- why all three are written and none is made from another. Placeholders as in 0001_tables.sql; columns as in 0002_span_metrics.sql.

CREATE TABLE IF NOT EXISTS {db}.span_metric_buckets_10s (
  Block UInt64 CODEC(Delta, Default),
  ServiceName LowCardinality(String),
  Time DateTime CODEC(Delta, Default),          -- of the span's start
  SpanName LowCardinality(String), SpanKind LowCardinality(String), StatusCode LowCardinality(String),
  Entry Bool,
  Bucket UInt16,
  Calls SimpleAggregateFunction(sum, Float64),
  DurationSum SimpleAggregateFunction(sum, Float64),
  DurationMax SimpleAggregateFunction(max, UInt64),
  LastSeen SimpleAggregateFunction(max, DateTime)
) ENGINE = AggregatingMergeTree PARTITION BY toDate(Time, 'UTC')
PRIMARY KEY (Block, Entry, ServiceName, Time)
ORDER BY (Block, Entry, ServiceName, Time, SpanName, SpanKind, StatusCode, Bucket) {ttl_span_metrics_10s}
SETTINGS {merge_tree_settings};

-- By month: a year and more of days would be as many parts.
CREATE TABLE IF NOT EXISTS {db}.span_metric_buckets_1h (
  Block UInt64 CODEC(Delta, Default),
  ServiceName LowCardinality(String),
  Time DateTime CODEC(Delta, Default),
  SpanName LowCardinality(String), SpanKind LowCardinality(String), StatusCode LowCardinality(String),
  Entry Bool,
  Bucket UInt16,
  Calls SimpleAggregateFunction(sum, Float64),
  DurationSum SimpleAggregateFunction(sum, Float64),
  DurationMax SimpleAggregateFunction(max, UInt64),
  LastSeen SimpleAggregateFunction(max, DateTime)
) ENGINE = AggregatingMergeTree PARTITION BY toYYYYMM(Time, 'UTC')
PRIMARY KEY (Block, Entry, ServiceName, Time)
ORDER BY (Block, Entry, ServiceName, Time, SpanName, SpanKind, StatusCode, Bucket) {ttl_span_metrics_1h}
SETTINGS {merge_tree_settings};

-- What was counted by minute until now, with the rows that name blocks: a block that the last program left unfinished is then found
-- in both tables or in neither.
TRUNCATE TABLE {db}.span_metric_buckets_1h;
INSERT INTO {db}.span_metric_buckets_1h
SELECT Block, ServiceName, if(Block = 0, toStartOfHour(Minute, 'UTC'), Minute), SpanName, SpanKind, StatusCode, Entry, Bucket, sum(Calls),
  sum(DurationSum), max(DurationMax), max(LastSeen)
FROM {db}.span_metric_buckets GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
SETTINGS max_partitions_per_insert_block = 0, max_bytes_before_external_group_by = 200000000, max_threads = 1;
