-- Physical tables, schema version 1. docs/adr/002-table-layout.md says why they look like this.
-- {db}: the database. {hot_columns}: one line for each hot attribute. {ttl_*}: a TTL clause or nothing. Statements end in ";\n".
-- Days are those of UTC, whatever the server's time zone is: the writers split blocks by them, and an insert is atomic for one.
-- attribute_sets and metric_series get their durability at each start, like the others.
-- Attribute values are text; the Types column beside a map has one letter for each entry, in the map's order:
--   s string, i int, d double, b bool, x bytes (base64), a array (JSON), m key-value list (JSON), e empty.

-- Resources, and scopes that have more than name and version. Written before the rows that name them; keyed by content.
CREATE TABLE IF NOT EXISTS {db}.attribute_sets (
  Id String,                       -- 32 hex digits of XXH3-128 over the canonical bytes
  Seen DateTime,
  Keys Array(String), Values Array(String), Types String,
  SchemaUrl String, DroppedAttributesCount UInt32
) ENGINE = ReplacingMergeTree(Seen) ORDER BY Id;

CREATE TABLE IF NOT EXISTS {db}.spans (
  Block UInt64 CODEC(Delta, Default),           -- number of the insert: constant within a block, so it costs nothing and merges concatenate
  Timestamp DateTime64(9) CODEC(Delta, Default),
  TraceId FixedString(16), SpanId FixedString(8) CODEC(NONE), ParentSpanId FixedString(8),
  TraceState String, Flags UInt32,
  SpanName LowCardinality(String), SpanKind LowCardinality(String), ServiceName LowCardinality(String),
  StatusCode LowCardinality(String), StatusMessage String,
  Duration UInt64 CODEC(T64, Default),          -- nanoseconds
  ResourceId LowCardinality(String), ScopeName LowCardinality(String), ScopeVersion LowCardinality(String), ScopeId LowCardinality(String),
  {hot_columns}
  SpanAttributes Map(LowCardinality(String), String), SpanAttributeTypes LowCardinality(String),
  DroppedAttributesCount UInt32, DroppedEventsCount UInt32, DroppedLinksCount UInt32,
  Events Nested(Timestamp DateTime64(9), Name LowCardinality(String), Attributes Map(LowCardinality(String), String),
                AttributeTypes LowCardinality(String), DroppedAttributesCount UInt32),
  Links Nested(TraceId FixedString(16), SpanId FixedString(8), TraceState String, Attributes Map(LowCardinality(String), String),
               AttributeTypes LowCardinality(String), DroppedAttributesCount UInt32, Flags UInt32),
  Repairs LowCardinality(String),               -- what was mended on the way in, comma-separated: docs/oddities.md
  AdjustedCount Float64 DEFAULT 1, SamplingPolicy LowCardinality(String), CriticalPathSelfTime UInt64,
  INDEX idx_time Timestamp TYPE minmax GRANULARITY 1,
  INDEX idx_trace TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
  INDEX idx_service ServiceName TYPE bloom_filter(0.01) GRANULARITY 1
  {hot_indexes}
) ENGINE = MergeTree PARTITION BY toDate(Timestamp, 'UTC') ORDER BY Block {ttl_traces}
SETTINGS {merge_tree_settings};

CREATE TABLE IF NOT EXISTS {db}.logs (
  Block UInt64 CODEC(Delta, Default),
  Timestamp DateTime64(9) CODEC(Delta, Default),          -- the record's time; the observed time where it has none
  TimeUnixNano UInt64 CODEC(Delta, Default),              -- as sent; 0 where the record has none
  ObservedTimestamp DateTime64(9) CODEC(Delta, Default),
  TraceId FixedString(16), SpanId FixedString(8), Flags UInt32,
  SeverityText LowCardinality(String), SeverityNumber UInt8, ServiceName LowCardinality(String),
  Body String, BodyType LowCardinality(String),           -- one of the letters above
  EventName LowCardinality(String),
  ResourceId LowCardinality(String), ScopeName LowCardinality(String), ScopeVersion LowCardinality(String), ScopeId LowCardinality(String),
  LogAttributes Map(LowCardinality(String), String), LogAttributeTypes LowCardinality(String),
  DroppedAttributesCount UInt32,
  Repairs LowCardinality(String),
  INDEX idx_time Timestamp TYPE minmax GRANULARITY 1,
  INDEX idx_trace TraceId TYPE bloom_filter(0.001) GRANULARITY 1,
  INDEX idx_service ServiceName TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = MergeTree PARTITION BY toDate(Timestamp, 'UTC') ORDER BY Block {ttl_logs}
SETTINGS {merge_tree_settings};

-- A metric stream: everything about it that is not a point. Written before the points that name it; keyed by content.
CREATE TABLE IF NOT EXISTS {db}.metric_series (
  SeriesId UInt64,                                        -- XXH3-64 over the canonical bytes of all columns below
  Seen DateTime,
  MetricName LowCardinality(String), MetricType LowCardinality(String),   -- gauge, sum, histogram, exponential_histogram, summary
  Description String, Unit LowCardinality(String), AggregationTemporality Int32, IsMonotonic Bool,
  ServiceName LowCardinality(String), ResourceId String, ScopeName LowCardinality(String), ScopeVersion LowCardinality(String), ScopeId String,
  Attributes Map(LowCardinality(String), String), AttributeTypes LowCardinality(String),
  Metadata String                                         -- the metric's metadata attributes as JSON, '' if none
) ENGINE = ReplacingMergeTree(Seen) ORDER BY (MetricName, SeriesId);

-- Points of gauges and sums. An integer value is exactly toInt64(Value) + IntResidual (non-zero only beyond 2^53).
CREATE TABLE IF NOT EXISTS {db}.metric_points (
  SeriesId UInt64 CODEC(Delta, Default), Timestamp DateTime64(9) CODEC(DoubleDelta, Default),
  StartTimestamp DateTime64(9) CODEC(DoubleDelta, Default),
  Value Float64 CODEC(Gorilla, Default), IsInt Bool, IntResidual Int64,
  Flags UInt32,
  Exemplars Nested(FilteredAttributes Map(LowCardinality(String), String), AttributeTypes LowCardinality(String),
                   Timestamp DateTime64(9), Value Float64, IsInt Bool, SpanId FixedString(8), TraceId FixedString(16)),
  Repairs LowCardinality(String),
  Block UInt64 CODEC(DoubleDelta, Default),
  INDEX idx_block Block TYPE minmax GRANULARITY 1,
  INDEX idx_time Timestamp TYPE minmax GRANULARITY 1
) ENGINE = MergeTree PARTITION BY toDate(Timestamp, 'UTC') ORDER BY (SeriesId, Timestamp) {ttl_metrics}
SETTINGS {merge_tree_settings};

-- Has: bit 0 Sum, bit 1 Min, bit 2 Max are set in the point.
CREATE TABLE IF NOT EXISTS {db}.metric_histograms (
  SeriesId UInt64 CODEC(Delta, Default), Timestamp DateTime64(9) CODEC(DoubleDelta, Default),
  StartTimestamp DateTime64(9) CODEC(DoubleDelta, Default),
  Count UInt64, Sum Float64, Min Float64, Max Float64, Has UInt8,
  BucketCounts Array(UInt64), ExplicitBounds Array(Float64),
  Flags UInt32,
  Exemplars Nested(FilteredAttributes Map(LowCardinality(String), String), AttributeTypes LowCardinality(String),
                   Timestamp DateTime64(9), Value Float64, IsInt Bool, SpanId FixedString(8), TraceId FixedString(16)),
  Repairs LowCardinality(String),
  Block UInt64 CODEC(DoubleDelta, Default),
  INDEX idx_block Block TYPE minmax GRANULARITY 1,
  INDEX idx_time Timestamp TYPE minmax GRANULARITY 1
) ENGINE = MergeTree PARTITION BY toDate(Timestamp, 'UTC') ORDER BY (SeriesId, Timestamp) {ttl_metrics}
SETTINGS {merge_tree_settings};

CREATE TABLE IF NOT EXISTS {db}.metric_exponential_histograms (
  SeriesId UInt64 CODEC(Delta, Default), Timestamp DateTime64(9) CODEC(DoubleDelta, Default),
  StartTimestamp DateTime64(9) CODEC(DoubleDelta, Default),
  Count UInt64, Sum Float64, Min Float64, Max Float64, Has UInt8,
  Scale Int32, ZeroCount UInt64, ZeroThreshold Float64,
  PositiveOffset Int32, PositiveBucketCounts Array(UInt64), NegativeOffset Int32, NegativeBucketCounts Array(UInt64),
  Flags UInt32,
  Exemplars Nested(FilteredAttributes Map(LowCardinality(String), String), AttributeTypes LowCardinality(String),
                   Timestamp DateTime64(9), Value Float64, IsInt Bool, SpanId FixedString(8), TraceId FixedString(16)),
  Repairs LowCardinality(String),
  Block UInt64 CODEC(DoubleDelta, Default),
  INDEX idx_block Block TYPE minmax GRANULARITY 1,
  INDEX idx_time Timestamp TYPE minmax GRANULARITY 1
) ENGINE = MergeTree PARTITION BY toDate(Timestamp, 'UTC') ORDER BY (SeriesId, Timestamp) {ttl_metrics}
SETTINGS {merge_tree_settings};

CREATE TABLE IF NOT EXISTS {db}.metric_summaries (
  SeriesId UInt64 CODEC(Delta, Default), Timestamp DateTime64(9) CODEC(DoubleDelta, Default),
  StartTimestamp DateTime64(9) CODEC(DoubleDelta, Default),
  Count UInt64, Sum Float64,
  ValueAtQuantiles Nested(Quantile Float64, Value Float64),
  Flags UInt32,
  Repairs LowCardinality(String),
  Block UInt64 CODEC(DoubleDelta, Default),
  INDEX idx_block Block TYPE minmax GRANULARITY 1,
  INDEX idx_time Timestamp TYPE minmax GRANULARITY 1
) ENGINE = MergeTree PARTITION BY toDate(Timestamp, 'UTC') ORDER BY (SeriesId, Timestamp) {ttl_metrics}
SETTINGS {merge_tree_settings};
