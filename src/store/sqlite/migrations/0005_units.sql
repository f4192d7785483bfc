-- What experiments are judged by: counters of each unit (user, session, or the call itself) of each variant, day by day.

CREATE TABLE experiment (        -- what was assigned to a variant as a whole, of those where that is not the user
  name TEXT PRIMARY KEY,
  unit INTEGER NOT NULL          -- 0 user, else session, else call; 1 session, else call; 2 call
) STRICT, WITHOUT ROWID;

CREATE TABLE arm (               -- variants of experiments
  id INTEGER PRIMARY KEY,
  experiment TEXT NOT NULL,
  variant TEXT NOT NULL,
  UNIQUE (experiment, variant)
) STRICT;

CREATE TABLE unit_score (        -- names of scores
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE unit_run (          -- counters of units, in runs sorted by the hash of the unit that are merged as they grow
  arm INTEGER NOT NULL,
  day INTEGER NOT NULL,          -- ts_us / 86,400,000,000
  run INTEGER NOT NULL,
  data BLOB NOT NULL,
  PRIMARY KEY (arm, day, run)
) STRICT, WITHOUT ROWID;
