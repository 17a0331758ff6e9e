-- OnTrack's own database, in PostgreSQL: who studies what, what they hand in, and what is said about it.
CREATE SCHEMA reporting;

CREATE TYPE task_status AS ENUM (
    'not_started', 'working_on_it', 'ready_for_feedback', 'discuss', 'fix_and_resubmit', 'complete', 'fail'
);

CREATE TABLE users (
    id bigint PRIMARY KEY,
    student_number text UNIQUE,
    username text NOT NULL UNIQUE,
    first_name text NOT NULL,
    last_name text NOT NULL,
    preferred_name text,
    email text NOT NULL UNIQUE,
    date_of_birth date,
    phone text,
    role text NOT NULL CHECK (role IN ('student', 'tutor', 'convenor', 'admin')),
    receives_reminders boolean NOT NULL DEFAULT true,
    last_sign_in_at timestamptz,
    last_sign_in_from inet,
    created_at timestamptz NOT NULL
);
COMMENT ON TABLE users IS 'Everybody who signs in to OnTrack: students, tutors, convenors.';
COMMENT ON COLUMN users.student_number IS 'The number on the student card; empty for staff.';

CREATE TABLE teaching_periods (
    id bigint PRIMARY KEY,
    name text NOT NULL,
    year integer NOT NULL,
    start_date date NOT NULL,
    end_date date NOT NULL,
    UNIQUE (name, year),
    CHECK (end_date > start_date)
);

CREATE TABLE units (
    id bigint PRIMARY KEY,
    code text NOT NULL,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    teaching_period_id bigint NOT NULL REFERENCES teaching_periods,
    convenor_id bigint NOT NULL REFERENCES users,
    active boolean NOT NULL DEFAULT true,
    UNIQUE (code, teaching_period_id)
);
COMMENT ON TABLE units IS 'One offering of a unit in one teaching period.';

CREATE TABLE unit_roles (
    id bigint PRIMARY KEY,
    unit_id bigint NOT NULL REFERENCES units,
    user_id bigint NOT NULL REFERENCES users,
    role text NOT NULL CHECK (role IN ('tutor', 'convenor')),
    UNIQUE (unit_id, user_id)
);

CREATE TABLE task_definitions (
    id bigint PRIMARY KEY,
    unit_id bigint NOT NULL REFERENCES units,
    abbreviation text NOT NULL,
    name text NOT NULL,
    weighting numeric(5, 2) NOT NULL,
    target_grade smallint NOT NULL CHECK (target_grade BETWEEN 0 AND 3),
    due_date date NOT NULL,
    upload_requirements jsonb NOT NULL DEFAULT '[]',
    UNIQUE (unit_id, abbreviation)
);
COMMENT ON COLUMN task_definitions.target_grade IS '0 pass, 1 credit, 2 distinction, 3 high distinction.';

CREATE TABLE projects (
    id bigint PRIMARY KEY,
    unit_id bigint NOT NULL REFERENCES units,
    user_id bigint NOT NULL REFERENCES users,
    enrolled_on date NOT NULL,
    target_grade smallint NOT NULL CHECK (target_grade BETWEEN 0 AND 3),
    portfolio_submitted boolean NOT NULL DEFAULT false,
    UNIQUE (unit_id, user_id)
);
COMMENT ON TABLE projects IS 'A student in a unit: the enrolment, and the grade the student aims for.';

CREATE TABLE tasks (
    id bigint PRIMARY KEY,
    project_id bigint NOT NULL REFERENCES projects,
    task_definition_id bigint NOT NULL REFERENCES task_definitions,
    status task_status NOT NULL DEFAULT 'not_started',
    completed_on date,
    times_assessed smallint NOT NULL DEFAULT 0,
    UNIQUE (project_id, task_definition_id)
);

CREATE TABLE submissions (
    id bigint NOT NULL,
    task_id bigint NOT NULL REFERENCES tasks,
    submitted_at timestamptz NOT NULL,
    assessor_id bigint REFERENCES users,
    outcome task_status,
    pages smallint NOT NULL,
    PRIMARY KEY (id, submitted_at)
) PARTITION BY RANGE (submitted_at);
COMMENT ON TABLE submissions IS 'Each time a student handed a task in, kept by teaching period.';
CREATE TABLE submissions_2026_t1 PARTITION OF submissions FOR VALUES FROM ('2026-01-01') TO ('2026-07-01');
CREATE TABLE submissions_2026_t2 PARTITION OF submissions FOR VALUES FROM ('2026-07-01') TO ('2026-11-01');
CREATE TABLE submissions_2026_t3 PARTITION OF submissions FOR VALUES FROM ('2026-11-01') TO ('2027-03-01');

CREATE TABLE task_comments (
    id bigint PRIMARY KEY,
    task_id bigint NOT NULL REFERENCES tasks,
    author_id bigint NOT NULL REFERENCES users,
    body text NOT NULL,
    created_at timestamptz NOT NULL,
    reply_to_id bigint REFERENCES task_comments
);
COMMENT ON COLUMN task_comments.body IS 'Free text: students and tutors write what they like here, health and family included.';

CREATE VIEW reporting.current_enrolments AS
SELECT projects.id AS project_id, units.code, units.name AS unit_name, users.username, projects.target_grade
FROM projects
JOIN units ON units.id = projects.unit_id AND units.active
JOIN users ON users.id = projects.user_id;

CREATE MATERIALIZED VIEW reporting.unit_progress AS
SELECT units.id AS unit_id, units.code, count(*) AS tasks,
       count(*) FILTER (WHERE tasks.status = 'complete') AS tasks_complete
FROM tasks
JOIN projects ON projects.id = tasks.project_id
JOIN units ON units.id = projects.unit_id
GROUP BY units.id, units.code;
