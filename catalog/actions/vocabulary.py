"""The words that datasets are tagged with: the organisation's own vocabulary."""

from __future__ import annotations

from django.db import connection, transaction
from django.utils.text import slugify

from accounts.models import Principal
from audit.recording import record
from catalog.actions.writing import created, edited
from catalog.events import TagCreated, TagRenamed
from catalog.models import Tag
from catalog.permissions import check_can_edit_tags
from catalog.search_index import refresh_search
from common.errors import Conflict, Invalid

_TAKEN = "There is already a tag called {}. Use that one, or choose another name."


@transaction.atomic
def create_tag(*, name: str, slug: str = "", by: Principal) -> Tag:
    """A new tag; without a slug it gets one from its name.

    Raises `Invalid` for a name that makes no slug, `Conflict` where name or slug is taken, however it is capitalised.
    """
    check_can_edit_tags(by)
    name = name.strip()
    _check_free(name)
    slug = slug or slugify(name)[:60].strip("-_")
    if not slug:
        raise Invalid("Say a short name too.", {"slug": ["None can be made from this name: write one yourself."]})
    tag: Tag = created(Tag(slug=slug, name=name), f"Another tag has the short name {slug}. Choose another.")
    record(TagCreated(tag_id=tag.pk, tag=name), by=by)
    return tag


@transaction.atomic
def rename_tag(*, tag: Tag, name: str, by: Principal) -> Tag:
    """Call a tag something else on everything that has it. Its slug stays, so addresses and programs go on working."""
    check_can_edit_tags(by)
    tag = Tag.objects.select_for_update().get(pk=tag.pk)
    name = name.strip()
    _check_free(name, but=tag)
    before, after = edited(tag, {"name": name}, ("name",))
    if after:
        _rename_on_datasets(before["name"], name)
        record(TagRenamed(tag_id=tag.pk, tag=name, old=before["name"], before=before, after=after), by=by)
    return tag


def _rename_on_datasets(old: str, new: str) -> None:
    """The names that datasets keep of their tags, and what search knows of them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE catalog_dataset
            SET tag_names = ARRAY(SELECT DISTINCT unnest(array_replace(tag_names, %(old)s, %(new)s)) ORDER BY 1)
            WHERE tag_names @> ARRAY[%(old)s]
            RETURNING id
            """,
            {"old": old, "new": new},
        )
        renamed = [row[0] for row in cursor.fetchall()]
    refresh_search(renamed)


def _check_free(name: str, *, but: Tag | None = None) -> None:
    """Two tags that differ only in capitals would be taken for one."""
    others = Tag.objects.exclude(pk=but.pk) if but else Tag.objects.all()
    taken = others.filter(name__iexact=name).first()
    if taken is not None:
        raise Conflict(_TAKEN.format(taken))
