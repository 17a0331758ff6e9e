"""The embedded servers of one layout, shared by every command that uses them at the same time.

Whoever comes first starts them, whoever leaves last stops them: each command holds a shared lock on
`users.lock`, and starting and stopping happen alone, under `servers.lock`.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from stack.errors import StackError
from stack.layout import Layout
from stack.locks import FileLock, exclusive
from stack.postgres import Postgres
from stack.programs import Program
from stack.progress import step
from stack.supervision import Supervisor
from stack.valkey import Valkey

_OUTSIDE = {"postgres": ("PostgreSQL", "DATABASE_URL"), "valkey": ("Redis or Valkey", "REDIS_URL")}


@dataclass
class Servers:
    """The servers of a layout: PostgreSQL and Valkey, each unless an outside one replaces it."""

    layout: Layout
    with_postgres: bool = True
    with_valkey: bool = True
    throwaway: bool = False
    _users: FileLock = field(init=False)

    def __post_init__(self) -> None:
        self._users = FileLock(self.layout.run / "users.lock")

    @cached_property
    def postgres(self) -> Postgres:
        return Postgres(self.layout, self.throwaway)

    @cached_property
    def valkey(self) -> Valkey:
        return Valkey(self.layout, self.throwaway)

    @cached_property
    def supervisor(self) -> Supervisor:
        return Supervisor(self.layout.sockets)

    @contextmanager
    def in_use(self) -> Iterator["Servers"]:
        """Have the servers running for the time of a block."""
        self.enter()
        try:
            yield self
        finally:
            self.leave()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Change what is supervised, while no other command does."""
        with exclusive(self.layout.run / "servers.lock"):
            yield

    def enter(self) -> None:
        """Count as a user of the servers, and start them if they are not running."""
        self.layout.prepare()
        with self.alone():
            self._users.acquire(shared=True)
            try:
                self._ensure_running()
            except BaseException:
                self._leave()
                raise

    def leave(self) -> None:
        """No longer count as a user; the last one stops the servers."""
        with self.alone():
            self._leave()

    def _leave(self) -> None:
        if self._users.acquire(wait=False):
            self.supervisor.shutdown()
        self._users.release()

    def programs(self) -> list[Program]:
        """The servers as supervised programs."""
        wanted = [self.postgres.program()] if self.with_postgres else []
        return wanted + ([self.valkey.program()] if self.with_valkey else [])

    def _ensure_running(self) -> None:
        waits = self._waits()
        if all(name in self.supervisor.states() and answers() for name, answers in waits.items()):
            return
        if self.supervisor.is_running():
            self._refuse_to_join(waits)
        first = self.with_postgres and not self.postgres.exists()
        if first:
            with step("Making the database cluster"):
                self.postgres.initialise()
        elif self.with_postgres:
            self.postgres.initialise()
        if not self.supervisor.is_running():
            self.supervisor.clear_up()
            if self.with_postgres:
                self.postgres.check_port()
            with step("Starting PostgreSQL and Valkey" if len(waits) == 2 else f"Starting {next(iter(waits))}"):
                self.supervisor.apply(self.programs())
                self._wait(waits)
        else:
            self._wait(waits)
        if self.with_postgres:
            self.postgres.set_up()

    def _refuse_to_join(self, wanted: Iterable[str]) -> None:
        """Stop where what runs here has none of a wanted server: it was started with an outside one."""
        running = self.supervisor.states()
        for name in wanted:
            if name not in running:
                told, variable = _OUTSIDE[name]
                raise StackError(
                    f"What runs in this checkout uses an outside {told}. Set {variable} here as it was set there."
                )

    def _wait(self, waits: dict[str, Callable[[], bool]]) -> None:
        for name, answers in waits.items():
            self.supervisor.wait_for(name, answers, seconds=45)

    def _waits(self) -> dict[str, Callable[[], bool]]:
        waits: dict[str, Callable[[], bool]] = {}
        if self.with_postgres:
            waits["postgres"] = self.postgres.answers
        if self.with_valkey:
            waits["valkey"] = self.valkey.answers
        return waits
