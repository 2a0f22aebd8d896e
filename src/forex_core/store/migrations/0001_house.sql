-- what was known: a revision is another row
CREATE TABLE observations (
    series      TEXT NOT NULL,
    source      TEXT NOT NULL,
    observed_on TEXT NOT NULL,
    known_at    TEXT NOT NULL,
    fetched_at  TEXT NOT NULL,
    value       REAL,  -- NULL is a value that was no number; the gate judges it on reading
    PRIMARY KEY (series, source, observed_on, known_at)
) WITHOUT ROWID;

CREATE TABLE versions (
    version_id TEXT PRIMARY KEY,
    pair       TEXT NOT NULL,
    horizon    TEXT NOT NULL,
    hash       TEXT NOT NULL,
    created_at TEXT NOT NULL,
    config     TEXT NOT NULL,
    UNIQUE (pair, horizon, hash)
);

CREATE TABLE champions (
    pair       TEXT NOT NULL,
    horizon    TEXT NOT NULL,
    version_id TEXT NOT NULL REFERENCES versions,
    since      TEXT NOT NULL,
    previous   TEXT REFERENCES versions,
    PRIMARY KEY (pair, horizon)
);

-- what was forecast: one row is one acknowledged promise
CREATE TABLE forecasts (
    forecast_id TEXT PRIMARY KEY,
    pair        TEXT NOT NULL,
    horizon     TEXT NOT NULL,
    issued_on   TEXT NOT NULL,
    role        TEXT NOT NULL CHECK (role IN ('champion', 'challenger', 'replay', 'demo')),
    target_date TEXT NOT NULL,
    created_at  TEXT NOT NULL,
    version_id  TEXT NOT NULL REFERENCES versions,
    body        TEXT NOT NULL,
    UNIQUE (pair, horizon, issued_on, role)
);
CREATE TRIGGER forecasts_never_change BEFORE UPDATE ON forecasts
BEGIN SELECT RAISE(ABORT, 'an issued forecast never changes; withdraw it by an event'); END;
CREATE TRIGGER forecasts_never_go BEFORE DELETE ON forecasts
BEGIN SELECT RAISE(ABORT, 'an issued forecast is never deleted; withdraw it by an event'); END;

-- what has been done for a frozen forecast; the steps that are missing are done by the next run
CREATE TABLE steps (
    forecast_id TEXT NOT NULL REFERENCES forecasts,
    step        TEXT NOT NULL,
    done_at     TEXT NOT NULL,
    ref         TEXT,
    PRIMARY KEY (forecast_id, step)
) WITHOUT ROWID;

-- what came true; final once the outcome is ten days old
CREATE TABLE scores (
    forecast_id TEXT PRIMARY KEY REFERENCES forecasts,
    final       INTEGER NOT NULL,
    body        TEXT NOT NULL
);
CREATE TRIGGER final_scores_never_change BEFORE UPDATE ON scores WHEN OLD.final
BEGIN SELECT RAISE(ABORT, 'a final score never changes'); END;
CREATE TRIGGER scores_never_go BEFORE DELETE ON scores
BEGIN SELECT RAISE(ABORT, 'a score is never deleted'); END;

-- what a member would have said at an origin: a fit that need not be made again
CREATE TABLE windows (
    key    TEXT PRIMARY KEY,
    pair   TEXT NOT NULL,
    origin TEXT NOT NULL,
    member TEXT NOT NULL,
    path   BLOB NOT NULL  -- float64, little endian, [steps][levels]
);

-- what happened
CREATE TABLE events (
    id      INTEGER PRIMARY KEY,
    at      TEXT NOT NULL,
    kind    TEXT NOT NULL,
    attempt TEXT,
    pair    TEXT,
    horizon TEXT,
    detail  TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX events_of_attempt ON events (attempt);
CREATE TRIGGER events_never_change BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_never_go BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;

-- what forex.db knows of its sister: that mlflow.db was made, so that its absence is a loss
CREATE TABLE facts (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
