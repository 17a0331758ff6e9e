"""The kinds of notifications, for each of which a person chooses how to hear of it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models


class Choice(models.TextChoices):
    """How a person hears of a kind. What is mailed stands on the page of notifications too."""

    OFF = "off", "Not at all"
    PAGE = "page", "In the catalog"
    DIGEST = "digest", "In the catalog, and by a daily e-mail"
    MAIL = "mail", "In the catalog, and by e-mail at once"


SHORT = {
    Choice.OFF: "Off",
    Choice.PAGE: "Catalog",
    Choice.DIGEST: "Daily e-mail",
    Choice.MAIL: "E-mail at once",
}
"""The choices as heads of columns."""


class Kind(models.TextChoices):
    """What a notification is of. A new kind needs a line in `ABOUT` below, and nothing else."""

    REQUEST_WAITS = "request_waits", "A request waits for me"
    MY_REQUEST = "my_request", "What becomes of my requests"
    MY_ACCESS = "my_access", "My access begins, is about to end, or has ended"
    ACCESS_GIVEN = "access_given", "Access to data that I answer for"
    REVIEW_WAITS = "review_waits", "Access waits for my review"
    DELEGATION = "delegation", "Decisions that I gave or was given"
    ENFORCEMENT = "enforcement", "A grant could not be carried out in its source"
    DRIFT = "drift", "A source allows what nobody approved"
    SCHEMA = "schema", "The schema of a dataset that I own or follow changed"
    JOB = "job", "A job that writes a dataset I own or follow failed or is overdue"
    CRAWL = "crawl", "A crawl failed, was lost, or waits for a person"
    OPERATION = "operation", "The catalog itself does not work as it should"


@dataclass(frozen=True, slots=True)
class KindFacts:
    """How people hear of a kind unless they choose otherwise, an icon, and when it comes, as a sentence."""

    default: Choice
    icon: str
    comes: str


ABOUT: dict[Kind, KindFacts] = {
    Kind.REQUEST_WAITS: KindFacts(Choice.MAIL, icon="inbox", comes="Somebody asks for data, and you may decide."),
    Kind.MY_REQUEST: KindFacts(
        Choice.MAIL, icon="send", comes="Your request was approved, refused, let lapse or passed on."
    ),
    Kind.MY_ACCESS: KindFacts(
        Choice.MAIL,
        icon="lock-open",
        comes="Your access began, ends within days, or has ended, or your login in a source changed.",
    ),
    Kind.ACCESS_GIVEN: KindFacts(
        Choice.PAGE, icon="lock-access", comes="Somebody else approved or ended access to your datasets."
    ),
    Kind.REVIEW_WAITS: KindFacts(
        Choice.MAIL, icon="checklist", comes="You are asked whether access that was given is still needed."
    ),
    Kind.DELEGATION: KindFacts(
        Choice.MAIL, icon="arrows-exchange", comes="Somebody decides in another's place, or no longer does."
    ),
    Kind.ENFORCEMENT: KindFacts(
        Choice.MAIL,
        icon="alert-triangle",
        comes="Its source refused or was out of reach. Owners and administrators hear of it.",
    ),
    Kind.DRIFT: KindFacts(
        Choice.MAIL,
        icon="shield-lock",
        comes="Somebody can read what no grant allows. Owners and administrators hear of it.",
    ),
    Kind.SCHEMA: KindFacts(
        Choice.DIGEST, icon="columns-3", comes="A crawl or a pipeline found other columns, or found the dataset gone."
    ),
    Kind.JOB: KindFacts(
        Choice.MAIL, icon="route", comes="Once when it begins to fail or to be late, and once when it works again."
    ),
    Kind.CRAWL: KindFacts(
        Choice.MAIL,
        icon="database-import",
        comes="Whoever asked for it, and stewards and owners of the source's domain, hear of it.",
    ),
    Kind.OPERATION: KindFacts(
        Choice.MAIL,
        icon="heartbeat",
        comes="Workers are silent, or the like. Administrators hear of it, at its begin and its end.",
    ),
}


def default_of(kind: str) -> Choice:
    """How people hear of a kind unless they choose; of one that this version no longer knows, in the catalog."""
    return ABOUT[Kind(kind)].default if kind in Kind.values else Choice.PAGE
