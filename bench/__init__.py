"""Benchmarks: `bin/bench NAME [--json] [--check]` runs bench/NAME.py.

A benchmark is a module with a docstring, which says what is measured, and `def run() -> list[Figure]`. It is
called three times in a process with a fresh, migrated database on a real PostgreSQL with durability on; each
figure is the median of the three. `bench.harness` has what they share. DATABASE_URL is the schema's owner,
and EMBEDDED_POSTGRES_URL the superuser by host and port, for databases to crawl.
"""
