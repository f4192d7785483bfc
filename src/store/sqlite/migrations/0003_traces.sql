-- Which ten minutes hold a trace or a request: a skip index, in sorted runs that are merged as they grow.

CREATE TABLE id_run (
  kind INTEGER NOT NULL,         -- 0 trace ids of calls and spans, 1 request ids of calls
  bucket INTEGER NOT NULL,       -- ts_us / ten minutes
  run INTEGER NOT NULL,
  data BLOB NOT NULL,            -- distinct 32-bit hashes in order, each as its distance from the one before
  PRIMARY KEY (kind, bucket, run)
) STRICT, WITHOUT ROWID;
