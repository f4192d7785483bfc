-- What scores judge: found when they, or the calls they wait for, are written, so that reading joins nothing.

ALTER TABLE score ADD COLUMN found INTEGER NOT NULL DEFAULT 0;   -- 0 nothing yet, 1 its call, 2 calls of its trace
ALTER TABLE score ADD COLUMN call_ts_us INTEGER;                 -- of its call, as those below
ALTER TABLE score ADD COLUMN call_id INTEGER;
ALTER TABLE score ADD COLUMN series INTEGER;
ALTER TABLE score ADD COLUMN attrs ANY;                          -- as the call has them
ALTER TABLE score ADD COLUMN app TEXT;                           -- of its call, or what all calls of its trace that say so share; as those below
ALTER TABLE score ADD COLUMN environment TEXT;
ALTER TABLE score ADD COLUMN variant TEXT;
ALTER TABLE score ADD COLUMN experiment TEXT;
ALTER TABLE score ADD COLUMN call_user_id TEXT;
ALTER TABLE score ADD COLUMN call_session_id TEXT;
ALTER TABLE score ADD COLUMN mixed INTEGER NOT NULL DEFAULT 0;   -- which of these six the calls of its trace differ in, a bit each

CREATE TABLE score_target (      -- scores by what they judge: a call that comes later finds those that wait for it
  hash INTEGER NOT NULL,         -- of the request id or the trace id
  ts_us INTEGER NOT NULL, id INTEGER NOT NULL,
  PRIMARY KEY (hash, ts_us, id)
) STRICT, WITHOUT ROWID;

DROP VIEW scores;
CREATE VIEW scores AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', ts_us / 1e6, 'unixepoch') AS timestamp, ts_us, name, value, judge AS source,
  request_id, trace_id, coalesce(user_id, call_user_id) AS user_id, comment,
  CASE found WHEN 1 THEN 'call' WHEN 2 THEN 'trace' END AS judges, app, environment, variant, experiment,
  call_session_id AS session_id, s.provider, s.model, score_id
FROM score LEFT JOIN (SELECT id AS series_id, provider, model FROM series) s ON s.series_id = score.series;
