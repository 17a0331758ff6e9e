"""Publish, replace and retire terms; a published version never changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify

from access.agreements import check_can_publish
from access.events import TermsAccepted, TermsPublished, TermsRetired
from access.models import AccessRequest, Terms, TermsAcceptance
from accounts.models import Principal
from audit.events import Event
from audit.recording import record
from catalog.models import Domain
from classification.models import Level
from common.errors import Conflict, Invalid


@transaction.atomic
def publish_terms(
    *, name: str, text: str, by: Principal, level: Level | None = None, domain: Domain | None = None
) -> Terms:
    """Publish a new text for the data of a level and above, or of a domain and below: just one of the two.

    Whoever asks from now on must accept it; what was granted stays.
    """
    check_can_publish(by, domain)
    if (level is None) == (domain is None):
        raise Invalid("Say what data it is about: either a level or a domain.", {"concerns": ["Choose one of them."]})
    name, text = name.strip(), _plain(text)
    if not name:
        raise Invalid("Give the terms a name.", {"name": ["Say in a few words what is agreed on."]})
    slug = slugify(name)[:60].strip("-")
    if not slug:
        raise Invalid("Choose a name with letters or digits.", {"name": ["It needs letters or digits."]})
    if Terms.objects.filter(slug=slug).exists():
        raise Conflict(f"There are terms called {name} already. Publish a new version of them, or choose another name.")
    return _publish(Terms(slug=slug, number=1, name=name, text=text, level=level, domain=domain, published_by=by), by)


@transaction.atomic
def revise_terms(*, terms: Terms, text: str, by: Principal) -> Terms:
    """Replace the version in force by a new one about the same data. Raises `Conflict` where it is in force no more."""
    current, text = _in_force(terms, by), _plain(text)
    if text == current.text:
        raise Invalid("Nothing changed in the text.", {"text": ["Change it, or leave the version as it is."]})
    current.valid_to = timezone.now()
    current.save(update_fields=["valid_to"])
    return _publish(
        Terms(
            slug=current.slug,
            number=current.number + 1,
            name=current.name,
            text=text,
            level=current.level,
            domain=current.domain,
            valid_from=current.valid_to,
            published_by=by,
        ),
        by,
    )


@transaction.atomic
def retire_terms(*, terms: Terms, by: Principal) -> Terms:
    """Nobody has to accept them any more; what was accepted stays on record."""
    current = _in_force(terms, by)
    current.valid_to = timezone.now()
    current.save(update_fields=["valid_to"])
    record(TermsRetired(**_told(current)), by=by)
    return current


def accept_terms(*, request: AccessRequest, terms: Sequence[Terms], told: dict[str, Any], by: Principal) -> list[Event]:
    """Write down that whoever sends the request accepted these; gives the events for the caller to record.

    `told` are the values that all events of the request tell.
    """
    accepted = [TermsAcceptance(request=request, terms=one, by=by) for one in terms]
    TermsAcceptance.objects.bulk_create(accepted)
    return [TermsAccepted(**told, terms_id=one.pk, terms=one.name, number=one.number) for one in terms]


def _plain(text: str) -> str:
    """As it is kept, however lines end where it was written: browsers send them as CRLF."""
    return "\n".join(text.splitlines()).strip()


def _publish(terms: Terms, by: Principal) -> Terms:
    if not terms.text:
        raise Invalid("Write what is to be accepted.", {"text": ["Write it, as Markdown."]})
    try:
        with transaction.atomic():
            terms.save()
    except IntegrityError:
        raise Conflict("Somebody published a version at this moment. Reload the page to see it.") from None
    record(TermsPublished(**_told(terms), text=terms.text), by=by)
    return terms


def _in_force(terms: Terms, by: Principal) -> Terms:
    found = Terms.objects.select_for_update(of=("self",)).select_related("level", "domain").get(pk=terms.pk)
    check_can_publish(by, found.domain)
    if found.valid_to is not None:
        raise Conflict("This version is not in force any more. Look at the newest one.")
    return found


def _told(terms: Terms) -> dict[str, Any]:
    return {"terms_id": terms.pk, "terms": terms.name, "number": terms.number, "concerns": terms.concerns}
