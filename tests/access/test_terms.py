"""Terms: who must accept which, in which version, and who may write them."""

from __future__ import annotations

import pytest

from access.actions import publish_terms, request_access, retire_terms, revise_terms
from access.agreements import terms_for
from access.models import Terms
from access.queries import review_of, visible_requests
from access.timeline import timeline_of
from accounts.models import DomainRole
from catalog.models import Domain
from classification.models import Level
from common.errors import Conflict, Forbidden, Invalid
from tests.factories import Cast, domain, person, role


def test_terms_of_a_level_concern_it_and_those_above(cast: Cast) -> None:
    levels = list(Level.objects.order_by("rank"))
    terms = publish_terms(name="Handling", text="Keep it here.", level=levels[1], by=cast.administrator)
    email, plain = cast.field("email"), cast.field("id")
    email.level, plain.level = levels[2].rank, levels[0].rank
    email.save()
    plain.save()
    assert list(terms_for(cast.dataset, [plain, email])) == [terms]
    assert list(terms_for(cast.dataset, [plain])) == []


def test_terms_of_a_domain_concern_those_below_it(cast: Cast) -> None:
    faculty = domain("Faculty")
    Domain.objects.filter(pk=cast.domain.pk).update(parent=faculty)
    terms = publish_terms(name="Faculty rules", text="Ask the dean.", domain=faculty, by=cast.administrator)
    cast.dataset.refresh_from_db()
    assert list(terms_for(cast.dataset, [])) == [terms]


def test_nobody_asks_without_accepting_what_is_in_force(cast: Cast) -> None:
    first = publish_terms(name="Rules", text="One.", domain=cast.domain, by=cast.administrator)
    asked = {"dataset": cast.dataset, "purpose": "Look", "days": 5, "by": cast.analyst}
    with pytest.raises(Invalid) as refused:
        request_access(**asked)
    assert "Accept “Rules” (version 1" in refused.value.fields["accepts"][0]
    second = revise_terms(terms=first, text="Two.", by=cast.administrator)
    with pytest.raises(Invalid, match="Read and accept"):
        request_access(**asked, accepts=[first.pk])
    request = request_access(**asked, accepts=[first.pk, second.pk])
    assert [one.terms for one in request.acceptances.all()] == [second]
    way = timeline_of(review_of(cast.owner, visible_requests(cast.owner).get(pk=request.pk)))
    assert "Accepted “Rules”, version 2." in [step.sentence for step in way]


def test_versions_follow_each_other_and_one_is_in_force(cast: Cast) -> None:
    first = publish_terms(name="Rules", text="One.", domain=cast.domain, by=cast.administrator)
    second = revise_terms(terms=first, text="Two.", by=cast.administrator)
    assert (second.number, list(Terms.objects.in_force())) == (2, [second])
    with pytest.raises(Conflict, match="not in force"):
        revise_terms(terms=first, text="Three.", by=cast.administrator)
    with pytest.raises(Invalid, match="Nothing changed"):
        revise_terms(terms=second, text="Two. ", by=cast.administrator)
    lines = revise_terms(terms=second, text="Two.\nThree.", by=cast.administrator)
    with pytest.raises(Invalid, match="Nothing changed"):
        revise_terms(terms=lines, text="Two.\r\nThree.\r\n", by=cast.administrator)
    with pytest.raises(Conflict, match="already"):
        publish_terms(name="rules", text="Other.", domain=cast.domain, by=cast.administrator)
    retire_terms(terms=lines, by=cast.administrator)
    assert not Terms.objects.in_force().exists() and not terms_for(cast.dataset, [])


def test_owners_write_terms_of_their_domain_and_administrators_all(cast: Cast) -> None:
    chief = person("chief")
    role(cast.domain, chief, DomainRole.OWNER)
    publish_terms(name="Rules", text="One.", domain=cast.domain, by=chief)
    level = Level.objects.earliest("rank")
    for refused in ({"domain": domain("Other"), "by": chief}, {"level": level, "by": chief},
                    {"domain": cast.domain, "by": cast.steward}):  # fmt: skip
        with pytest.raises(Forbidden):
            publish_terms(name="More", text="x", **refused)
    with pytest.raises(Invalid, match="either a level or a domain"):
        publish_terms(name="Both", text="x", level=level, domain=cast.domain, by=cast.administrator)
