-- What gateways know of providers' limits: of each upstream, key and model the newest.

CREATE TABLE headroom (
  upstream TEXT NOT NULL, key TEXT NOT NULL, model TEXT NOT NULL,
  ts_us INTEGER NOT NULL,        -- when that was so
  json TEXT NOT NULL,            -- the fields of the event
  PRIMARY KEY (upstream, key, model)
) STRICT, WITHOUT ROWID;
