-- Schema version 8: stored spans added up by service and by the policy that kept them, by minute and by hour; a record of each span in
-- which a model predicted something. docs/adr/014-kept-spans.md and 015-predictions.md have the reasons. Placeholders as in 0001_tables.sql; rows that count and rows that name blocks as in
-- 0005_rollups.sql.
CREATE TABLE IF NOT EXISTS {db}.kept_span_rollups (
  Block UInt64 CODEC(Delta, Default),
  Seconds UInt16,                               -- 60, 3600; 0 in rows that name a block
  Time DateTime CODEC(Delta, Default),          -- of the span's start
  ServiceName LowCardinality(String),
  SamplingPolicy LowCardinality(String),        -- '': kept without sampling
  Spans SimpleAggregateFunction(sum, UInt64),
  Bytes SimpleAggregateFunction(sum, UInt64),   -- of the spans' messages as they were received; 0 of spans of earlier versions
  StandFor SimpleAggregateFunction(sum, Float64),                 -- sum of AdjustedCount
  Traces AggregateFunction(uniqCombined(14), UInt64)              -- of xxh3(TraceId)
) ENGINE = AggregatingMergeTree PARTITION BY toDate(Time, 'UTC')
PRIMARY KEY (Block, Seconds, Time)
ORDER BY (Block, Seconds, Time, ServiceName, SamplingPolicy) {ttl_kept_span_rollups}
SETTINGS {rollup_settings};

-- Taken before sampling (otlp/predictions.h). Spans of earlier versions have no record.
CREATE TABLE IF NOT EXISTS {db}.predictions (
  Block UInt64 CODEC(Delta, Default),
  Timestamp DateTime64(9) CODEC(Delta, Default),          -- the span's start
  TraceId FixedString(16), SpanId FixedString(8) CODEC(NONE),
  ServiceName LowCardinality(String), SpanName LowCardinality(String), StatusCode LowCardinality(String),
  Duration UInt64 CODEC(T64, Default),                    -- nanoseconds
  Model LowCardinality(String), Version LowCardinality(String), PredictionId String,
  Score Nullable(Float64), Confidence Nullable(Float64), Rank Nullable(Int64),
  Features Map(LowCardinality(String), String), FeatureTypes LowCardinality(String),   -- keys as the span has them
  AdjustedCount Float64,                                  -- 1, or what the span stands for where an SDK sampled
  INDEX idx_time Timestamp TYPE minmax GRANULARITY 1,
  INDEX idx_trace TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
  INDEX idx_prediction PredictionId TYPE bloom_filter(0.001) GRANULARITY 1
) ENGINE = MergeTree PARTITION BY toDate(Timestamp, 'UTC') ORDER BY Block {ttl_predictions}
SETTINGS {merge_tree_settings};

-- The spans that are stored until now, and which blocks they are of: a block that the last program left unfinished is then found here
-- if and only if its spans are there.
TRUNCATE TABLE {db}.kept_span_rollups;
INSERT INTO {db}.kept_span_rollups (Block, Seconds, Time, ServiceName, SamplingPolicy, Spans, StandFor, Traces)
SELECT 0, arrayJoin([60, 3600]) AS Resolution, toDateTime(intDiv(toUnixTimestamp(Timestamp), Resolution) * Resolution) AS Start,
  ServiceName, SamplingPolicy, count(), sum(AdjustedCount), uniqCombinedState(14)(xxh3(TraceId))
FROM {db}.spans GROUP BY Resolution, Start, ServiceName, SamplingPolicy
SETTINGS max_partitions_per_insert_block = 0, max_bytes_before_external_group_by = 200000000, max_threads = 1;
INSERT INTO {db}.kept_span_rollups (Block, Seconds, Time)
SELECT Block, 0, toStartOfDay(Timestamp, 'UTC') AS Day FROM {db}.spans GROUP BY Block, Day
SETTINGS max_partitions_per_insert_block = 0, max_threads = 1;
