-- The store, first version. Times are µs since the Unix epoch, durations µs, money nano-dollars; NULL is unknown.

CREATE TABLE series (            -- combinations of the dimensions of calls
  id INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE,      -- the combination as bytes, for look-up
  lane INTEGER NOT NULL,         -- the lane its calls are rolled up in
  host_lane INTEGER,             -- the lane of its host, known or not
  provider TEXT, model TEXT, operation TEXT, app TEXT, environment TEXT, host TEXT, variant TEXT,
  outcome INTEGER NOT NULL       -- 0 ok, else the failure mode
) STRICT;

-- What is rolled up: combinations of all dimensions but the host, and of the host and the outcome alone. Together they
-- would be too many to sum anything up. Where there are too many all the same, the further ones share a lane.
CREATE TABLE lane (
  id INTEGER PRIMARY KEY,        -- from 65,536 on: lanes of hosts
  key BLOB NOT NULL,
  shared INTEGER NOT NULL,       -- 1: a lane of the further ones, whose dimensions are unknown
  provider TEXT, model TEXT, operation TEXT, app TEXT, environment TEXT, host TEXT, variant TEXT,
  outcome INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX lane_key ON lane (key, id >= 65536);

CREATE TABLE attrs (             -- combinations of rarely asked fields, as JSON
  id INTEGER PRIMARY KEY,
  json TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE source (            -- where lines were read, and their accounting
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  read INTEGER NOT NULL DEFAULT 0,
  accepted INTEGER NOT NULL DEFAULT 0,
  duplicate INTEGER NOT NULL DEFAULT 0,
  skipped INTEGER NOT NULL DEFAULT 0,
  rejected INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE checkpoint (        -- how far files are done
  dev INTEGER NOT NULL, ino INTEGER NOT NULL,
  source TEXT NOT NULL,
  fingerprint INTEGER NOT NULL, fingerprint_len INTEGER NOT NULL,
  offset INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
  tail_fingerprint INTEGER NOT NULL,
  unpacked INTEGER NOT NULL,     -- of compressed files
  PRIMARY KEY (dev, ino)
) STRICT, WITHOUT ROWID;

CREATE TABLE rejection (         -- broken lines by reason
  reason TEXT PRIMARY KEY,
  lines INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE line_example (      -- the first few lines of each reason, and the shape of a skipped one under `skipped`
  id INTEGER PRIMARY KEY,
  reason TEXT NOT NULL,
  source TEXT NOT NULL,
  offset INTEGER NOT NULL,
  snippet TEXT NOT NULL
) STRICT;

CREATE TABLE counter (           -- totals of the whole store: calls, spans, scores, future, unpriced, first_us, last_us
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE call (
  ts_us INTEGER NOT NULL,        -- when the call ended
  id INTEGER NOT NULL,           -- hash of its identity
  series INTEGER NOT NULL,
  source INTEGER NOT NULL,
  attrs ANY,                     -- number in `attrs`, or JSON where there are too many combinations
  text INTEGER,                  -- text_block × 4096 + slot
  facts BLOB NOT NULL,           -- measures and ids, packed; the view below has them by name
  PRIMARY KEY (ts_us, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE untimed (           -- events without a time, which got the time of reading: their identity alone counts
  kind INTEGER NOT NULL, id INTEGER NOT NULL,
  ts_us INTEGER NOT NULL,
  PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE template (          -- error messages with their variable parts masked
  id INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE error (             -- what a call said that failed, or that went well and said something
  ts_us INTEGER NOT NULL, id INTEGER NOT NULL,
  series INTEGER NOT NULL,
  template INTEGER NOT NULL,
  message TEXT NOT NULL,
  retry_after_us INTEGER,
  user_id TEXT, error_type TEXT, -- as the call has them: the newest errors are read without their calls
  PRIMARY KEY (ts_us, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE text_block (        -- compressed text of up to 4,096 calls
  id INTEGER PRIMARY KEY,
  last_us INTEGER NOT NULL,      -- time of the newest call in it, for retention
  data BLOB NOT NULL
) STRICT;

CREATE TABLE span (
  ts_us INTEGER NOT NULL, id INTEGER NOT NULL,
  source INTEGER NOT NULL,
  kind TEXT NOT NULL, name TEXT,
  trace_id TEXT, span_id TEXT, parent_id TEXT, user_id TEXT, session_id TEXT,
  latency_us INTEGER, ok INTEGER, error_message TEXT, attrs TEXT,
  PRIMARY KEY (ts_us, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE score (
  ts_us INTEGER NOT NULL, id INTEGER NOT NULL,
  source INTEGER NOT NULL,
  name TEXT NOT NULL, value REAL NOT NULL, judge TEXT,
  score_id TEXT, request_id TEXT, trace_id TEXT, user_id TEXT, comment TEXT,
  PRIMARY KEY (ts_us, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE rollup (            -- accumulators of up to 16 lanes of one bucket of time
  tier INTEGER NOT NULL,         -- 0 minute, 1 hour, 2 six hours, 3 day; the same + 4 for chunk 0, which is everything together
  bucket INTEGER NOT NULL,       -- ts_us / length of the tier
  chunk INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (tier, bucket, chunk)
) STRICT, WITHOUT ROWID;

CREATE TABLE member (            -- hourly totals of users and sessions, in sorted runs that are merged as they grow
  kind INTEGER NOT NULL,         -- 0 user, 1 session
  hour INTEGER NOT NULL,
  run INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (kind, hour, run)
) STRICT, WITHOUT ROWID;

-- The documented views.

CREATE VIEW calls AS
SELECT
  strftime('%Y-%m-%dT%H:%M:%fZ', c.ts_us / 1e6, 'unixepoch') AS timestamp, c.ts_us,
  call_id(c.facts, 'request_id') AS request_id,
  call_id(c.facts, 'trace_id') AS trace_id,
  call_id(c.facts, 'span_id') AS span_id,
  call_id(c.facts, 'parent_id') AS parent_id,
  call_id(c.facts, 'session_id') AS session_id,
  call_id(c.facts, 'user_id') AS user_id,
  s.provider, s.model, s.operation, s.app, s.environment, s.host, s.variant,
  iif(s.outcome = 0, 'ok', 'error') AS status,
  CASE s.outcome WHEN 1 THEN 'rate_limit' WHEN 2 THEN 'overloaded' WHEN 3 THEN 'server_error' WHEN 4 THEN 'timeout'
    WHEN 5 THEN 'connection' WHEN 6 THEN 'auth' WHEN 7 THEN 'invalid_request' WHEN 8 THEN 'context_length'
    WHEN 9 THEN 'content_filter' WHEN 10 THEN 'malformed_output' WHEN 11 THEN 'guardrail_blocked'
    WHEN 12 THEN 'budget_exceeded' WHEN 13 THEN 'cancelled' WHEN 14 THEN 'unknown' END AS error,
  call_measure(c.facts, 'input_tokens') AS input_tokens, call_measure(c.facts, 'output_tokens') AS output_tokens,
  call_measure(c.facts, 'cached_input_tokens') AS cached_input_tokens, call_measure(c.facts, 'cache_write_tokens') AS cache_write_tokens,
  call_measure(c.facts, 'cache_write_1h_tokens') AS cache_write_1h_tokens,
  call_measure(c.facts, 'reasoning_tokens') AS reasoning_tokens,
  call_measure(c.facts, 'latency_us') / 1e3 AS latency_ms, call_measure(c.facts, 'ttft_us') / 1e3 AS ttft_ms,
  call_measure(c.facts, 'queue_us') / 1e3 AS queue_ms, call_measure(c.facts, 'network_us') / 1e3 AS network_ms,
  call_measure(c.facts, 'input_audio_tokens') AS input_audio_tokens,
  call_measure(c.facts, 'output_audio_tokens') AS output_audio_tokens,
  call_measure(c.facts, 'cost_nusd') / 1e9 AS cost_usd, call_measure(c.facts, 'reported_cost_nusd') / 1e9 AS reported_cost_usd,
  call_measure(c.facts, 'cache_saved_nusd') / 1e9 AS cache_saved_usd, call_measure(c.facts, 'retries') AS retries,
  iif(typeof(c.attrs) = 'integer', a.json, c.attrs) AS attrs,
  src.name AS source
FROM call c JOIN series s ON s.id = c.series
LEFT JOIN attrs a ON typeof(c.attrs) = 'integer' AND a.id = c.attrs
LEFT JOIN source src ON src.id = c.source;

CREATE VIEW errors AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', e.ts_us / 1e6, 'unixepoch') AS timestamp, e.ts_us,
  s.provider, s.model,
  CASE s.outcome WHEN 1 THEN 'rate_limit' WHEN 2 THEN 'overloaded' WHEN 3 THEN 'server_error' WHEN 4 THEN 'timeout'
    WHEN 5 THEN 'connection' WHEN 6 THEN 'auth' WHEN 7 THEN 'invalid_request' WHEN 8 THEN 'context_length'
    WHEN 9 THEN 'content_filter' WHEN 10 THEN 'malformed_output' WHEN 11 THEN 'guardrail_blocked'
    WHEN 12 THEN 'budget_exceeded' WHEN 13 THEN 'cancelled' WHEN 14 THEN 'unknown' END AS error,
  e.error_type, e.message, t.text AS template, e.retry_after_us / 1e3 AS retry_after_ms, e.user_id
FROM error e JOIN series s ON s.id = e.series LEFT JOIN template t ON t.id = e.template
WHERE s.outcome <> 0;

CREATE VIEW spans AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', ts_us / 1e6, 'unixepoch') AS timestamp, ts_us, kind, name, trace_id, span_id, parent_id,
  user_id, session_id, latency_us / 1e3 AS latency_ms, CASE ok WHEN 1 THEN 'ok' WHEN 0 THEN 'error' END AS status,
  error_message, attrs
FROM span;

CREATE VIEW scores AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', ts_us / 1e6, 'unixepoch') AS timestamp, ts_us, name, value, judge AS source,
  request_id, trace_id, user_id, comment
FROM score;

CREATE VIEW sources AS
SELECT name, read, accepted, duplicate, skipped, rejected, bytes FROM source;
