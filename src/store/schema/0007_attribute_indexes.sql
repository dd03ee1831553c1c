-- Schema version 7: which granules hold an attribute or one of its values, and which hot attributes some map holds, so that
-- a question need not read every map (docs/adr/013-attribute-indexes.md). Parts of earlier versions get the indexes when they are
-- next merged. A value in an array is in no index: such granules are marked by "[". Placeholders as in 0001_tables.sql.
ALTER TABLE {db}.spans
  ADD INDEX IF NOT EXISTS idx_attribute_keys mapKeys(SpanAttributes) TYPE bloom_filter(0.001) GRANULARITY 1,
  ADD INDEX IF NOT EXISTS idx_attribute_values arrayPushBack(mapValues(SpanAttributes), if(position(SpanAttributeTypes, 'a') > 0, '[', ''))
    TYPE bloom_filter(0.01) GRANULARITY 1;

ALTER TABLE {db}.logs
  ADD INDEX IF NOT EXISTS idx_attribute_keys mapKeys(LogAttributes) TYPE bloom_filter(0.001) GRANULARITY 1,
  ADD INDEX IF NOT EXISTS idx_attribute_values arrayPushBack(mapValues(LogAttributes), if(position(LogAttributeTypes, 'a') > 0, '[', ''))
    TYPE bloom_filter(0.01) GRANULARITY 1;

-- Days (of the spans' times) on which an attribute that has a column is in the map of some span as well: its value is of another type
-- or empty. '*' stands for all: they were not watched. Written before the spans themselves.
CREATE TABLE IF NOT EXISTS {db}.hot_keys_in_maps (
  Key LowCardinality(String), FirstDay Int32, LastDay Int32     -- days since 1970-01-01, UTC; both belong to it
) ENGINE = ReplacingMergeTree ORDER BY (Key, FirstDay, LastDay);

INSERT INTO {db}.hot_keys_in_maps SELECT '*', toInt32(toDate(min(Timestamp), 'UTC')), toInt32(toDate(max(Timestamp), 'UTC'))
FROM {db}.spans HAVING count() > 0;
