-- What is derived from the tables, made anew when it changes: the dictionary of attribute sets, and the views that have
-- the names, types and values of the OpenTelemetry Collector's ClickHouse exporter (then columns of our own).
-- Statements end in ";\n". {db} is the database; {hot_map} the hot attributes of a span as a Map(String, String), absent
-- ones left out; {hot_types} one letter for each of them. DEFINE name AS text makes {name} stand for the text, and
-- DEFINE name(x) AS text makes {name:argument} stand for it with {x} replaced (schema_text.h).

-- An id as lower-case hex, empty when zero.
DEFINE id(x) AS if(empty({x}), '', lower(hex({x})));

-- An attribute set by its id: as a map, its letters, its schema URL, its dropped count.
DEFINE set(x) AS CAST(dictGet('{db}.attribute_set_dict', ('Keys', 'Values'), tuple(CAST({x}, 'String'))), 'Map(LowCardinality(String), String)');
DEFINE types(x) AS dictGet('{db}.attribute_set_dict', 'Types', tuple(CAST({x}, 'String')));
DEFINE schema_url(x) AS dictGet('{db}.attribute_set_dict', 'SchemaUrl', tuple(CAST({x}, 'String')));
DEFINE dropped(x) AS dictGet('{db}.attribute_set_dict', 'DroppedAttributesCount', tuple(CAST({x}, 'String')));

-- A column that the exporter's log table computes from the resource.
DEFINE resource_attribute(key) AS CAST({set:l.ResourceId}['{key}'], 'LowCardinality(String)') AS `__otel_materialized_{key}`;

-- What the views of all kinds of metrics share. p: the points, m: their series.
DEFINE metric_front AS
  {set:m.ResourceId} AS ResourceAttributes, {schema_url:m.ResourceId} AS ResourceSchemaUrl,
  CAST(m.ScopeName, 'String') AS ScopeName, CAST(m.ScopeVersion, 'String') AS ScopeVersion, {set:m.ScopeId} AS ScopeAttributes,
  {dropped:m.ScopeId} AS ScopeDroppedAttrCount, {schema_url:m.ScopeId} AS ScopeSchemaUrl, m.ServiceName AS ServiceName,
  m.MetricName AS MetricName, m.Description AS MetricDescription, CAST(m.Unit, 'String') AS MetricUnit,
  m.Attributes AS Attributes, p.StartTimestamp AS StartTimeUnix, p.Timestamp AS TimeUnix;
DEFINE metric_exemplars AS
  p.`Exemplars.FilteredAttributes` AS `Exemplars.FilteredAttributes`, p.`Exemplars.Timestamp` AS `Exemplars.TimeUnix`,
  p.`Exemplars.Value` AS `Exemplars.Value`, arrayMap(id -> {id:id}, p.`Exemplars.SpanId`) AS `Exemplars.SpanId`,
  arrayMap(id -> {id:id}, p.`Exemplars.TraceId`) AS `Exemplars.TraceId`;
DEFINE metric_exemplars_back AS
  p.`Exemplars.AttributeTypes` AS `Exemplars.AttributeTypes`, p.`Exemplars.IsInt` AS `Exemplars.IsInt`;
DEFINE metric_back AS
  p.SeriesId AS SeriesId, m.AttributeTypes AS AttributeTypes, {types:m.ResourceId} AS ResourceAttributeTypes,
  m.Metadata AS MetricMetadata, p.Repairs AS Repairs;
DEFINE metric_integers AS p.IsInt AS IsInt, if(p.IsInt, toInt64(p.Value) + p.IntResidual, 0) AS IntValue;
DEFINE metric_has AS
  CAST(bitTest(p.Has, 0), 'Bool') AS HasSum, CAST(bitTest(p.Has, 1), 'Bool') AS HasMin, CAST(bitTest(p.Has, 2), 'Bool') AS HasMax;

CREATE OR REPLACE DICTIONARY {db}.attribute_set_dict (
  Id String, Keys Array(String), Values Array(String), Types String, SchemaUrl String, DroppedAttributesCount UInt32
) PRIMARY KEY Id
SOURCE(CLICKHOUSE(QUERY 'SELECT Id, Keys, Values, Types, SchemaUrl, DroppedAttributesCount FROM {db}.attribute_sets'
                  INVALIDATE_QUERY 'SELECT count(), max(Seen) FROM {db}.attribute_sets'))
LAYOUT(COMPLEX_KEY_HASHED()) LIFETIME(MIN 30 MAX 60);

CREATE OR REPLACE VIEW {db}.otel_traces AS SELECT
  s.Timestamp AS Timestamp,
  {id:s.TraceId} AS TraceId, {id:s.SpanId} AS SpanId, {id:s.ParentSpanId} AS ParentSpanId, s.TraceState AS TraceState,
  s.SpanName AS SpanName, s.SpanKind AS SpanKind, s.ServiceName AS ServiceName,
  {set:s.ResourceId} AS ResourceAttributes,
  CAST(s.ScopeName, 'String') AS ScopeName, CAST(s.ScopeVersion, 'String') AS ScopeVersion,
  CAST(mapConcat(CAST(s.SpanAttributes, 'Map(String, String)'), {hot_map}), 'Map(LowCardinality(String), String)') AS SpanAttributes,
  s.Duration AS Duration, s.StatusCode AS StatusCode, s.StatusMessage AS StatusMessage,
  s.`Events.Timestamp` AS `Events.Timestamp`, s.`Events.Name` AS `Events.Name`, s.`Events.Attributes` AS `Events.Attributes`,
  arrayMap(id -> {id:id}, s.`Links.TraceId`) AS `Links.TraceId`, arrayMap(id -> {id:id}, s.`Links.SpanId`) AS `Links.SpanId`,
  s.`Links.TraceState` AS `Links.TraceState`, s.`Links.Attributes` AS `Links.Attributes`,
  s.AdjustedCount AS AdjustedCount, s.SamplingPolicy AS SamplingPolicy, s.CriticalPathSelfTime AS CriticalPathSelfTime,
  concat(s.SpanAttributeTypes, {hot_types}) AS SpanAttributeTypes,
  {types:s.ResourceId} AS ResourceAttributeTypes, {schema_url:s.ResourceId} AS ResourceSchemaUrl,
  {set:s.ScopeId} AS ScopeAttributes, {schema_url:s.ScopeId} AS ScopeSchemaUrl,
  s.Flags AS Flags, s.DroppedAttributesCount AS DroppedAttributesCount, s.DroppedEventsCount AS DroppedEventsCount,
  s.DroppedLinksCount AS DroppedLinksCount,
  s.`Events.AttributeTypes` AS `Events.AttributeTypes`, s.`Events.DroppedAttributesCount` AS `Events.DroppedAttributesCount`,
  s.`Links.AttributeTypes` AS `Links.AttributeTypes`, s.`Links.DroppedAttributesCount` AS `Links.DroppedAttributesCount`,
  s.`Links.Flags` AS `Links.Flags`,
  s.Repairs AS Repairs
FROM {db}.spans AS s;

CREATE OR REPLACE VIEW {db}.otel_traces_trace_id_ts AS SELECT
  {id:s.TraceId} AS TraceId, toDateTime(min(s.Timestamp)) AS Start, toDateTime(max(s.Timestamp)) AS End
FROM {db}.spans AS s GROUP BY s.TraceId;

CREATE OR REPLACE VIEW {db}.otel_logs AS SELECT
  l.Timestamp AS Timestamp, {id:l.TraceId} AS TraceId, {id:l.SpanId} AS SpanId, toUInt8(bitAnd(l.Flags, 255)) AS TraceFlags,
  l.SeverityText AS SeverityText, l.SeverityNumber AS SeverityNumber, l.ServiceName AS ServiceName, l.Body AS Body,
  CAST({schema_url:l.ResourceId}, 'LowCardinality(String)') AS ResourceSchemaUrl, {set:l.ResourceId} AS ResourceAttributes,
  CAST({schema_url:l.ScopeId}, 'LowCardinality(String)') AS ScopeSchemaUrl, CAST(l.ScopeName, 'String') AS ScopeName,
  l.ScopeVersion AS ScopeVersion, {set:l.ScopeId} AS ScopeAttributes, l.LogAttributes AS LogAttributes,
  CAST(l.EventName, 'String') AS EventName,
  {resource_attribute:k8s.cluster.name}, {resource_attribute:k8s.container.name}, {resource_attribute:k8s.deployment.name},
  {resource_attribute:k8s.namespace.name}, {resource_attribute:k8s.node.name}, {resource_attribute:k8s.pod.name},
  {resource_attribute:k8s.pod.uid}, {resource_attribute:deployment.environment.name},
  l.TimeUnixNano AS TimeUnixNano, l.ObservedTimestamp AS ObservedTimestamp, l.BodyType AS BodyType,
  l.LogAttributeTypes AS LogAttributeTypes, {types:l.ResourceId} AS ResourceAttributeTypes,
  l.DroppedAttributesCount AS DroppedAttributesCount, l.Flags AS Flags, l.Repairs AS Repairs
FROM {db}.logs AS l;

-- Calls and durations of spans as metrics, with the names and labels of the Collector's spanmetrics connector: a point a minute of each
-- series, delta, at the minute's end. Made of span_metric_rollups when they are read; columns as those of metric_series, metric_points
-- and metric_histograms. Bounds of durations are every second one of the rollups' buckets, 2^(1/4) apart, from 2^17 to 2^35 ns, so that
-- counts are exact. r: rows of the rollups, with SpanName, SpanKind and StatusCode empty where series were too many; without services
-- of which somebody else sends metrics of these names (a Collector, a gateway): they would be there twice.
DEFINE span_rows(seconds) AS (
  SELECT r.Time AS Time, r.ServiceName AS ServiceName, r.Dimensions AS Dimensions, r.Bucket AS Bucket, r.Calls AS Calls,
    r.DurationSum AS DurationSum, r.DurationMax AS DurationMax, JSONHas(CAST(r.Dimensions, 'String'), 'otel.metric.overflow') AS IsOverflow,
    if(IsOverflow, '', CAST(r.SpanName, 'String')) AS SpanName, if(IsOverflow, '', CAST(r.SpanKind, 'String')) AS SpanKind,
    if(IsOverflow, '', CAST(r.StatusCode, 'String')) AS StatusCode
  FROM {db}.span_metric_rollups AS r WHERE r.Block = 0 AND r.Seconds = {seconds}
    AND r.ServiceName NOT IN (SELECT ServiceName FROM {db}.metric_series WHERE MetricName = 'traces.span.metrics.calls'));
DEFINE span_series(name) AS cityHash64({name}, CAST(r.ServiceName, 'String'), r.SpanName, r.SpanKind, r.StatusCode, CAST(r.Dimensions, 'String'));
DEFINE span_attributes AS CAST(if(r.IsOverflow, map('otel.metric.overflow', 'true'), mapConcat(
  map('service.name', CAST(r.ServiceName, 'String'), 'span.name', r.SpanName,
      'span.kind', concat('SPAN_KIND_', upper(r.SpanKind)), 'status.code', concat('STATUS_CODE_', upper(r.StatusCode))),
  CAST(JSONExtractKeysAndValues(CAST(r.Dimensions, 'String'), 'String'), 'Map(String, String)'))), 'Map(LowCardinality(String), String)');
DEFINE span_attribute_types AS if(r.IsOverflow, 'b', repeat('s', 4 + length(JSONExtractKeys(CAST(r.Dimensions, 'String')))));
DEFINE span_point AS
  toDateTime64(r.Time + 60, 9) AS Timestamp, toDateTime64(r.Time, 9) AS StartTimestamp, r.ServiceName AS ServiceName,
  {span_attributes} AS Attributes, {span_attribute_types} AS AttributeTypes, toUInt32(0) AS Flags;
DEFINE span_groups AS GROUP BY r.Time, r.ServiceName, r.SpanName, r.SpanKind, r.StatusCode, r.Dimensions, r.IsOverflow;

CREATE OR REPLACE VIEW {db}.span_metric_series AS SELECT
  arrayJoin(['traces.span.metrics.calls', 'traces.span.metrics.duration']) AS Metric,
  {span_series:Metric} AS SeriesId, r.Time AS Seen, CAST(Metric, 'LowCardinality(String)') AS MetricName,
  CAST(if(Metric = 'traces.span.metrics.calls', 'sum', 'histogram'), 'LowCardinality(String)') AS MetricType,
  if(Metric = 'traces.span.metrics.calls', 'Spans before sampling.', 'Durations of spans before sampling.') AS Description,
  CAST(if(Metric = 'traces.span.metrics.calls', concat(char(123), 'call', char(125)), 'ms'), 'LowCardinality(String)') AS Unit,
  toInt32(1) AS AggregationTemporality, CAST(Metric = 'traces.span.metrics.calls', 'Bool') AS IsMonotonic,
  r.ServiceName AS ServiceName, '' AS ResourceId, {span_attributes} AS Attributes, {span_attribute_types} AS AttributeTypes,
  CAST('', 'LowCardinality(String)') AS LimitedBy
FROM {span_rows:3600} AS r;

CREATE OR REPLACE VIEW {db}.span_metric_points AS SELECT
  {span_series:'traces.span.metrics.calls'} AS SeriesId, {span_point}, sum(r.Calls) AS Value
FROM {span_rows:60} AS r {span_groups};

CREATE OR REPLACE VIEW {db}.span_metric_histograms AS SELECT
  {span_series:'traces.span.metrics.duration'} AS SeriesId, {span_point},
  sumMap([if(r.Bucket < 136, 0, least(intDiv(r.Bucket - 136, 2) + 1, 73))], [r.Calls]) AS Places,
  arrayMap(i -> toUInt64(round(Places.2[indexOf(Places.1, i)])), range(74)) AS BucketCounts,
  arrayMap(i -> exp2(17 + i / 4) / 1e6, range(73)) AS ExplicitBounds,
  arraySum(BucketCounts) AS Count, sum(r.DurationSum) / 1e6 AS Sum, toFloat64(0) AS Min, max(r.DurationMax) / 1e6 AS Max, toUInt8(5) AS Has
FROM {span_rows:60} AS r {span_groups};

-- The same columns as metric_front and so on, for points of these views (p).
DEFINE span_metric_front(name) AS
  CAST(map('service.name', CAST(p.ServiceName, 'String')), 'Map(LowCardinality(String), String)') AS ResourceAttributes, '' AS ResourceSchemaUrl,
  '' AS ScopeName, '' AS ScopeVersion, CAST(map(), 'Map(LowCardinality(String), String)') AS ScopeAttributes,
  toUInt32(0) AS ScopeDroppedAttrCount, '' AS ScopeSchemaUrl, p.ServiceName AS ServiceName,
  CAST('traces.span.metrics.{name}', 'LowCardinality(String)') AS MetricName, 'Spans before sampling.' AS MetricDescription;
DEFINE span_metric_times AS p.Attributes AS Attributes, p.StartTimestamp AS StartTimeUnix, p.Timestamp AS TimeUnix;
DEFINE no_exemplars AS
  CAST([], 'Array(Map(LowCardinality(String), String))') AS `Exemplars.FilteredAttributes`, CAST([], 'Array(DateTime64(9))') AS `Exemplars.TimeUnix`,
  CAST([], 'Array(Float64)') AS `Exemplars.Value`, CAST([], 'Array(String)') AS `Exemplars.SpanId`, CAST([], 'Array(String)') AS `Exemplars.TraceId`;
DEFINE no_exemplars_back AS
  CAST([], 'Array(LowCardinality(String))') AS `Exemplars.AttributeTypes`, CAST([], 'Array(Bool)') AS `Exemplars.IsInt`;
DEFINE span_metric_back AS
  p.SeriesId AS SeriesId, CAST(p.AttributeTypes, 'LowCardinality(String)') AS AttributeTypes, 's' AS ResourceAttributeTypes, '' AS MetricMetadata,
  CAST('', 'LowCardinality(String)') AS Repairs;

CREATE OR REPLACE VIEW {db}.otel_metrics_gauge AS SELECT
  {metric_front},
  p.Value AS Value, p.Flags AS Flags, {metric_exemplars},
  {metric_back}, {metric_integers}, {metric_exemplars_back}
FROM {db}.metric_points AS p INNER JOIN (SELECT * FROM {db}.metric_series FINAL WHERE MetricType = 'gauge') AS m ON p.SeriesId = m.SeriesId;

CREATE OR REPLACE VIEW {db}.otel_metrics_sum AS SELECT
  {metric_front},
  p.Value AS Value, p.Flags AS Flags, {metric_exemplars},
  m.AggregationTemporality AS AggregationTemporality, m.IsMonotonic AS IsMonotonic,
  {metric_back}, {metric_integers}, {metric_exemplars_back}
FROM {db}.metric_points AS p INNER JOIN (SELECT * FROM {db}.metric_series FINAL WHERE MetricType = 'sum') AS m ON p.SeriesId = m.SeriesId
UNION ALL SELECT
  {span_metric_front:calls}, concat(char(123), 'call', char(125)) AS MetricUnit, {span_metric_times},
  p.Value AS Value, p.Flags AS Flags, {no_exemplars},
  toInt32(1) AS AggregationTemporality, CAST(true, 'Bool') AS IsMonotonic,
  {span_metric_back}, CAST(false, 'Bool') AS IsInt, toInt64(0) AS IntValue, {no_exemplars_back}
FROM {db}.span_metric_points AS p;

CREATE OR REPLACE VIEW {db}.otel_metrics_histogram AS SELECT
  {metric_front},
  p.Count AS Count, p.Sum AS Sum, p.BucketCounts AS BucketCounts, p.ExplicitBounds AS ExplicitBounds, {metric_exemplars},
  p.Flags AS Flags, p.Min AS Min, p.Max AS Max, m.AggregationTemporality AS AggregationTemporality,
  {metric_back}, {metric_has}, {metric_exemplars_back}
FROM {db}.metric_histograms AS p INNER JOIN (SELECT * FROM {db}.metric_series FINAL WHERE MetricType = 'histogram') AS m ON p.SeriesId = m.SeriesId
UNION ALL SELECT
  {span_metric_front:duration}, 'ms' AS MetricUnit, {span_metric_times},
  p.Count AS Count, p.Sum AS Sum, p.BucketCounts AS BucketCounts, p.ExplicitBounds AS ExplicitBounds, {no_exemplars},
  p.Flags AS Flags, p.Min AS Min, p.Max AS Max, toInt32(1) AS AggregationTemporality,
  {span_metric_back}, {metric_has}, {no_exemplars_back}
FROM {db}.span_metric_histograms AS p;

CREATE OR REPLACE VIEW {db}.otel_metrics_exponential_histogram AS SELECT
  {metric_front},
  p.Count AS Count, p.Sum AS Sum, p.Scale AS Scale, p.ZeroCount AS ZeroCount,
  p.PositiveOffset AS PositiveOffset, p.PositiveBucketCounts AS PositiveBucketCounts,
  p.NegativeOffset AS NegativeOffset, p.NegativeBucketCounts AS NegativeBucketCounts, {metric_exemplars},
  p.Flags AS Flags, p.Min AS Min, p.Max AS Max, m.AggregationTemporality AS AggregationTemporality,
  {metric_back}, {metric_has}, p.ZeroThreshold AS ZeroThreshold, {metric_exemplars_back}
FROM {db}.metric_exponential_histograms AS p INNER JOIN (SELECT * FROM {db}.metric_series FINAL WHERE MetricType = 'exponential_histogram') AS m ON p.SeriesId = m.SeriesId;

CREATE OR REPLACE VIEW {db}.otel_metrics_summary AS SELECT
  {metric_front},
  p.Count AS Count, p.Sum AS Sum, p.`ValueAtQuantiles.Quantile` AS `ValueAtQuantiles.Quantile`,
  p.`ValueAtQuantiles.Value` AS `ValueAtQuantiles.Value`, p.Flags AS Flags,
  {metric_back}
FROM {db}.metric_summaries AS p INNER JOIN (SELECT * FROM {db}.metric_series FINAL WHERE MetricType = 'summary') AS m ON p.SeriesId = m.SeriesId;

-- Calls and durations of spans by minute. Not all rows of a key are one row yet: sum() them.
CREATE OR REPLACE VIEW {db}.span_metrics AS SELECT
  m.ServiceName AS ServiceName, m.Time AS Minute, m.SpanName AS SpanName, m.SpanKind AS SpanKind, m.StatusCode AS StatusCode,
  m.Entry AS Entry, m.Bucket AS Bucket,
  CAST(JSONExtractKeysAndValues(CAST(m.Dimensions, 'String'), 'String'), 'Map(LowCardinality(String), String)') AS Dimensions, CAST(m.Calls, 'Float64') AS Calls, CAST(m.DurationSum, 'Float64') AS DurationSum,
  CAST(m.DurationMax, 'UInt64') AS DurationMax, CAST(m.LastSeen, 'DateTime') AS LastSeen
FROM {db}.span_metric_rollups AS m WHERE m.Block = 0 AND m.Seconds = 60;

-- Calls between services by minute. Not all rows of a key are one row yet: sum() them.
CREATE OR REPLACE VIEW {db}.service_graph AS SELECT
  g.Time AS Time, g.Client AS Client, g.Server AS Server, g.ConnectionType AS ConnectionType, g.Failed AS Failed,
  g.ClientSide AS ClientSide, g.Bucket AS Bucket, CAST(g.Calls, 'Float64') AS Calls, CAST(g.Spans, 'Float64') AS Spans,
  CAST(g.DurationSum, 'Float64') AS DurationSum, CAST(g.DurationMax, 'UInt64') AS DurationMax
FROM {db}.service_graph_edges AS g WHERE g.Block = 0 AND g.Seconds = 60;

-- Stored spans by minute. Not all rows of a key are one row yet: sum() them, uniqCombinedMerge(14)(Traces).
CREATE OR REPLACE VIEW {db}.kept_spans AS SELECT
  k.Time AS Minute, k.ServiceName AS ServiceName, k.SamplingPolicy AS SamplingPolicy, CAST(k.Spans, 'UInt64') AS Spans,
  CAST(k.Bytes, 'UInt64') AS Bytes, CAST(k.StandFor, 'Float64') AS StandFor, k.Traces AS Traces
FROM {db}.kept_span_rollups AS k WHERE k.Block = 0 AND k.Seconds = 60;

-- What models predicted, before any sampling.
CREATE OR REPLACE VIEW {db}.sightline_predictions AS SELECT
  p.Timestamp AS Timestamp, {id:p.TraceId} AS TraceId, {id:p.SpanId} AS SpanId, p.ServiceName AS ServiceName, p.SpanName AS SpanName,
  p.StatusCode AS StatusCode, p.Duration AS Duration, p.Model AS Model, p.Version AS Version, p.PredictionId AS PredictionId,
  p.Score AS Score, p.Confidence AS Confidence, p.Rank AS Rank, p.Features AS Features, p.FeatureTypes AS FeatureTypes,
  p.AdjustedCount AS AdjustedCount
FROM {db}.predictions AS p;
