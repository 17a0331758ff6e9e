-- What SplashKit's first telemetry collector writes: no names, only installations and what they call.
CREATE TABLE installations (
    id INTEGER PRIMARY KEY,
    anonymous_id TEXT NOT NULL UNIQUE,
    operating_system TEXT NOT NULL,
    version TEXT NOT NULL,
    country TEXT,
    first_seen DATE NOT NULL
);
CREATE TABLE program_runs (
    id INTEGER PRIMARY KEY,
    installation_id INTEGER NOT NULL REFERENCES installations,
    language TEXT NOT NULL,
    started_at TIMESTAMP NOT NULL,
    seconds REAL NOT NULL
);
CREATE TABLE function_calls (
    program_run_id INTEGER NOT NULL REFERENCES program_runs,
    function_name TEXT NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (program_run_id, function_name)
) WITHOUT ROWID;
CREATE VIEW weekly_installations AS
SELECT strftime('%Y-%W', started_at) AS week, count(DISTINCT installation_id) AS installations
FROM program_runs GROUP BY 1;
