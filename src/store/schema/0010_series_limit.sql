-- Schema version 10: series that stand for those of a metric that were too many (limits.metric_series_max), with the attribute that made
-- them: "point.KEY", "resource.KEY" or "unknown"; '' in all others. Series expire from now on; the time is set at each start.
ALTER TABLE {db}.metric_series ADD COLUMN IF NOT EXISTS LimitedBy LowCardinality(String);
ALTER TABLE {db}.metric_series MODIFY SETTING materialize_ttl_recalculate_only = 1, merge_with_ttl_timeout = 3600;
