-- Schema version 3: an index for texts in the bodies of log records. docs/adr/005-log-text.md says why it looks like this.
-- Parts of earlier versions get it when they are merged; until then searches read them.

ALTER TABLE {db}.logs ADD INDEX IF NOT EXISTS idx_body lower(Body) TYPE ngrambf_v1(5, 16384, 1, 0) GRANULARITY 1;
