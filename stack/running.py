"""bin/run: everything, in the foreground, until Ctrl-C or SIGTERM."""

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from urllib.parse import urlsplit

from stack import applications, contract, frontend
from stack.errors import StackError
from stack.first_start import FirstStart
from stack.layout import Layout
from stack.locks import FileLock
from stack.postgres import port_is_free
from stack.programs import last_lines
from stack.progress import note, step
from stack.servers import Servers
from stack.supervision import wait_until

WATCH_SECONDS = 2.0
FOLD = "fold"


class Stopped(BaseException):
    """Someone asked for the end, with Ctrl-C or SIGTERM, while it was still starting."""


class Ending:
    """Whether the end was asked for. Before `armed` a signal interrupts; after it, it is only noted."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.armed = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._receive)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        first = not self.asked.is_set()
        self.asked.set()
        if first and not self.armed:
            raise Stopped


def main(arguments: list[str]) -> int:
    """Start, wait for the end, stop; the exit status is 0 when the end was asked for."""
    parser = argparse.ArgumentParser(prog="bin/run", description="Start the catalog.")
    parser.add_argument("--no-demo", action="store_true", help="start empty, with an administrator")
    parser.add_argument("--demo", action="store_true", help="load the demo into an outside database too")
    options = parser.parse_args(arguments)
    layout = Layout.of_checkout()
    layout.prepare()
    with only_one(layout):
        ending = Ending()
        outside = contract.Outside.from_environment()
        servers = outside.servers(layout)
        demo = not options.no_demo and (outside.database_url is None or options.demo)
        try:
            Start(layout, servers, outside, demo=demo).go()
            ending.armed = True
            watch(servers, ending)
        except Stopped:
            pass
        finally:
            ending.armed = True
            stop(servers)
    return 0


@contextmanager
def only_one(layout: Layout) -> Iterator[None]:
    """Refuse a second bin/run in the same checkout, and name the first."""
    lock = FileLock(layout.run / "run.lock")
    facts = layout.run / "run.json"
    if not lock.acquire(wait=False):
        try:
            first = json.loads(facts.read_text())
        except (OSError, ValueError):
            first = {}
        raise StackError(
            f"The catalog of this checkout is already running at {first.get('address', 'another address')} "
            f"(process {first.get('pid', 'unknown')}). Stop that one first; `bin/manage` works beside it."
        )
    facts.write_text(json.dumps({"pid": os.getpid(), "address": contract.site_url()}))
    try:
        yield
    finally:
        facts.unlink(missing_ok=True)
        lock.release()


class Start:
    """The way from nothing to a served catalog, a line for each step."""

    def __init__(self, layout: Layout, servers: Servers, outside: contract.Outside, *, demo: bool) -> None:
        self.layout = layout
        self.servers = servers
        self.outside = outside
        self.demo = demo
        self.port = contract.web_port()

    def go(self) -> None:
        """Do every step; raises StackError with what to do when one fails."""
        began = time.monotonic()
        note("Starting the catalog")
        self.servers.enter()
        self._check_port()
        frontend.ensure()
        management = contract.management(self.servers, self.outside)
        check_settings(self.layout, management, call_servers=self.outside.any)
        self._migrate(management)
        self._collect_static(management)
        self._start_applications()
        first = FirstStart(self.layout, management)
        said = None
        if self.demo:
            first.load_demo()
        else:
            said = first.create_administrator()
        self._wait_for_parts()
        self._announce(first, said, time.monotonic() - began)

    def _check_port(self) -> None:
        if applications.WEB in self.servers.supervisor.states():
            # Left by a bin/run that was killed; it holds the port itself.
            with self.servers.alone():
                self.servers.supervisor.apply(self.servers.programs())
        if not wait_until(lambda: port_is_free(self.port), seconds=2):
            raise StackError(
                f"Port {self.port} is used by another program. Stop it, or choose another port: "
                f"PORT={self.port + 1} bin/run"
            )

    def _migrate(self, environment: dict[str, str]) -> None:
        stamp = self.layout.state / "migrated.stamp"
        wanted = migrations_digest(self.layout)
        # An outside database may be another one than last time; the embedded one goes with its stamp.
        if self.outside.database_url is None and stamp.exists() and stamp.read_text() == wanted:
            return
        with step("Bringing the database up to date"):
            self._manage(environment, "migrate", "--no-input", "--verbosity", "0")
        stamp.write_text(wanted)

    def _collect_static(self, environment: dict[str, str]) -> None:
        stamp = self.layout.state / "static.stamp"
        wanted = f"{frontend.built()} {(self.layout.root / 'requirements' / 'run.txt').stat().st_mtime_ns}"
        if stamp.exists() and stamp.read_text() == wanted and (self.layout.state / "static").is_dir():
            return
        with step("Collecting static files"):
            self._manage(environment, "collectstatic", "--no-input", "--clear", "--verbosity", "0")
        stamp.write_text(wanted)

    def _manage(self, environment: dict[str, str], *arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, str(self.layout.root / "manage.py"), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode != 0:
            raise StackError(f"`bin/manage {arguments[0]}` failed:\n{done.stdout}{done.stderr}".rstrip())

    def _start_applications(self) -> None:
        runtime = contract.runtime(self.servers, self.outside)
        wanted = applications.programs(self.layout, runtime, self.port)
        supervisor = self.servers.supervisor
        with step("Starting web and workers"):
            with self.servers.alone():
                supervisor.apply([*self.servers.programs(), *wanted])
            supervisor.wait_for(applications.WEB, lambda: answers(self.port, "/healthz"), seconds=120)
        with step("Waiting for workers and their clock"):
            self._wait_for_parts()

    def _wait_for_parts(self) -> None:
        """Wait until /readyz finds every part well, but for events that wait to be folded.

        After a long stop there may be many, and it is the workers of this start that fold them.
        """

        def lacking() -> list[str]:
            return [part for part in failing(self.port) if part != FOLD]

        if not wait_until(lambda: not lacking(), seconds=120, interval=0.1):
            logs = [self.layout.log / f"{name}.log" for name in applications.QUEUES]
            ends = [f"{log}:\n{last_lines(log)}" for log in logs]
            raise StackError(f"Not ready within 120 s: {', '.join(lacking())}.\n" + "\n".join(ends))

    def _announce(self, first: FirstStart, said: str | None, seconds: float) -> None:
        note(f"\nReady after {seconds:.1f} s: {contract.site_url()}")
        for login in first.logins():
            note(f"  {login['username']:<16} {login['password']:<24} {login.get('role', '')}")
        if said:
            note(f"  {said}")
        if FOLD in failing(self.port):
            note("  Events of before are still being folded: until then /readyz answers 503, and the graph lags.")
        note(f"Logs are in {self.layout.log}. Stop with Ctrl-C.")


def check_settings(layout: Layout, environment: Mapping[str, str], *, call_servers: bool = False) -> None:
    """Refuse settings that are wrong: they would only show in the logs of processes that start over and over."""
    command = [sys.executable, "-m", "config", *(["--servers"] if call_servers else [])]
    done = subprocess.run(command, cwd=layout.root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(done.stderr.strip())


def migrations_digest(layout: Layout) -> str:
    """Changes whenever a migration of ours, a package with migrations or the Python environment changes."""
    digest = hashlib.sha256((layout.root / "requirements" / "run.txt").read_bytes())
    for path in sorted(layout.root.glob("*/migrations/*.py")):
        digest.update(f"{path.relative_to(layout.root)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def answers(port: int, path: str) -> bool:
    """Whether the web server answers the path with success."""
    try:
        with urllib.request.urlopen(_local(port, path), timeout=5) as response:
            return 200 <= response.status < 300
    except (OSError, urllib.error.URLError):
        return False


def failing(port: int) -> list[str]:
    """The parts that /readyz finds wanting; none where it answers 200."""
    try:
        with urllib.request.urlopen(_local(port, "/readyz"), timeout=5) as response:
            parts = json.load(response)
    except urllib.error.HTTPError as error:
        try:
            parts = json.load(error)
        except ValueError:
            return [f"/readyz answers with status {error.code}"]
    except (OSError, ValueError) as error:
        return [f"/readyz does not answer ({error})"]
    return [name for name, part in parts.items() if isinstance(part, dict) and not part.get("ok")]


def _local(port: int, path: str) -> urllib.request.Request:
    # Django answers only to the hosts it is told of.
    host = urlsplit(contract.site_url()).netloc
    return urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": host})


def watch(servers: Servers, ending: Ending) -> None:
    """Say when a process was started again, and start the supervisor again if it is killed, until the end."""
    supervisor = servers.supervisor
    known = supervisor.states()
    complete = supervisor.written()
    while not ending.asked.wait(WATCH_SECONDS):
        states = supervisor.states()
        if not states and not supervisor.is_running():
            note("The supervisor has died; starting it and everything under it again.")
            with servers.alone():
                supervisor.apply(complete)
            states = supervisor.states()
        for name, state in states.items():
            before = known.get(name)
            if before and state.pid and before.pid and state.pid != before.pid:
                note(f"{name} had stopped and was started again (process {state.pid}).")
        known = {name: state if state.pid else known.get(name, state) for name, state in states.items()}


def stop(servers: Servers) -> None:
    """Stop the application, and the servers unless another command still uses them."""
    if not servers.supervisor.is_running():
        servers.leave()
        return
    with step("Stopping"):
        with servers.alone():
            servers.supervisor.stop(reversed([applications.WEB, *applications.QUEUES]))
        servers.leave()
