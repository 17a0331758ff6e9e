"""bin/bench: run a benchmark of bench/ with servers of its own, durability on."""

import argparse
import os
import subprocess
import sys

import psycopg
from psycopg import sql

from stack import contract
from stack.errors import StackError
from stack.layout import ROOT, Layout
from stack.locks import exclusive
from stack.postgres import DATABASE, SUPERUSER
from stack.servers import Servers


def main(arguments: list[str]) -> int:
    """Make an empty database, run the benchmark in a process of its own, and answer with its status."""
    modules = sorted(path for path in (ROOT / "bench").glob("*.py") if "\ndef run() ->" in path.read_text())
    names = [path.stem.replace("_", "-") for path in modules]
    parser = argparse.ArgumentParser(prog="bin/bench", description="Run a benchmark.")
    parser.add_argument("name", help=f"one of: {', '.join(names)}")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    options = parser.parse_args(arguments)
    options.name = options.name.replace("_", "-")
    if options.name not in names:
        raise StackError(f"There is no benchmark {options.name}. There are: {', '.join(names) or 'none'}.")
    layout = Layout.of_checkout("bench")
    servers = Servers(layout)
    layout.prepare()
    # One at a time: two at once would measure each other.
    with exclusive(layout.run / "bench.lock"), servers.in_use():
        empty_database(servers)
        outside = contract.Outside(None, None)
        environment = contract.management(servers, outside) | {"LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING")}
        # Migrations and the measured code run as the owner: a benchmark makes what it measures.
        environment["DATABASE_URL"] = environment["DATABASE_OWNER_URL"]
        code = (
            "import sys; from bench.harness import main; "
            f"sys.exit(main({options.name.replace('-', '_')!r}, as_json={options.json}, check={options.check}))"
        )
        return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=False).returncode


def empty_database(servers: Servers) -> None:
    """Replace the catalog database by an empty one."""
    with psycopg.connect(servers.postgres.url(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(DATABASE)))
    servers.postgres.set_up()
