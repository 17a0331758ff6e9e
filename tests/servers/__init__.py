"""Real servers for the tests: an embedded PostgreSQL and Valkey, MariaDB, and Chromium."""
