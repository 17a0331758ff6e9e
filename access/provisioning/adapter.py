"""What an engine must be able to do so that the catalog can enforce grants in it. Pure.

The flow of one change is the engine's to keep: lock, inspect again, refuse where the plan is another one by now, carry
out, read back. What differs between engines (one transaction, or a statement at a time with compensation) stays
inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from access.provisioning.desired import Inspection, Profile, Reading, Rules
from access.provisioning.facts import Fact, Path
from access.provisioning.plan import Plan, Step
from common.errors import CatalogError, Conflict
from connections.errors import ConnectorError, FailureKind
from connections.targets import Target


class PlanChanged(Conflict):
    """Under the lock the source was not as it was planned for: nothing was carried out; plan again."""

    def __init__(self) -> None:
        super().__init__("The source changed since this plan was made. Look at the new plan.")


class StepRefused(CatalogError):
    """The source refused one step; what was carried out before it was undone. `message` has its words."""

    status = 502
    code = "step_refused"
    title = "The source refused a change"

    def __init__(self, step: Step, message: str) -> None:
        super().__init__(message)
        self.step = step


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as it goes to the source, whole and quoted by the driver, and the one that undoes it ("": none)."""

    text: str
    undo: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What a reading that was proved lacks: columns that the login cannot read, or why it reads nothing, in words."""

    grant_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class SessionsEnded:
    """How many open sessions were ended, and of which logins some could not be, in words ("": none)."""

    ended: int = 0
    left: str = ""


class Journal(Protocol):
    """Where an engine notes what it does, in the catalog's own database, so that it outlives a killed worker.

    `intend` comes before the first statement of a step and is committed when it returns. An engine with one transaction
    calls `done` for all steps after its commit.
    """

    def intend(self, steps: Sequence[tuple[Step, Sequence[Statement]]]) -> None: ...

    def done(self, steps: Iterable[Step]) -> None: ...

    def undone(self, steps: Iterable[Step], reason: str) -> None: ...


class StoppedAnswering(ConnectorError):
    """A source keeps the connection and says nothing more."""

    def __init__(self, target: Target) -> None:
        super().__init__(f"{target.label} stopped answering. It is tried again shortly.", FailureKind.TIMEOUT)


Replan = Callable[[Inspection], Plan]
Check = Callable[[], None]


def unchecked() -> None:
    """A `Check` for a source that nobody else writes to."""


class Enforcer(Protocol):
    """One source, opened for enforcement. Raises `ConnectorError` where the source does not answer, and of these
    `StoppedAnswering` where it keeps the connection and its target allows no more silence.
    """

    def inspect(self) -> Inspection:
        """Everything that the source's catalogs say of who may read what; a fixed number of statements."""

    def carry_out(self, plan: Plan, replan: Replan, journal: Journal, check: Check = unchecked) -> Inspection:
        """Under the source's lock: inspect again, refuse with `PlanChanged` unless `replan` gives the same hash, carry
        out every step, and inspect once more. Raises `StepRefused`; then nothing of the plan stays. `check` is called
        right before each commit, and raises where this worker may not write any more.
        """

    def read_back(self, readings: Iterable[Reading]) -> Sequence[Unreadable]:
        """Which of these cannot be read by their logins as the source itself judges; one statement or a few."""

    def still_readable(self, readings: Iterable[Reading]) -> Sequence[int]:
        """The grants of which the login can still read something, by whatever way, as the source itself judges."""

    def end_sessions(self, logins: Iterable[str]) -> SessionsEnded:
        """End the open sessions of logins that lost access, as far as the account may."""

    def remedies(self, fact: Fact) -> Sequence[str]:
        """The statements with which an administrator of the source ends what a finding tells of; none where none does."""

    def close(self) -> None: ...


class Engine(Protocol):
    """A platform that grants can be enforced in."""

    wraps_logins: bool
    """`Rules.wraps`."""

    def open(self, target: Target, rules: Rules) -> Enforcer:
        """Connect. Raises `ConnectorError`."""

    def path_of(self, native: Path) -> Path:
        """The path, as facts have it, of a dataset's native path."""

    def statements(self, step: Step, inspection: Inspection) -> Sequence[Statement]:
        """What carries out a step in a source as it was inspected, in order; asks nothing of the source."""

    def service_grants(self, profile: Profile, rules: Rules, account: str, schemas: Sequence[Path]) -> Sequence[str]:
        """The exact statements that give the catalog's account what the profile needs in these schemas."""
