"""Who hears of crawls that need somebody."""

from __future__ import annotations

import pytest

from accounts.models import Principal
from alerts.models import Notification
from audit.delivery import deliver_pending
from ingestion.actions import request_crawl
from ingestion.leases import claim, end
from ingestion.models import Run, RunState
from tests.alerts.told import told
from tests.factories import Cast, source

pytestmark = pytest.mark.django_db


def ended(cast: Cast, state: str, by: Principal) -> Run:
    run = request_crawl(source=cast.source, by=by)
    assert claim(run.pk)
    return end(run.pk, state, "The server refused the password s3cret.")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (RunState.FAILED, "The crawl of ontrack failed. Its page says why and what to do."),
        (RunState.LOST, "The crawl of ontrack was lost, since its worker fell silent."),
        (RunState.WAITING, "The crawl of ontrack would change much, and waits for somebody to confirm its plan"),
    ],
)
def test_whoever_asked_and_whoever_may_crawl_hear_of_a_crawl_that_needs_them(
    cast: Cast, state: str, words: str
) -> None:
    ended(cast, state, cast.administrator)
    for person_ in (cast.administrator, cast.steward):
        (sentence,) = told(person_)
        assert sentence.startswith(words) and "s3cret" not in sentence
    for other in (cast.analyst, cast.outsider, cast.owner):
        assert told(other) == []


def test_a_crawl_that_went_well_or_was_cancelled_is_no_news(cast: Cast) -> None:
    ended(cast, RunState.SUCCEEDED, cast.steward)
    ended(cast, RunState.CANCELLED, cast.steward)
    deliver_pending()
    assert not Notification.objects.exists()


def test_administrators_hear_of_a_source_that_nobody_answers_for(cast: Cast) -> None:
    lonely = source("lonely")
    run = request_crawl(source=lonely, by=Principal.objects.system())
    assert claim(run.pk)
    end(run.pk, RunState.FAILED, "No answer.")
    assert told(cast.administrator) == ["The crawl of lonely failed. Its page says why and what to do."]
    assert told(cast.steward) == []
