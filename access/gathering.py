"""Everything that a decision needs, read by one statement for any number of questions.

What it reads is what is committed when it runs, policies included: their versions never change, so the rule of an id is read
once and kept, and which ids are in force is asked every time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import transaction

from access.models import PolicyVersion
from access.policies.facts import DatasetFacts, FieldFacts, GrantFacts, SubjectFacts
from access.policies.masking import Mask
from access.policies.rules import KIND, InForce
from access.states import GRANT_ALLOWS
from accounts.bearers import USABLE, Bearer
from common import prepared


class Named(NamedTuple):
    """A subject and a dataset as somebody outside names them. What is None is not looked for.

    The subject is `user` (user name or e-mail address), `principal` (its id), `service` or `pipeline` (its name). The dataset
    is named by its id, by the id of one of its fields, by its namespace and name, or as a query engine calls it: by a
    catalog of the engine, a schema and a name.
    """

    kind: str
    key: str
    dataset_id: int | None = None
    field_id: int | None = None
    namespace: str | None = None
    catalog: str | None = None
    schema: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of one pair; a subject or a dataset that is not there is None. `names` are those of present fields."""

    subject: SubjectFacts | None
    dataset: DatasetFacts | None
    grants: tuple[GrantFacts, ...]
    names: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was read, at which moment of the database. `bearer` is who showed the token, if one was asked for."""

    at: dt.datetime
    bearer: Bearer | None
    policies: tuple[InForce, ...]
    ranks: Mapping[int, int]
    found: tuple[Found, ...]


_SUBJECT_ID = """
    CASE asked.kind
        WHEN 'principal' THEN CASE WHEN asked.key ~ '^[0-9]{1,18}$' THEN asked.key::bigint END
        WHEN 'user' THEN (
            SELECT CASE WHEN count(*) = 1 THEN min(known.id) END
            FROM accounts_user AS account JOIN accounts_principal AS known ON known.user_id = account.id
            WHERE account.username = asked.key OR account.email = asked.key
        )
        ELSE (
            SELECT known.id FROM accounts_principal AS known
            WHERE known.kind = asked.kind AND known.name = asked.key AND known.kind IN ('service', 'pipeline')
        )
    END
"""
"""A name that fits two accounts, as the user name of one and the address of another, is nobody's."""

_GATHER = f"""
    WITH bearer AS MATERIALIZED ({USABLE}),
    asked AS (
        SELECT * FROM unnest(
            %(kinds)s::text[], %(keys)s::text[], %(datasets)s::bigint[], %(fields)s::bigint[], %(namespaces)s::text[],
            %(catalogs)s::text[], %(schemas)s::text[], %(names)s::text[]
        ) WITH ORDINALITY AS asked (kind, key, dataset_id, field_id, namespace, catalog, schema, name, n)
    )
    SELECT
        statement_timestamp(),
        (SELECT row_to_json(bearer) FROM bearer),
        (
            SELECT array_agg(version.id ORDER BY version.id) FROM access_policyversion AS version
            WHERE version.state = 'published' AND version.valid_from <= statement_timestamp()
              AND (version.valid_to IS NULL OR version.valid_to > statement_timestamp())
        ),
        (SELECT json_object_agg(level.id, level.rank) FROM classification_level AS level),
        subject.*, dataset.*, grants.held
    FROM asked
    LEFT JOIN LATERAL (
        SELECT
            principal.id,
            principal.kind,
            principal.disabled_at IS NULL AND coalesce(account.is_active, true) AS is_active,
            ARRAY(SELECT member.group_id FROM accounts_user_groups AS member WHERE member.user_id = principal.user_id)
                AS groups,
            (
                SELECT json_agg(json_build_array(attribute.name, attribute.value))
                FROM access_principalattribute AS attribute
                WHERE attribute.principal_id = principal.id AND attribute.valid_to IS NULL
            ) AS attributes
        FROM accounts_principal AS principal LEFT JOIN accounts_user AS account ON account.id = principal.user_id
        WHERE principal.id = {_SUBJECT_ID}
    ) AS subject ON true
    LEFT JOIN LATERAL (
        SELECT
            known.id AS dataset_id,
            known.domain_id,
            known.source_id,
            coalesce(known.level, 0) AS rank,
            (
                SELECT array_agg(role.role::text) FROM catalog_domainmembership AS role
                WHERE role.domain_id = known.domain_id
                  AND (role.principal_id = subject.id OR role.group_id = ANY (subject.groups))
                  AND role.valid_from <= statement_timestamp()
                  AND (role.valid_to IS NULL OR role.valid_to > statement_timestamp())
            ) AS roles,
            (
                SELECT json_agg(json_build_array(
                    field.id, coalesce(field.level, 0), array_to_string(field.path, '.')) ORDER BY field.position)
                FROM catalog_field AS field WHERE field.dataset_id = known.id AND field.gone_since IS NULL
            ) AS fields,
            (
                SELECT json_agg(json_build_array(label.field_id, label.category_id))
                FROM classification_label AS label
                WHERE label.dataset_id = known.id AND label.valid_to IS NULL AND label.category_id IS NOT NULL
                  AND label.state IN ('confirmed', 'inherited')
            ) AS categories,
            (
                SELECT json_agg(json_build_array(owner.principal_id, owner.group_id)) FROM catalog_ownership AS owner
                WHERE owner.dataset_id = known.id AND owner.kind = 'owner' AND owner.valid_to IS NULL
            ) AS owners
        FROM catalog_dataset AS known
        WHERE known.id = CASE
            WHEN asked.dataset_id IS NOT NULL
            THEN (SELECT coalesce(one.merged_into_id, one.id) FROM catalog_dataset AS one WHERE one.id = asked.dataset_id)
            WHEN asked.field_id IS NOT NULL
            THEN (SELECT field.dataset_id FROM catalog_field AS field WHERE field.id = asked.field_id)
            WHEN asked.catalog IS NOT NULL
            THEN (
                SELECT one.id FROM access_enginecatalog AS engine
                JOIN catalog_dataset AS one
                  ON one.source_id = engine.source_id AND one.path = engine.prefix || ARRAY[asked.schema, asked.name]
                WHERE engine.name = asked.catalog
            )
            ELSE (
                SELECT named.dataset_id FROM catalog_datasetname AS named
                WHERE named.namespace = asked.namespace AND named.name = asked.name AND named.valid_to IS NULL
            )
        END
    ) AS dataset ON true
    LEFT JOIN LATERAL (
        SELECT json_agg(json_build_array(held.id, held.field_ids, held.masks)) AS held
        FROM access_grant AS held
        WHERE held.principal_id = subject.id AND held.dataset_id = dataset.dataset_id
          AND held.state = ANY (%(allowing)s::text[])
          AND held.valid_from <= statement_timestamp() AND held.valid_to > statement_timestamp()
    ) AS grants ON true
    ORDER BY asked.n
"""  # noqa: S608  # the text inserted is constant
_ALLOWING = sorted(state.value for state in GRANT_ALLOWS)


def gather(asked: Sequence[Named], *, token: bytes | None = None) -> Gathered:
    """What is known of these pairs, in their order, and of the token of this SHA-256; one statement.

    A second one reads the rules of versions that this process has not seen yet.
    """
    values = {
        "token": token,
        "kinds": [one.kind for one in asked],
        "keys": [one.key for one in asked],
        "datasets": [one.dataset_id for one in asked],
        "fields": [one.field_id for one in asked],
        "namespaces": [one.namespace for one in asked],
        "catalogs": [one.catalog for one in asked],
        "schemas": [one.schema for one in asked],
        "names": [one.name for one in asked],
        "allowing": _ALLOWING,
    }
    rows = prepared.rows(_GATHER, values)
    at, bearer, versions, ranks = rows[0][:4]
    return Gathered(
        at=at,
        bearer=Bearer(**bearer) if bearer else None,
        policies=policies_of(versions or ()),
        ranks={int(level): rank for level, rank in (ranks or {}).items()},
        found=tuple(_found(row[4:]) for row in rows),
    )


def _found(row: Sequence[Any]) -> Found:
    pk, kind, is_active, groups, attributes, dataset_id, domain, source, rank, roles, fields, labels, owners, held = row
    subject = None
    if pk is not None:
        subject = SubjectFacts(
            principal_id=pk,
            is_active=is_active,
            groups=frozenset(groups),
            roles={domain: frozenset(roles)} if roles else {},
            attributes=frozenset([(KIND, kind), *map(tuple, attributes or ())]),
        )
    if dataset_id is None:
        return Found(subject, None, (), {})
    categories = _by_field(labels or ())
    dataset = DatasetFacts(
        dataset_id=dataset_id,
        domain_id=domain,
        source_id=source,
        rank=rank,
        fields=_fields(fields or (), categories, rank),
        categories=frozenset(categories.get(None, ())),
        owners=frozenset(one for one, _ in owners or () if one is not None),
        owner_groups=frozenset(one for _, one in owners or () if one is not None),
    )
    grants = tuple(
        GrantFacts(grant_id, frozenset(field_ids), {int(field): Mask(mask) for field, mask in (masks or {}).items()})
        for grant_id, field_ids, masks in held or ()
    )
    return Found(subject, dataset, grants, {field_id: name for field_id, _, name in fields or ()})


def _by_field(labels: Iterable[Sequence[Any]]) -> dict[int | None, set[int]]:
    """The categories by the field that they are of; those of None are the dataset's own."""
    categories: dict[int | None, set[int]] = {}
    for field_id, category in labels:
        categories.setdefault(field_id, set()).add(category)
    return categories


def _fields(
    fields: Iterable[Sequence[Any]], categories: Mapping[int | None, set[int]], rank: int
) -> tuple[FieldFacts, ...]:
    """A field without a level has its dataset's; what the dataset is labelled as, its fields are."""
    of_all = frozenset(categories.get(None, ()))
    return tuple(
        FieldFacts(field_id, own or rank, of_all.union(categories.get(field_id, ()))) for field_id, own, _ in fields
    )


_RULES: dict[int, InForce] = {}
"""Versions that were published never change, so they may be kept for as long as the process lives."""
_MOST_KEPT = 10_000


def policies_of(versions: Iterable[int]) -> tuple[InForce, ...]:
    """The policies of these published versions, in the order of their ids."""
    wanted = list(versions)
    missing = [pk for pk in wanted if pk not in _RULES]
    if not missing:
        return tuple(_RULES[pk] for pk in wanted)
    read = {one.pk: one.in_force() for one in PolicyVersion.objects.filter(pk__in=missing).select_related("policy")}
    found = tuple(read[pk] if pk in read else _RULES[pk] for pk in wanted)
    if not transaction.get_connection().in_atomic_block:
        # What a transaction alone may see is not kept.
        if len(_RULES) > _MOST_KEPT:
            _RULES.clear()
        _RULES.update(read)
    return found
