"""Grants of a source as its engine understands them: native paths, column names, logins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from django.db.models import BooleanField, ExpressionWrapper, Q
from django.utils import timezone

from access.models import DatabaseLogin, Grant
from access.policies.masking import Mask
from access.provisioning.desired import MaskedColumn, Wanted
from access.provisioning.facts import Path
from access.states import GRANT_ENDING, GRANT_LEAVING, GRANT_WANTED, GrantState
from accounts.models import Principal
from catalog.models import Dataset, Field, Source


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a source should let people read, and what it should not any more.

    `leaving` are grants that are over, also where no sweep has ended them yet, and those whose holder has another login
    by now, by the old one. `states` has each grant's state as it was read.
    """

    grants: tuple[Wanted, ...] = ()
    leaving: tuple[Wanted, ...] = ()
    states: Mapping[int, GrantState] = field(default_factory=dict)

    @property
    def ended(self) -> set[int]:
        """Grants that come to their end once nothing is left of them; suspended ones do not."""
        return {grant for grant, state in self.states.items() if state in GRANT_ENDING}


def wishes_of(source: Source, path_of: Callable[[Path], Path], *, recorded: bool = False) -> Wishes:
    """The grants that are carried out in a source; with `recorded` also those that would be. Three statements."""
    states = {*GRANT_WANTED, *GRANT_LEAVING}
    mine = Grant.objects.filter(dataset__source=source)
    live = mine.filter(state__in=states)
    if recorded:
        live = live | mine.filter(state=GrantState.RECORDED).within_time()
    # Whether the time is over is asked of the database: reading ten thousand times takes longer than all else of a row.
    over = ExpressionWrapper(Q(valid_to__lte=timezone.now()), output_field=BooleanField())
    rows = list(
        live.values_list(
            "pk", "state", "principal_id", "login", "dataset_id", "dataset__path", "field_ids", "masks", over
        )
    )
    logins = logins_of(source)
    fields = _fields(name for row in rows for name in (*row[6], *map(int, row[7])))
    grants, leaving = [], []
    for pk, state, principal_id, login, dataset_id, path, field_ids, masks, is_over in rows:
        now = logins.get(principal_id, "")

        def as_login(name: str) -> Wanted:
            return _wanted(pk, name, dataset_id, path_of(tuple(path)), field_ids, masks, fields)  # noqa: B023

        # A worker may have died between giving to a new login and noting it.
        if state in GRANT_LEAVING or is_over:
            leaving += [as_login(name) for name in {login, now} if name]
            continue
        grants.append(as_login(now))
        if login and login != now:
            leaving.append(as_login(login))
    return Wishes(tuple(grants), tuple(leaving), {row[0]: GrantState(row[1]) for row in rows})


def wish_for(
    principal: Principal,
    dataset: Dataset,
    field_ids: Iterable[int],
    masks: Mapping[str, str],
    path_of: Callable[[Path], Path],
    *,
    grant_id: int = 0,
) -> Wanted:
    """A grant that may come, as its source would see it. Two statements."""
    ids = list(field_ids)
    login = logins_of(dataset.source).get(principal.pk, "") if dataset.source else ""
    fields = _fields([*ids, *map(int, masks)])
    return _wanted(grant_id, login, dataset.pk, path_of(tuple(dataset.path)), ids, masks, fields)


def wanted_of(grants: Iterable[Grant]) -> dict[int, Wanted]:
    """Grants by id as what they give, by the login that they were carried out for; the path is left out. One statement."""
    listed = list(grants)
    fields = _fields(pk for grant in listed for pk in (*grant.field_ids, *map(int, grant.masks)))
    return {
        grant.pk: _wanted(grant.pk, grant.login, grant.dataset_id, (), grant.field_ids, grant.masks, fields)
        for grant in listed
    }


def logins_of(source: Source) -> dict[int, str]:
    """As whom each principal logs in to a source."""
    rows = DatabaseLogin.objects.filter(source=source, valid_to__isnull=True)
    return dict(rows.values_list("principal_id", "name"))


def _fields(ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """The column (of a nested field the one that holds it) and the type of each field."""
    wanted = set(ids)
    rows = Field.objects.filter(pk__in=wanted).values_list("pk", "path", "type") if wanted else ()
    return {pk: (path[0], kind) for pk, path, kind in rows}


def _wanted(
    grant_id: int,
    login: str,
    dataset_id: int,
    path: Path,
    field_ids: Iterable[int],
    masks: Mapping[str, str],
    fields: Mapping[int, tuple[str, str]],
) -> Wanted:
    named = [fields[pk][0] for pk in field_ids if pk in fields]
    masked = [(*fields[int(pk)], Mask(mask)) for pk, mask in sorted(masks.items()) if int(pk) in fields]
    return Wanted(
        grant_id=grant_id,
        login=login,
        dataset_id=dataset_id,
        path=path,
        columns=tuple(sorted(set(named))),
        masks=tuple(MaskedColumn(name, mask, kind) for name, kind, mask in masked),
    )
