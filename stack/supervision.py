"""supervisord: what it runs, starting it, asking it, and clearing up after it was killed."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import SupervisorTransport

from stack.errors import StackError
from stack.programs import Program, last_lines

MARK = "CATALOG_SUPERVISED_BY"
HEAD = """[supervisord]
logfile=./log/supervisord.log
logfile_maxbytes=5MB
logfile_backups=1
pidfile=./supervisord.pid
umask=077

[unix_http_server]
file=./supervisor.sock
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

"""


@dataclass(frozen=True, slots=True)
class ProcessState:
    """A supervised process as supervisor sees it; `pid` is 0 when it does not run."""

    name: str
    state: str
    pid: int
    started: int


class Supervisor:
    """The supervisord of one directory. Nothing is running until `apply` is called."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.socket = directory / "supervisor.sock"
        self._programs: list[Program] = []

    def written(self) -> list[Program]:
        """The programs of the last `apply` in this process."""
        return list(self._programs)

    def _ask(self) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self.socket}")
        return xmlrpc.client.ServerProxy("http://localhost", transport=transport).supervisor

    def is_running(self) -> bool:
        """Whether supervisord answers."""
        return self.pid() is not None

    def pid(self) -> int | None:
        """supervisord's process number, or None when it does not answer."""
        try:
            return int(self._ask().getPID())
        except (OSError, xmlrpc.client.Error):
            return None

    def apply(self, programs: Iterable[Program]) -> None:
        """Run exactly these programs: start what is new or changed, stop what is no longer among them."""
        programs = sorted(programs, key=lambda program: program.priority)
        self._programs = programs
        self._write(programs)
        if not self.is_running():
            self.clear_up()
            self._start()
            return
        ask = self._ask()
        added, changed, removed = ask.reloadConfig()[0]
        for name in [*removed, *changed]:
            ask.stopProcessGroup(name)
            ask.removeProcessGroup(name)
        for name in [*changed, *added]:
            ask.addProcessGroup(name)

    def _write(self, programs: list[Program]) -> None:
        sections = HEAD
        for program in programs:
            marked = {**program.environment, MARK: str(self.directory)}
            complete = Program(**{**_fields(program), "environment": marked})
            specification = self.directory / f"{program.name}.program.json"
            with open(os.open(specification, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as target:
                target.write(complete.specification())
            sections += complete.section()
        (self.directory / "supervisord.conf").write_text(sections)
        _link(self.directory / "python", Path(getattr(sys, "_base_executable", None) or sys.executable))
        _link(self.directory / "launch.py", Path(__file__).with_name("launch.py"))

    def _start(self) -> None:
        # A session of its own: Ctrl-C in the terminal reaches the command alone, which stops things in order.
        with (self.directory / "log" / "supervisord.out").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", "supervisord.conf"],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        if not wait_until(lambda: self.is_running() or process.poll() is not None, seconds=15):
            raise StackError("The supervisor did not answer within 15 s; see the log directory.")
        if process.poll() is not None:
            raise StackError(
                f"The supervisor stopped at once:\n{last_lines(self.directory / 'log' / 'supervisord.out')}"
            )

    def states(self) -> dict[str, ProcessState]:
        """Every supervised process by name; empty when supervisord does not answer."""
        try:
            answers = self._ask().getAllProcessInfo()
        except (OSError, xmlrpc.client.Error):
            return {}
        return {
            info["name"]: ProcessState(info["name"], info["statename"], info["pid"], info["start"]) for info in answers
        }

    def wait_for(self, name: str, ready: Callable[[], bool], *, seconds: float) -> None:
        """Wait until the program is ready; give up with the end of its log when it keeps dying."""
        if wait_until(ready, seconds=seconds):
            return
        state = self.states().get(name)
        log = (self.directory / "log").resolve() / f"{name}.log"
        raise StackError(
            f"{name} was not ready within {seconds:.0f} s (it is {state.state if state else 'not there'}). "
            f"The end of its log, {log}:\n{last_lines(log)}"
        )

    def stop(self, names: Iterable[str]) -> None:
        """Stop and forget these programs, leaving the others."""
        ask = self._ask()
        known = self.states()
        chosen = [name for name in names if name in known]
        for name in chosen:
            ask.stopProcessGroup(name, False)
        # supervisor itself kills what does not end within its program's stop_seconds.
        wait_until(lambda: all(self.states()[name].pid == 0 for name in chosen), seconds=60)
        for name in chosen:
            ask.removeProcessGroup(name)

    def shutdown(self, *, seconds: float = 60) -> None:
        """Stop every program, the servers last, and supervisord itself."""
        pid = self.pid()
        if pid is None:
            return
        with contextlib.suppress(OSError, xmlrpc.client.Error):
            self._ask().shutdown()
        process = psutil.Process(pid) if psutil.pid_exists(pid) else None
        if process is not None and not wait_until(lambda: not _alive(process), seconds=seconds):
            process.kill()
            self.clear_up()

    def clear_up(self) -> None:
        """Stop what a killed supervisord left running, so that a new one does not start it twice."""
        left = [process for process in psutil.process_iter() if self._is_mine(process)]
        for process in left:
            with contextlib.suppress(psutil.Error):
                # PostgreSQL takes SIGTERM as "wait until every client has gone".
                process.send_signal(signal.SIGINT if process.name() == "postgres" else signal.SIGTERM)
        _, stubborn = psutil.wait_procs(left, timeout=10)
        for process in stubborn:
            with contextlib.suppress(psutil.Error):
                process.kill()

    def _is_mine(self, process: psutil.Process) -> bool:
        try:
            return process.pid != os.getpid() and process.environ().get(MARK) == str(self.directory)
        except (psutil.Error, OSError):
            return False


def _fields(program: Program) -> dict[str, Any]:
    return {name: getattr(program, name) for name in Program.__dataclass_fields__}


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() or link.exists():
        if link.is_symlink() and link.readlink() == target:
            return
        link.unlink()
    link.symlink_to(target)


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(condition: Callable[[], bool], *, seconds: float, interval: float = 0.05) -> bool:
    """Ask until the condition holds or the time is over; says which of the two happened."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval)
    return True
