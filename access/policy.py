"""Who may decide on access, and for how long. Pure: no Django. Every decision gives its reasons.

Groups are resolved to the people in them before these functions are asked, so a group opens no back door.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

LONGEST_DAYS = 365
"""No grant lasts longer, whatever its level."""


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer that explains itself; `reasons` are sentences."""

    allowed: bool
    reasons: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True, slots=True)
class Answerable:
    """Who answers for a dataset, by principal id: active people, the members of groups among them."""

    dataset_owners: frozenset[int] = field(default_factory=frozenset)
    domain_owners: frozenset[int] = field(default_factory=frozenset)
    domain_stewards: frozenset[int] = field(default_factory=frozenset)

    @property
    def everyone(self) -> frozenset[int]:
        return self.dataset_owners | self.domain_owners | self.domain_stewards


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Whoever wants to decide. `is_person` is false for pipelines, services and the catalog itself."""

    principal_id: int
    is_person: bool = True
    is_active: bool = True
    is_administrator: bool = False


def may_review(reviewer: Reviewer, *, requester_id: int, answerable: Answerable) -> Decision:
    """Whether `reviewer` may approve or refuse a request of `requester_id` on a dataset.

    Owners of the dataset, owners and stewards of its domain; an administrator where none of them but the
    requester is left. The requester never, in whichever role.
    """
    if reviewer.principal_id == requester_id:
        return Decision(False, ("You asked for this yourself; somebody else decides, whatever your roles.",))
    if not reviewer.is_person:
        return Decision(False, ("Only a person decides on access.",))
    if not reviewer.is_active:
        return Decision(False, ("This account is closed.",))
    reasons = roles_of(reviewer, answerable)
    if reasons:
        return Decision(True, reasons)
    if reviewer.is_administrator:
        if answerable.everyone - {requester_id}:
            return Decision(False, ("The dataset has owners or stewards; they decide, not an administrator.",))
        return Decision(True, ("Nobody else answers for the dataset, so an administrator decides.",))
    return Decision(False, ("Only owners of the dataset, and owners and stewards of its domain, decide on this.",))


def roles_of(reviewer: Reviewer, answerable: Answerable) -> tuple[str, ...]:
    """As what `reviewer` answers for the dataset, in sentences, the closest first; empty for everybody else."""
    roles = (
        (answerable.dataset_owners, "You own the dataset."),
        (answerable.domain_owners, "You own the dataset's domain."),
        (answerable.domain_stewards, "You are a steward of the dataset's domain."),
    )
    return tuple(sentence for people, sentence in roles if reviewer.principal_id in people)


def may_revoke(reviewer: Reviewer, *, holder_id: int, answerable: Answerable) -> Decision:
    """Whether `reviewer` may end a grant of `holder_id`: more people may take access away than give it."""
    if not reviewer.is_active:
        return Decision(False, ("This account is closed.",))
    if reviewer.principal_id == holder_id:
        return Decision(True, ("You may give up your own access.",))
    if reviewer.is_person and reviewer.principal_id in answerable.everyone:
        return Decision(True, ("You answer for the dataset.",))
    if reviewer.is_administrator:
        return Decision(True, ("An administrator may end any grant.",))
    return Decision(False, ("Only its holder, those who answer for the dataset, and administrators end a grant.",))


@dataclass(frozen=True, slots=True)
class LevelLimit:
    """The name of a level and for how many days it lets access be granted."""

    name: str
    days: int


@dataclass(frozen=True, slots=True)
class Duration:
    """For how many days a grant lasts, and what set that limit."""

    days: int
    reasons: tuple[str, ...]


def longest_duration(limits: Iterable[LevelLimit]) -> Duration:
    """The least of all limits: of each level concerned and of the product."""
    days, reason = LONGEST_DAYS, f"Access is granted for at most {LONGEST_DAYS} days."
    for limit in limits:
        if limit.days < days:
            days, reason = limit.days, f"{limit.name} allows access for at most {limit.days} days."
    return Duration(days, (reason,))
