-- `error` also holds what calls that went well said (a warning, a wait): the view is of those that failed alone.

DROP VIEW errors;

CREATE VIEW errors AS
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', e.ts_us / 1e6, 'unixepoch') AS timestamp, e.ts_us,
  s.provider, s.model,
  CASE s.outcome WHEN 1 THEN 'rate_limit' WHEN 2 THEN 'overloaded' WHEN 3 THEN 'server_error' WHEN 4 THEN 'timeout'
    WHEN 5 THEN 'connection' WHEN 6 THEN 'auth' WHEN 7 THEN 'invalid_request' WHEN 8 THEN 'context_length'
    WHEN 9 THEN 'content_filter' WHEN 10 THEN 'malformed_output' WHEN 11 THEN 'guardrail_blocked'
    WHEN 12 THEN 'budget_exceeded' WHEN 13 THEN 'cancelled' WHEN 14 THEN 'unknown' END AS error,
  e.message, t.text AS template, e.retry_after_us / 1e3 AS retry_after_ms
FROM error e JOIN series s ON s.id = e.series LEFT JOIN template t ON t.id = e.template
WHERE s.outcome <> 0;
