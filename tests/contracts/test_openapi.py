"""Schemathesis asks the API what its description allows and what it does not; nothing may break or answer otherwise.

The snapshot of the description is held by tests/portal/test_api_description.py. Here are a few examples of each
operation, in a transaction that is undone; with the long proofs many more, and by people with fewer rights too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from django.test import Client
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.generation.case import Case

from config.wsgi import application
from tests import thoroughness
from tests.contracts.world import World
from tests.factories import bearer

pytestmark = pytest.mark.django_db


@schemathesis.serializer("application/x-ndjson")
def _lines(context: Any, value: Any) -> bytes:
    """Lines of JSON are sent as the text that they are; other values as JSON."""
    return (value if isinstance(value, str) else json.dumps(value)).encode(errors="surrogatepass")


FEW, MANY = 3, 20
PERSONAS = ("administrator", "steward", "outsider")
PARTS = 4
"""Every so manyth operation is in a test of its own, so that several processes take part."""
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
ACCEPTED = ("2xx", "401", "403", "404", "409", "412", "422", "428")
"""What good data may meet besides success: ids of nothing, rights, states and rules that no schema can tell."""


@pytest.fixture
def described(world: World) -> dict[str, Any]:
    client = Client()
    return client.get("/api/v2/openapi.json", headers=bearer(world.persona("administrator"))).json()


def test_the_description_is_valid_openapi_whose_references_lead_somewhere(described: dict[str, Any]) -> None:
    assert described["openapi"].startswith("3.1")
    for name, schema in described["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert name[0].isupper()
    for reference in _references(described):
        found: Any = described
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
    operations = [operation["operationId"] for _, _, operation in _operations(described)]
    assert len(operations) == len(set(operations))


def test_every_operation_says_what_it_is_and_how_it_refuses(described: dict[str, Any]) -> None:
    for path, method, operation in _operations(described):
        assert operation.get("summary") or operation.get("description"), (method, path)
        assert {"401", "403"} <= set(operation["responses"]), (method, path)


def _operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            if isinstance(operation, dict):
                yield path, method, operation


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


@pytest.mark.parametrize("part", range(PARTS))
def test_schemathesis_finds_nothing(world: World, described: dict[str, Any], part: int) -> None:
    examples, personas = (FEW, PERSONAS[:1]) if thoroughness.short else (MANY, PERSONAS)
    faults = _faults(world, described, personas, examples, part)
    assert not faults, "\n".join(faults)


@contextmanager
def _connection_kept() -> Iterator[None]:
    """The end of a request would close the connection, and with it the transaction that the rows are in."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


def _faults(world: World, described: dict[str, Any], personas: Sequence[str], examples: int, part: int) -> list[str]:
    """One line for each operation and kind of data at which schemathesis found fault; each operation's writes are undone."""
    found: list[str] = []
    schema = schemathesis.openapi.from_dict(described)
    schema.app = application
    schema.config.checks.positive_data_acceptance.expected_statuses = list(ACCEPTED)
    schema.config.generation.update(modes=list(MODES))
    tokens = {persona: bearer(world.persona(persona)) for persona in personas}
    for result in list(schema.get_all_operations())[part::PARTS]:
        operation = result.ok()
        for mode in MODES:
            ask = _asking(tokens, operation.as_strategy(generation_mode=mode), examples)
            try:
                with _connection_kept():
                    ask()
            except (Exception, BaseExceptionGroup) as error:
                sentence = " ".join("; ".join((str(error), *getattr(error, "__notes__", ()))).split())
                found.append(f"{operation.method.upper()} {operation.path} ({mode.value}): {sentence[:900]}")
    return found


def _bad_only_in_its_token(case: Case) -> bool:
    """Whether nothing but the token was made bad: with the persona's own in its place all would be good."""
    mutations = getattr(case.meta.phase.data, "mutations", ()) if case.meta else ()
    return bool(mutations) and all(one.parameter == "Authorization" for one in mutations)


def _asking(tokens: dict[str, dict[str, str]], strategy: Any, examples: int) -> Callable[[], None]:
    """Asks as each of `tokens` with the same examples, which take as long to make as to answer."""

    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
    @hypothesis.given(case=strategy)
    def ask(case: Case) -> None:
        for persona, token in tokens.items():
            own = {} if _bad_only_in_its_token(case) else token
            try:
                with transaction.atomic():
                    try:
                        case.call_and_validate(headers=own)
                    finally:
                        transaction.set_rollback(True)
            except (Exception, BaseExceptionGroup) as error:
                error.add_note(f"as {persona}")
                raise

    return ask
