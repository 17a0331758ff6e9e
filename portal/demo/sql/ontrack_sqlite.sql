-- The same data for a catalog whose PostgreSQL must be left alone: an SQLite file, without the types that only PostgreSQL has.
CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    student_number TEXT UNIQUE,
    username TEXT NOT NULL UNIQUE,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    preferred_name TEXT,
    email TEXT NOT NULL UNIQUE,
    date_of_birth DATE,
    phone TEXT,
    role TEXT NOT NULL CHECK (role IN ('student', 'tutor', 'convenor', 'admin')),
    receives_reminders BOOLEAN NOT NULL DEFAULT 1,
    last_sign_in_at TIMESTAMP,
    last_sign_in_from TEXT,
    created_at TIMESTAMP NOT NULL
);
CREATE TABLE teaching_periods (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    year INTEGER NOT NULL,
    start_date DATE NOT NULL,
    end_date DATE NOT NULL,
    UNIQUE (name, year)
);
CREATE TABLE units (
    id INTEGER PRIMARY KEY,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    teaching_period_id INTEGER NOT NULL REFERENCES teaching_periods,
    convenor_id INTEGER NOT NULL REFERENCES users,
    active BOOLEAN NOT NULL DEFAULT 1,
    UNIQUE (code, teaching_period_id)
);
CREATE TABLE unit_roles (
    id INTEGER PRIMARY KEY,
    unit_id INTEGER NOT NULL REFERENCES units,
    user_id INTEGER NOT NULL REFERENCES users,
    role TEXT NOT NULL CHECK (role IN ('tutor', 'convenor')),
    UNIQUE (unit_id, user_id)
);
CREATE TABLE task_definitions (
    id INTEGER PRIMARY KEY,
    unit_id INTEGER NOT NULL REFERENCES units,
    abbreviation TEXT NOT NULL,
    name TEXT NOT NULL,
    weighting NUMERIC NOT NULL,
    target_grade INTEGER NOT NULL,
    due_date DATE NOT NULL,
    upload_requirements TEXT NOT NULL DEFAULT '[]',
    UNIQUE (unit_id, abbreviation)
);
CREATE TABLE projects (
    id INTEGER PRIMARY KEY,
    unit_id INTEGER NOT NULL REFERENCES units,
    user_id INTEGER NOT NULL REFERENCES users,
    enrolled_on DATE NOT NULL,
    target_grade INTEGER NOT NULL,
    portfolio_submitted BOOLEAN NOT NULL DEFAULT 0,
    UNIQUE (unit_id, user_id)
);
CREATE TABLE tasks (
    id INTEGER PRIMARY KEY,
    project_id INTEGER NOT NULL REFERENCES projects,
    task_definition_id INTEGER NOT NULL REFERENCES task_definitions,
    status TEXT NOT NULL DEFAULT 'not_started',
    completed_on DATE,
    times_assessed INTEGER NOT NULL DEFAULT 0,
    UNIQUE (project_id, task_definition_id)
);
CREATE TABLE submissions (
    id INTEGER PRIMARY KEY,
    task_id INTEGER NOT NULL REFERENCES tasks,
    submitted_at TIMESTAMP NOT NULL,
    assessor_id INTEGER REFERENCES users,
    outcome TEXT,
    pages INTEGER NOT NULL
);
CREATE TABLE task_comments (
    id INTEGER PRIMARY KEY,
    task_id INTEGER NOT NULL REFERENCES tasks,
    author_id INTEGER NOT NULL REFERENCES users,
    body TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    reply_to_id INTEGER REFERENCES task_comments
);
CREATE VIEW current_enrolments AS
SELECT projects.id AS project_id, units.code, units.name AS unit_name, users.username, projects.target_grade
FROM projects
JOIN units ON units.id = projects.unit_id AND units.active
JOIN users ON users.id = projects.user_id;
