-- Schema version 9: times and values of metric points by their differences and always with ZSTD, in fresh parts too.
-- Ids of series begin with 16 bits of their resource from now on. docs/adr/016-metric-points.md has the figures. Parts that are there keep their codecs until they are merged.

ALTER TABLE {db}.metric_points
  MODIFY COLUMN Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
  MODIFY COLUMN StartTimestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)),
  MODIFY COLUMN Value Float64 CODEC(Delta(8), ZSTD(1));

ALTER TABLE {db}.metric_histograms
  MODIFY COLUMN Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)), MODIFY COLUMN StartTimestamp DateTime64(9) CODEC(Delta(8), ZSTD(1));

ALTER TABLE {db}.metric_exponential_histograms
  MODIFY COLUMN Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)), MODIFY COLUMN StartTimestamp DateTime64(9) CODEC(Delta(8), ZSTD(1));

ALTER TABLE {db}.metric_summaries
  MODIFY COLUMN Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)), MODIFY COLUMN StartTimestamp DateTime64(9) CODEC(Delta(8), ZSTD(1));
