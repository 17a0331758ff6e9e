"""Tags by the words that pipelines use for them, and the tags that each dataset shows."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.text import slugify

from catalog.models import Field, Proposal, Tag
from catalog.proposals import digest_of
from catalog.search_index import refresh_search

if TYPE_CHECKING:
    from accounts.models import Principal

_LONGEST = 60


def tag_slug(name: str) -> str:
    """The slug of a tag that is not known yet; one of its own for a name without Latin letters or digits."""
    slug = slugify(name).strip("-_")
    if not slug:
        return f"tag-{_digest(name)}"
    return slug if len(slug) <= _LONGEST else f"{slug[:50]}-{_digest(name)}"


def _tag_name(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[:50]}… {_digest(name)}"


def _digest(name: str) -> str:
    return hashlib.blake2b(name.encode(), digest_size=4).hexdigest()


def known_tags(names: Iterable[str]) -> dict[str, Tag]:
    """The tags that these words mean: of this name, whatever the case, or else of this slug; one statement."""
    wanted = sorted(set(names))
    if not wanted:
        return {}
    rows = Tag.objects.alias(lower=Lower("name")).filter(
        Q(lower__in=[_tag_name(name).lower() for name in wanted]) | Q(slug__in=[tag_slug(name) for name in wanted])
    )
    by_name = {tag.name.lower(): tag for tag in rows}
    by_slug = {tag.slug: tag for tag in by_name.values()}
    found = {name: by_name.get(_tag_name(name).lower()) or by_slug.get(tag_slug(name)) for name in wanted}
    return {name: tag for name, tag in found.items() if tag is not None}


def tags_called(names: Iterable[str]) -> dict[str, Tag]:
    """The tags that these words mean, made where there is none; three statements at most."""
    wanted = sorted(set(names))
    found = known_tags(wanted)
    missing = [name for name in wanted if name not in found]
    if missing:
        Tag.objects.bulk_create(
            (Tag(slug=tag_slug(name), name=_tag_name(name)) for name in missing), ignore_conflicts=True
        )
        found |= known_tags(missing)
    return found


def push_tag_names(dataset_ids: Sequence[int]) -> None:
    """Write the names of each dataset's tags, and of its columns', where search reads them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE catalog_dataset AS dataset SET tag_names = ARRAY(
                SELECT DISTINCT tag.name FROM catalog_tagassignment AS held JOIN catalog_tag AS tag ON tag.id = held.tag_id
                WHERE held.dataset_id = dataset.id AND held.valid_to IS NULL ORDER BY 1
            ) WHERE id = ANY(%s)
            """,
            [list(dataset_ids)],
        )
    refresh_search(dataset_ids)


def keep_untagged(dataset_ids: Collection[int], *, tag: Tag, field: Field | None, by: Principal) -> None:
    """Somebody took off what a pipeline says: note it as declined, so that it does not come back when it is told again."""
    now = timezone.now()
    payload = {"tag": tag.name, "field": ".".join(field.path) if field else ""}
    Proposal.objects.bulk_create(
        (
            Proposal(
                dataset_id=pk,
                kind=Proposal.Kind.TAG,
                payload=payload,
                digest=digest_of(payload),
                at=now,
                state=Proposal.State.DECLINED,
                decided_by=by,
                decided_at=now,
            )
            for pk in sorted(dataset_ids)
        ),
        update_conflicts=True,
        unique_fields=["dataset", "kind", "digest"],
        update_fields=["state", "decided_by", "decided_at"],
    )
