"""Tags from Marquez's clients: a curator's are the catalog's, anybody else's are what a pipeline says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest

from accounts.models import ApiToken, Principal
from catalog.actions import add_tag, create_tag, remove_tag
from catalog.models import Dataset, Field, Tag
from catalog.permissions import can_curate, can_edit_tags
from catalog.tagging import known_tags
from common.errors import Invalid, NotFound
from lineage.marquez import jobs, places, writing
from lineage.marquez.names import Found
from lineage.marquez.shapes import Json, tag_names
from lineage.models import Job, JobFacet, MarquezNote
from lineage.telling import standing_facets

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_TAG = 60


def make_tag(token: ApiToken, name: str, told: Mapping[str, Any]) -> Json:
    """Make a tag known: to the catalog's vocabulary where the principal may add to it; its description is noted."""
    if len(name) > MAX_TAG:
        raise Invalid("The tag is too long.", {"tag": [f"A tag has at most {MAX_TAG} characters."]})
    if can_edit_tags(token.principal) and not known_tags([name]):
        create_tag(name=name, by=token.principal)
    note = places.put_note(kind=MarquezNote.Kind.TAG, name=name, told=told, by=token.principal)
    return places.tag(name, note)


def set_tag(token: ApiToken, dataset: Dataset, name: str, *, field: str, on: bool) -> None:
    """Put a tag on a dataset or field, or take it off.

    A curator's word is a person's word: it is so at once, and recorded. Others' is an event with the tags facet, which the
    catalog takes as it takes what pipelines say. Raises `NotFound` for a field that the dataset does not have.
    """
    row = _field(dataset, field) if field else None
    if can_curate(token.principal, dataset):
        tag = _tag(token.principal, name, make=on)
        if tag is not None:
            act = add_tag if on else remove_tag
            act(datasets=[dataset], tag=tag, by=token.principal, field=row)
            return
    key = (dataset.namespace, dataset.qualified_name)
    writing.check_namespace(token, dataset.namespace)
    told = standing_facets([dataset.pk], "tags").get(dataset.pk)
    standing = told.members("tags") if told else []
    others = [one for one in standing if (one.get("key"), one.get("field") or "") != (name, field)]
    if on:
        others.append({"key": name, "value": "true", "source": "USER"} | ({"field": field} if field else {}))
    writing.send([writing.dataset_event(key, {"tags": writing.facet("tags", tags=others)})], token=token)


def _field(dataset: Dataset, path: str) -> Field:
    found = Field.objects.filter(dataset=dataset, path=path.split("."), gone_since=None).first()
    if found is None or dataset.tier < 2:
        raise NotFound("The dataset has no such field. Write it as its path with dots.")
    return found


def _tag(principal: Principal, name: str, *, make: bool) -> Tag | None:
    found = known_tags([name]).get(name)
    if found is None and make and can_edit_tags(principal):
        found = create_tag(name=name, by=principal)
    return found


def tagged(known: Json, name: str, *, field: str, on: bool) -> Json:
    """A Dataset with the tag as it was just set."""
    if not field:
        return known | {"tags": _with(known["tags"], name, on=on)}
    fields = [
        one | {"tags": _with(one["tags"], name, on=on)} if one["name"] == field else one for one in known["fields"]
    ]
    return known | {"fields": fields}


def _with(tags: list[str], name: str, *, on: bool) -> list[str]:
    others = [tag for tag in tags if tag.lower() != name.lower()]
    return sorted([*others, name]) if on else others


def job_tag(*, on: bool) -> Callable[[HttpRequest, ApiToken, Found], Json]:
    """Tags of jobs are facets alone: the catalog tags datasets."""

    def take(request: HttpRequest, token: ApiToken, found: Found) -> Json:
        job, (name,) = found.job, found.reading.rest
        standing = _job_tags(job)
        others = [one for one in standing if one.get("key") != name]
        if on:
            others.append({"key": name, "value": "true", "source": "USER"})
        told = writing.facet("tags", tags=others)
        writing.send([writing.job_event((job.namespace, job.name), {"tags": told})], token=token)
        return jobs.one(token.principal, job) | {"tags": tag_names(told)}

    return take


def _job_tags(job: Job) -> list[dict[str, Any]]:
    row = JobFacet.objects.filter(job=job, name="tags").select_related("content").first()
    value = row.content.value if row is not None and row.content is not None else {}
    listed = value.get("tags") if isinstance(value, dict) else None
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
