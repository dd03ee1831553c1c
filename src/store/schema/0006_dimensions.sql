-- Schema version 6. Calls and durations of spans by further dimensions, that is by attributes which the configuration names
-- (span_metrics.dimensions): a JSON object of texts in its order, '' for none. docs/adr/004-span-metrics.md has the reasons.
-- Placeholders as in 0001_tables.sql.
ALTER TABLE {db}.span_metric_rollups
  ADD COLUMN IF NOT EXISTS Dimensions LowCardinality(String) AFTER Bucket,
  MODIFY ORDER BY (Block, Seconds, Entry, ServiceName, Time, SpanName, SpanKind, StatusCode, Bucket, Dimensions);

-- A block of edges of the service graph says from which blocks of spans it was made, where every span is kept
-- (store/graph_writer.h); only in rows that name a block, 0 elsewhere. docs/adr/008-service-graph.md has the reasons.
ALTER TABLE {db}.service_graph_edges
  ADD COLUMN IF NOT EXISTS MatchedAfter UInt64, ADD COLUMN IF NOT EXISTS MatchedTo UInt64,
  ADD COLUMN IF NOT EXISTS ExpiredAfter UInt64, ADD COLUMN IF NOT EXISTS ExpiredTo UInt64;
