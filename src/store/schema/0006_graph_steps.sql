-- Schema version 6: a block of edges of the service graph says from which blocks of spans it was made, where every span is kept
-- (store/graph_writer.h); only in rows that name a block, 0 elsewhere. docs/adr/008-service-graph.md has the reasons.
ALTER TABLE {db}.service_graph_edges
  ADD COLUMN IF NOT EXISTS MatchedAfter UInt64, ADD COLUMN IF NOT EXISTS MatchedTo UInt64,
  ADD COLUMN IF NOT EXISTS ExpiredAfter UInt64, ADD COLUMN IF NOT EXISTS ExpiredTo UInt64;
