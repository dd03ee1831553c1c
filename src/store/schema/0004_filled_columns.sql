-- Schema version 4: a span's row says which of its columns that are mostly empty hold something, so that reading a whole trace
-- need not ask for the others (otlp/filled_columns.h). Names, one a line; '?' where it is not known. Placeholders as in 0001_tables.sql.
ALTER TABLE {db}.spans ADD COLUMN IF NOT EXISTS FilledColumns LowCardinality(String) DEFAULT '?';
