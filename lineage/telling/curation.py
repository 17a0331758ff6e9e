"""Owners, descriptions and tags: in force at once where nobody governs the dataset, proposals where somebody does.

Owners are always proposed: who owns a dataset decides who reads it, and no pipeline may decide that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import Group

from accounts.models import Principal
from catalog.asserted import ToldTag, assert_descriptions, assert_tags
from catalog.governed import governed
from catalog.models import Dataset, Description, Field, Origin, Ownership, Proposal, Tag, TagAssignment
from catalog.proposals import Claim, propose
from catalog.queries.members import members_called
from catalog.tagging import known_tags, tags_called
from lineage.telling.standing import StandingFacet, standing_facets

_LONGEST = 1000
"""Characters of a name; what is longer is no name."""
_TRUE = frozenset({"", "true", "1", "yes"})
Kind = Proposal.Kind


def tell_owners(dataset_ids: Sequence[int]) -> None:
    """Propose whom the ownership facets name, but for those who own the dataset already."""
    told = standing_facets(dataset_ids, "ownership")
    named = {
        (pk, name, _as(owner.get("type"))): facet
        for pk, facet in told.items()
        for owner in facet.members("owners")
        if isinstance(name := owner.get("name"), str) and 0 < len(name) <= _LONGEST
    }
    held = set(
        Ownership.objects.filter(dataset_id__in=told, valid_to=None).values_list(
            "dataset_id", "kind", "principal_id", "group_id"
        )
    )
    members = members_called([name for _, name, _ in named])
    claims = []
    for (pk, name, kind), facet in named.items():
        member = members.called(name)
        ids = (None, None) if member is None else _ids(member)
        if (pk, kind, *ids) not in held:
            claims.append(Claim(pk, {"owner": name, "as": kind}, facet.at, facet.told_by_id))
    propose(kind=Kind.OWNER, claims=claims, about=dataset_ids)


def _as(kind: object) -> str:
    steward = isinstance(kind, str) and "steward" in kind.lower()
    return Ownership.Kind.STEWARD if steward else Ownership.Kind.OWNER


def _ids(member: Principal | Group) -> tuple[int | None, int | None]:
    return (member.pk, None) if isinstance(member, Principal) else (None, member.pk)


def tell_descriptions(dataset_ids: Sequence[int]) -> None:
    """Describe what nobody governs; of what somebody governs, propose a text that differs from the one in force."""
    told = {
        pk: Claim(pk, {"text": text}, facet.at, facet.told_by_id)
        for pk, facet in standing_facets(dataset_ids, "documentation").items()
        if (text := facet.text("description"))
    }
    held = governed(dataset_ids)
    # What was in force before somebody governed the dataset stays so, as long as it is told.
    mine = Description.objects.filter(dataset_id__in=held, field=None, origin=Origin.PIPELINE, valid_to=None)
    before = dict(mine.values_list("dataset_id", "text"))
    effective = dict(Dataset.objects.filter(pk__in=held).values_list("pk", "description"))
    open_ = {pk for pk in held & told.keys() if told[pk].payload["text"] not in (before.get(pk), effective.get(pk))}
    direct = {
        pk for pk in dataset_ids if pk not in held or pk not in told or before.get(pk) == told[pk].payload["text"]
    }
    assert_descriptions([told[pk] for pk in sorted(direct & told.keys())], about=direct)
    propose(kind=Kind.DESCRIPTION, claims=[told[pk] for pk in sorted(open_)], about=dataset_ids)


@dataclass(frozen=True, slots=True)
class _Told:
    dataset_id: int
    tag: str
    field: str
    facet: StandingFacet


def tell_tags(dataset_ids: Sequence[int]) -> None:
    """Tag datasets and columns that nobody governs; propose the tags of others. What somebody took off stays off."""
    told = list(_tags(standing_facets(dataset_ids, "tags")))
    held = governed(dataset_ids)
    decided = Proposal.objects.filter(kind=Kind.TAG, dataset_id__in=dataset_ids, state=Proposal.State.DECLINED)
    refused = [(pk, payload["field"], payload["tag"]) for pk, payload in decided.values_list("dataset_id", "payload")]
    names = {one.tag for one in told}
    tags = tags_called({one.tag for one in told if one.dataset_id not in held}) | known_tags(names)
    tags |= known_tags({name for _, _, name in refused})
    fields = _fields({one.dataset_id for one in told if one.field})
    off = {(pk, field, _pk(tags, name)) for pk, field, name in refused if name in tags}
    assigned: set[tuple[int, int | None, int]] = set(
        TagAssignment.objects.filter(dataset_id__in=held, valid_to=None).values_list("dataset_id", "field_id", "tag_id")
    )
    in_force, claims = [], []
    for one in told:
        tag = tags.get(one.tag)
        field_id = fields.get((one.dataset_id, one.field)) if one.field else None
        if (one.dataset_id, one.field, _pk(tags, one.tag)) in off:
            continue
        placed = field_id is not None or not one.field
        is_held = one.dataset_id in held
        if tag is not None and placed and (not is_held or (one.dataset_id, field_id, tag.pk) in assigned):
            in_force.append(ToldTag(one.dataset_id, field_id, tag, one.facet.at, one.facet.told_by_id))
        elif is_held:
            payload = {"tag": one.tag, "field": one.field}
            claims.append(Claim(one.dataset_id, payload, one.facet.at, one.facet.told_by_id))
    assert_tags(in_force, about=dataset_ids)
    propose(kind=Kind.TAG, claims=claims, about=dataset_ids)


def _tags(facets: Mapping[int, StandingFacet]) -> Iterable[_Told]:
    for pk, facet in facets.items():
        for one in facet.members("tags"):
            key, value, field = one.get("key"), one.get("value"), one.get("field")
            if isinstance(key, str) and 0 < len(key.strip()) <= _LONGEST:
                yield _Told(pk, _tag(key.strip(), value), field if isinstance(field, str) else "", facet)


def _tag(key: str, value: object) -> str:
    """A key and its value as one tag; a key that is only said to be there is the tag itself."""
    text = value.strip() if isinstance(value, str) else ""
    return key if text.lower() in _TRUE or text.lower() == key.lower() else f"{key}: {text[:_LONGEST]}"


def _pk(tags: Mapping[str, Tag], name: str) -> int:
    return tags[name].pk if name in tags else 0


def _fields(dataset_ids: Collection[int]) -> dict[tuple[int, str], int]:
    rows = Field.objects.filter(dataset_id__in=dataset_ids, gone_since__isnull=True)
    return {(pk, ".".join(path)): field_id for pk, path, field_id in rows.values_list("dataset_id", "path", "pk")}
