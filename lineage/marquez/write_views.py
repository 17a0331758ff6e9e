"""The addresses of Marquez's API that write. Each answers with what was sent, merged into what is known: the fold that
takes the event up comes a moment later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from uuid import UUID, uuid4

import msgspec
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import ApiToken, Principal
from catalog.models import Dataset
from common.errors import Invalid, NotFound
from lineage.marquez import datasets, jobs, places, requests, runs, shapes, tagging, writing
from lineage.marquez.addresses import Reading, readings
from lineage.marquez.names import Found, find, standing_jobs
from lineage.marquez.requests import writer_of
from lineage.marquez.shapes import DatasetName, Json
from lineage.models import Event, Job, JobOrigin, MarquezNote, Run

Key = tuple[str, str]
Write = Callable[[HttpRequest, ApiToken, Found], "Json | HttpResponse"]


def _writing(takers: dict[str, Write]) -> Callable[..., Json | HttpResponse]:
    def take(request: HttpRequest, path: str) -> Json | HttpResponse:
        token = writer_of(request)
        found = find(token.principal, [one for one in readings(path) if one.what in takers])
        writing.check_namespace(token, found.reading.namespace)
        return takers[found.reading.what](request, token, found)

    return take


def _key(reading: Reading) -> Key:
    return reading.namespace, reading.name


def _put_namespace(request: HttpRequest, token: ApiToken, found: Found) -> Json:
    told = requests.told(requests.body_of(request, requests.NamespaceBody))
    name = found.reading.namespace
    note = places.put_note(kind=MarquezNote.Kind.NAMESPACE, name=name, told=told, by=token.principal)
    return places.noted_namespace(token.principal, note)


def _delete_namespace(request: HttpRequest, token: ApiToken, found: Found) -> Json:
    """Delete everything in it that the principal sees, and what was noted of it."""
    name = found.reading.namespace
    known = places.namespace(token.principal, name)
    seen = Dataset.objects.standing().visible_to(token.principal).filter(namespace=name)
    events = [writing.drop_event((name, one)) for one in seen.values_list("qualified_name", flat=True)]
    own = standing_jobs(token.principal).filter(origin=JobOrigin.PIPELINE, namespace=name)
    events += [writing.delete_job_event((name, one)) for one in own.values_list("name", flat=True)]
    writing.send(events, token=token)
    places.forget_namespace(name)
    return known | {"isHidden": True}


def _put_dataset(request: HttpRequest, token: ApiToken, found: Found) -> Json:
    body = requests.body_of(request, requests.DatasetBody)
    told, key = requests.told(body), _key(found.reading)
    facets = writing.dataset_facets(told)
    events = [writing.dataset_event(key, facets)]
    if body.run_id:
        run_id = _run_id(body.run_id)
        written = writing.run_event(run_id, _job_of(token.principal, run_id), None, outputs=[key])
        written["outputs"][0]["facets"] = facets
        events.append(written)
    writing.send(events, token=token)
    known = _known_dataset(token.principal, found)
    fields = [
        shapes.field(one.name, one.type or "", one.description or "", one.tags or ()) for one in body.fields or ()
    ]
    return known | shapes.known(
        type=body.type, physicalName=body.physical_name, sourceName=body.source_name,
        fields=fields or None, tags=sorted({*known["tags"], *(body.tags or ())}), description=body.description,
        facets=known["facets"] | shapes.told_facets(facets), deleted=False,
    )  # fmt: skip


def _known_dataset(principal: Principal, found: Found) -> Json:
    """What is known of a dataset; of one that is new, its name."""
    if found.known_dataset is not None:
        return datasets.one(principal, found.known_dataset)
    now = timezone.now()
    return shapes.dataset(
        DatasetName(*_key(found.reading)), shapes.DatasetFields(), kind="table", created_at=now, updated_at=now,
        written_at=None, version=shapes.schema_version(0, 0), deleted=False,
    )  # fmt: skip


def _delete_dataset(request: HttpRequest, token: ApiToken, found: Found) -> Json:
    known = datasets.one(token.principal, found.dataset)
    writing.send([writing.drop_event((known["namespace"], known["name"]))], token=token)
    return known | {"deleted": True, "lastLifecycleState": "DROP"}


def _tag(*, on: bool, of_field: bool) -> Write:
    def take(request: HttpRequest, token: ApiToken, found: Found) -> Json:
        *fields, name = found.reading.rest
        tagging.set_tag(token, found.dataset, name, field=fields[0] if of_field else "", on=on)
        again = Dataset.objects.with_tier(token.principal).get(pk=found.dataset.pk)
        known = datasets.one(token.principal, again)
        return tagging.tagged(known, name, field=fields[0] if of_field else "", on=on)

    return take


def _put_job(request: HttpRequest, token: ApiToken, found: Found) -> Json:
    body = requests.body_of(request, requests.JobBody)
    told, key = requests.told(body), _key(found.reading)
    inputs = [(one.namespace, one.name) for one in body.inputs]
    outputs = [(one.namespace, one.name) for one in body.outputs]
    facets = writing.job_facets(told)
    events = [writing.job_event(key, facets, inputs, outputs)]
    if body.run_id:
        events.append(writing.run_event(_run_id(body.run_id), key, None, inputs=inputs, outputs=outputs))
    writing.send(events, token=token)
    known = _known_job(token.principal, found)
    return known | shapes.known(
        type=body.type, inputs=[shapes.DatasetName(*one).id for one in dict.fromkeys(inputs)],
        outputs=[shapes.DatasetName(*one).id for one in dict.fromkeys(outputs)], location=shapes.link(body.location),
        description=body.description, facets=known["facets"] | facets, updatedAt=timezone.now(),
    )  # fmt: skip


def _known_job(principal: Principal, found: Found) -> Json:
    if found.known_job is not None:
        return jobs.one(principal, found.known_job)
    now = timezone.now()
    return shapes.job(
        DatasetName(*_key(found.reading)), created_at=now, updated_at=now, inputs=(), outputs=(), facets={},
        latest_runs=[], version=None, parent=None,
    )  # fmt: skip


def _delete_job(request: HttpRequest, token: ApiToken, found: Found) -> Json:
    known = jobs.one(token.principal, found.job)
    writing.send([writing.delete_job_event(_key(found.reading))], token=token)
    return known


def _post_run(request: HttpRequest, token: ApiToken, found: Found) -> HttpResponse:
    body = requests.body_of(request, requests.RunBody)
    run_id = _run_id(body.id) if body.id else uuid4()
    key = (found.known_job.namespace, found.known_job.name) if found.known_job else _key(found.reading)
    at = timezone.now()
    writing.send(
        [writing.run_event(run_id, key, None, at=at, facets=writing.created_run_facets(requests.told(body)))],
        token=token,
    )
    answer = shapes.known(
        id=run_id, createdAt=at, updatedAt=at, nominalStartTime=shapes.told_time(body.nominal_start_time or ""),
        nominalEndTime=shapes.told_time(body.nominal_end_time or ""), state="NEW",
        args={name: str(value) for name, value in (body.args or {}).items()}, facets={},
    )  # fmt: skip
    return requests.json_answer(answer, status=201, headers={"Location": f"/api/v1/jobs/runs/{run_id}"})


_tag_job_on, _tag_job_off = tagging.job_tag(on=True), tagging.job_tag(on=False)

put_in_namespace = _writing({"namespace": _put_namespace, "datasets/one": _put_dataset, "jobs/one": _put_job})
delete_in_namespace = _writing(
    {
        "namespace": _delete_namespace,
        "datasets/one": _delete_dataset,
        "datasets/tags": _tag(on=False, of_field=False),
        "datasets/fields/tags": _tag(on=False, of_field=True),
        "jobs/one": _delete_job,
        "jobs/tags": _tag_job_off,
    }
)
post_in_namespace = _writing(
    {
        "datasets/tags": _tag(on=True, of_field=False),
        "datasets/fields/tags": _tag(on=True, of_field=True),
        "jobs/tags": _tag_job_on,
        "jobs/runs": _post_run,
    }
)


def mark_run(request: HttpRequest, run_id: str, action: str) -> Json:
    """A run starts, completes, fails or is aborted, now or `at` the given time."""
    token = writer_of(request)
    found = _run_id(run_id)
    key = _job_of(token.principal, found)
    at = requests.moment(request, "at") or timezone.now()
    state = writing.STATES[action]
    writing.send([writing.run_event(found, key, state, at=at)], token=token)
    row = Run.objects.visible_to(token.principal).select_related("job").filter(pk=found).first()
    known = runs.shown(token.principal, [row])[0] if row is not None else _unknown_run(found, at)
    return _marked(known, state, at)


def _unknown_run(run_id: UUID, at: dt.datetime) -> Json:
    return shapes.known(id=run_id, createdAt=at, updatedAt=at, args={}, facets={})


_TOLD_STATES = {"START": "RUNNING", "COMPLETE": "COMPLETED", "FAIL": "FAILED", "ABORT": "ABORTED"}


def _marked(known: Json, state: str, at: dt.datetime) -> Json:
    if state == "START":
        return known | {"state": known.get("state", "RUNNING").replace("NEW", "RUNNING"), "startedAt": shapes.time(at)}
    marked = known | {"state": _TOLD_STATES[state], "endedAt": shapes.time(at), "updatedAt": shapes.time(at)}
    if "startedAt" in known:
        seconds = (at - dt.datetime.fromisoformat(known["startedAt"])).total_seconds()
        if seconds >= 0:
            marked["durationMs"] = round(seconds * 1000)
    return marked


def _run_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("A run's id is a UUID.", {"id": [f"{text[:100]} is no UUID."]}) from None


def _job_of(principal: Principal, run_id: UUID) -> Key:
    """The job of a run, from its row or, where the fold did not come yet, from the log. Raises `NotFound`."""
    row = Run.objects.select_related("job").filter(pk=run_id).first()
    if row is not None:
        if not Job.objects.visible_to(principal).filter(pk=row.job_id).exists():
            raise NotFound("There is no such run, or you may not see it.")
        return row.job.namespace, row.job.name
    body = Event.objects.filter(run_id=run_id, principal=principal).values_list("body", flat=True).first()
    if body is None:
        raise NotFound("There is no such run, or you may not see it.")
    told = msgspec.json.decode(body)["job"]
    return told["namespace"], told["name"]


def put_source(request: HttpRequest, name: str) -> Json:
    """A source is the namespace of its datasets: a token that speaks of some namespaces only describes no other's."""
    token = writer_of(request)
    told = requests.told(requests.body_of(request, requests.SourceBody))
    writing.check_namespace(token, name)
    note = places.put_note(kind=MarquezNote.Kind.SOURCE, name=name, told=told, by=token.principal)
    return places.noted_source(token.principal, note)


def put_tag(request: HttpRequest, name: str) -> Json:
    """Tags are everybody's: a token that speaks of some namespaces only does not describe them."""
    token = writer_of(request)
    told = requests.told(requests.body_of(request, requests.TagBody))
    writing.check_unrestricted(token)
    return tagging.make_tag(token, name, told)
