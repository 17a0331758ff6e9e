-- The warehouse: staging holds what was loaded as it came, marts what people ask for.
CREATE SCHEMA IF NOT EXISTS staging;
CREATE SCHEMA IF NOT EXISTS marts;

CREATE TABLE IF NOT EXISTS staging.users (
    user_id BIGINT NOT NULL,
    email_digest VARCHAR NOT NULL,
    role VARCHAR NOT NULL,
    last_sign_in_at TIMESTAMP
);
COMMENT ON TABLE staging.users IS 'OnTrack''s users without names: the address only as a digest.';

CREATE TABLE IF NOT EXISTS staging.units (
    unit_id BIGINT NOT NULL,
    code VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    teaching_period VARCHAR NOT NULL,
    year INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS staging.tasks (
    task_id BIGINT NOT NULL,
    unit_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    task VARCHAR NOT NULL,
    weighting DECIMAL(5, 2) NOT NULL,
    target_grade SMALLINT NOT NULL,
    status VARCHAR NOT NULL,
    due_date DATE NOT NULL,
    completed_on DATE
);

CREATE TABLE IF NOT EXISTS staging.submissions (
    submission_id BIGINT NOT NULL,
    task_id BIGINT NOT NULL,
    submitted_at TIMESTAMP NOT NULL,
    outcome VARCHAR
);

CREATE TABLE IF NOT EXISTS staging.splashkit_calls (
    program_run_id BIGINT NOT NULL,
    installation_id BIGINT NOT NULL,
    language VARCHAR NOT NULL,
    started_at TIMESTAMP NOT NULL,
    function_name VARCHAR NOT NULL,
    calls INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS marts.student_progress (
    unit_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    code VARCHAR NOT NULL,
    teaching_period VARCHAR NOT NULL,
    tasks INTEGER NOT NULL,
    tasks_complete INTEGER NOT NULL,
    weight_complete DECIMAL(7, 2) NOT NULL,
    submissions INTEGER NOT NULL,
    last_submission_at TIMESTAMP,
    days_late INTEGER NOT NULL
);
COMMENT ON TABLE marts.student_progress IS 'How far each student is in each unit.';

CREATE TABLE IF NOT EXISTS marts.unit_overview (
    unit_id BIGINT NOT NULL,
    code VARCHAR NOT NULL,
    teaching_period VARCHAR NOT NULL,
    students INTEGER NOT NULL,
    share_complete DOUBLE NOT NULL,
    submissions_per_student DOUBLE NOT NULL
);
COMMENT ON TABLE marts.unit_overview IS 'One row a unit: how its students get on, without any student in it.';

CREATE TABLE IF NOT EXISTS marts.function_usage (
    function_name VARCHAR NOT NULL,
    language VARCHAR NOT NULL,
    installations INTEGER NOT NULL,
    calls BIGINT NOT NULL
);

CREATE OR REPLACE VIEW marts.units_behind AS
SELECT code, teaching_period, share_complete FROM marts.unit_overview WHERE share_complete < 0.5;
