"""Who may decide on access, and for how long. Pure: no Django. Every decision gives its reasons.

Groups are resolved to the people in them before these functions are asked, so a group opens no back door.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from classification.limits import LONGEST_GRANT_DAYS


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer that explains itself; `reasons` are sentences."""

    allowed: bool
    reasons: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True, slots=True)
class ReviewDecision(Decision):
    """Whether somebody may decide on a request, and by whose authority: their own id, or a delegator's (0: none)."""

    acting_for: int = 0


class Audience(StrEnum):
    """From whom the approvals of a step must come."""

    ANSWERABLE = "answerable"
    OWNERS = "owners"
    STEWARDS = "stewards"
    GROUP = "group"
    ADMINISTRATORS = "administrators"

    @property
    def label(self) -> str:
        return _AUDIENCES[self]


_AUDIENCES = {
    Audience.ANSWERABLE: "owners of the dataset, owners and stewards of its domain",
    Audience.OWNERS: "owners of the dataset or its domain",
    Audience.STEWARDS: "stewards of the dataset's domain",
    Audience.GROUP: "members of its group",
    Audience.ADMINISTRATORS: "administrators",
}


@dataclass(frozen=True, slots=True)
class StepWanted:
    """A step that a request must pass: `needed` approvals from an audience. `group_id` is that of `GROUP`."""

    audience: Audience = Audience.ANSWERABLE
    needed: int = 1
    group_id: int | None = None


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
class StepFacts:
    """The step that a request stands at, by principal id.

    `members` are the active people of its group, `voters` those who decided at it, `spoken_for` those by whose
    authority they did. `escalated` lets administrators join.
    """

    audience: Audience = Audience.ANSWERABLE
    members: frozenset[int] = frozenset()
    escalated: bool = False
    voters: frozenset[int] = frozenset()
    spoken_for: frozenset[int] = frozenset()

    def people(self, answerable: Answerable) -> frozenset[int]:
        """Everybody of the audience by their own roles."""
        match self.audience:
            case Audience.ANSWERABLE:
                return answerable.everyone
            case Audience.OWNERS:
                return answerable.dataset_owners | answerable.domain_owners
            case Audience.STEWARDS:
                return answerable.domain_stewards
            case Audience.GROUP:
                return self.members
            case Audience.ADMINISTRATORS:
                return frozenset()


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Whoever wants to decide. `is_person` is false for pipelines, services and the catalog itself."""

    principal_id: int
    is_person: bool = True
    is_active: bool = True
    is_administrator: bool = False


ANY_STEP = StepFacts()


def may_review(
    reviewer: Reviewer,
    *,
    requester_id: int,
    answerable: Answerable,
    step: StepFacts = ANY_STEP,
    delegators: frozenset[int] = frozenset(),
) -> ReviewDecision:
    """Whether `reviewer` may approve or refuse a request of `requester_id` at its step, and by whose authority.

    The audience of the step; those to whom one of them delegated; an administrator where none of them but the
    requester is left, or after the step was escalated. The requester never, in whichever role or in whose place, and
    nobody by the requester's authority. Neither a person nor an authority counts twice.
    """
    if reviewer.principal_id == requester_id:
        return _no("You asked for this yourself; somebody else decides, whatever your roles.")
    if not reviewer.is_person:
        return _no("Only a person decides on access.")
    if not reviewer.is_active:
        return _no("This account is closed.")
    if reviewer.principal_id in step.voters:
        return _no("You have decided on this step already; it waits for somebody else.")
    people = step.people(answerable)
    own_authority_is_left = reviewer.principal_id not in step.spoken_for
    if own_authority_is_left and reviewer.principal_id in people:
        reasons = roles_of(reviewer, answerable) or ("You are in the group that decides on this step.",)
        return ReviewDecision(True, reasons, reviewer.principal_id)
    mandates = sorted((delegators - {requester_id} - step.spoken_for) & people)
    if mandates:
        return ReviewDecision(True, ("You decide in the place of somebody who delegated to you.",), mandates[0])
    if not own_authority_is_left:
        return _no("Somebody to whom you delegated has decided in your place.")
    if not reviewer.is_administrator:
        return _no(f"Only {step.audience.label} decide on this.")
    if step.audience is Audience.ADMINISTRATORS:
        return ReviewDecision(True, ("An administrator decides on this step.",), reviewer.principal_id)
    if step.escalated:
        return ReviewDecision(True, ("This step is open to administrators too.",), reviewer.principal_id)
    if people - {requester_id}:
        return _no(f"There are {step.audience.label}; they decide, not an administrator.")
    return ReviewDecision(
        True, ("Nobody else answers for the dataset, so an administrator decides.",), reviewer.principal_id
    )


def _no(reason: str) -> ReviewDecision:
    return ReviewDecision(False, (reason,))


def roles_of(reviewer: Reviewer, answerable: Answerable) -> tuple[str, ...]:
    """As what `reviewer` answers for the dataset, in sentences, the closest first; empty for everybody else."""
    roles = (
        (answerable.dataset_owners, "You own the dataset."),
        (answerable.domain_owners, "You own the dataset's domain."),
        (answerable.domain_stewards, "You are a steward of the dataset's domain."),
    )
    return tuple(sentence for people, sentence in roles if reviewer.principal_id in people)


def may_name_login(
    by_id: int,
    *,
    is_administrator: bool,
    person_id: int,
    holders: frozenset[int] = frozenset(),
    has_grants: bool,
    gives: bool = True,
    others: Sequence[str] = (),
) -> Decision:
    """Whether somebody who sees to a source's enforcement may say as whom a person logs in there.

    Nobody says it of themselves, a sole administrator neither: it would pass what others approved for them on to any
    account, and make what that account reads already their own. Whether an account is theirs no privilege of it tells,
    so a second person does. `others` names those who may, for the reason.

    `holders` are those whose login it is or ever was; `has_grants` says that grants are given to the person or the
    logins, or wait to be; `gives` is false where a login is only taken away.
    """
    if gives and by_id == person_id:
        return Decision(
            False, (f"Nobody names their own login, for grants are given to it. {_ask(others, has_grants)}",)
        )
    if gives and by_id in holders:
        return Decision(
            False,
            ("This login is or was yours, so what others are granted would be given to you. Ask an administrator.",),
        )
    if has_grants and not is_administrator:
        return Decision(
            False, ("Grants are given to this person or login, or wait to be, so only an administrator changes it.",)
        )
    return Decision(True, ("You see to how grants are carried out here.",))


def _ask(others: Sequence[str], has_grants: bool) -> str:
    if others:
        return f"Ask {' or '.join(others)}."
    owner = "" if has_grants else ", or an owner of the source's domain"
    return f"Nobody else may here yet: make a colleague an administrator under Administration{owner}, who names it."


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
    days, reason = LONGEST_GRANT_DAYS, f"Access is granted for at most {LONGEST_GRANT_DAYS} days."
    for limit in limits:
        if limit.days < days:
            days, reason = limit.days, f"{limit.name} allows access for at most {limit.days} days."
    return Duration(days, (reason,))
