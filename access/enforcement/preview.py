"""The exact statements that an approval would run, told without asking the source."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from access.enforcement.engines import can_enforce, engine_of
from access.enforcement.journals import ours_of
from access.enforcement.wanting import wish_for
from access.models import AccessRequest, Enforcement, ObservedFact
from access.provisioning.desired import Inspection, Ours
from access.provisioning.facts import AnyFact, Relation, RelationKind, Role
from access.provisioning.plan import make_plan
from catalog.models import Field


@dataclass(frozen=True, slots=True)
class Preview:
    """What becomes of a grant in its source. `is_carried_out`: an approval is applied there; `waits`: after a person
    confirmed it. `problem` says why nothing would come of it ("": something does).
    """

    is_carried_out: bool = False
    waits: bool = False
    statements: tuple[str, ...] = ()
    problem: str = ""
    source_name: str = ""


def preview_of(request: AccessRequest) -> Preview:
    """The statements by what the catalog knows of the source: roles that exist already are not made again.

    Six statements at most.
    """
    source = request.dataset.source
    enforcement = Enforcement.objects.filter(source=source).first() if source else None
    if source is None or enforcement is None or enforcement.mode == Enforcement.Mode.OFF or not can_enforce(source):
        return Preview(source_name=source.name if source else "")
    engine = engine_of(source)
    rules = enforcement.rules(wraps=engine.wraps_logins)
    masks = (request.ruling or {}).get("masks", {})
    wish = wish_for(request.requester, request.dataset, request.field_ids, masks, engine.path_of)
    ours = ours_of(source)
    columns = Field.objects.filter(dataset=request.dataset, gone_since__isnull=True).order_by("position")
    names = tuple(dict.fromkeys(path[0] for path in columns.values_list("path", flat=True)))
    known_roles = ObservedFact.objects.filter(source=source, kind="Role", valid_to__isnull=True)
    facts: set[AnyFact] = {msgspec.json.decode(text, type=Role) for text in known_roles.values_list("fact", flat=True)}
    facts.add(Relation(wish.path, RelationKind.TABLE, "", names))
    account = source.connection.username if source.connection else ""
    major = enforcement.version.partition(".")[0]
    known = Inspection(
        account,
        frozenset(facts),
        sets_inherit=not major.isdigit() or int(major) >= 16,
        tells_grantors=not engine.wraps_logins,
        has_hosts=engine.wraps_logins,
    )
    plan = make_plan([wish], [], known, rules, Ours(ours.roles, ours.views))
    steps = [step for step in plan.steps if step.serves]
    return Preview(
        is_carried_out=enforcement.carries_out,
        waits=enforcement.mode == Enforcement.Mode.CONFIRM,
        statements=tuple(one.text for step in steps for one in engine.statements(step, known)),
        problem=plan.problems.get(wish.grant_id, ""),
        source_name=source.name,
    )
