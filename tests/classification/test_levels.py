"""The levels themselves: pages, REST, and what changing them does."""

from __future__ import annotations

import pytest
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from accounts.models import Principal
from catalog.models import Domain, Tier
from classification.actions import add_level, delete_level, edit_level, reorder_levels, set_level
from classification.models import Category, Label, Level
from common.errors import Conflict, Forbidden, Invalid
from tests.factories import Cast, bearer


def level(slug: str) -> Level:
    return Level.objects.get(slug=slug)


def order() -> list[tuple[str, int]]:
    return list(Level.objects.order_by("rank").values_list("slug", "rank"))


def test_only_administrators_change_levels(cast: Cast) -> None:
    with pytest.raises(Forbidden):
        add_level(slug="secret", name="Secret", colour="red", by=cast.steward)
    with pytest.raises(Forbidden):
        delete_level(level=level("public"), by=cast.owner)


def test_a_new_level_goes_where_it_is_put_and_datasets_follow(cast: Cast) -> None:
    set_level(fields=[cast.field("email")], level=level("restricted"), reason="Law", by=cast.steward)
    add_level(slug="partner", name="Partner", colour="teal", above=level("internal"), by=cast.administrator)
    assert order() == [("public", 1), ("internal", 2), ("partner", 3), ("confidential", 4), ("restricted", 5)]
    cast.dataset.refresh_from_db()
    assert (cast.dataset.level, cast.field("email").level) == (5, 5)


def test_swapping_levels_moves_the_datasets_that_have_both(cast: Cast) -> None:
    set_level(fields=[cast.field("email")], level=level("internal"), reason="a", by=cast.steward)
    set_level(fields=[cast.field("name")], level=level("public"), reason="b", by=cast.steward)
    by_slug = {each.slug: each for each in Level.objects.all()}
    reorder_levels(
        order=[by_slug[slug] for slug in ("internal", "public", "confidential", "restricted")],
        by=cast.administrator,
    )
    cast.dataset.refresh_from_db()
    assert (cast.field("email").level, cast.field("name").level, cast.dataset.level) == (1, 2, 2)


def test_an_order_names_every_level_once(cast: Cast) -> None:
    with pytest.raises(Invalid, match="changed since"):
        reorder_levels(order=[level("public")], by=cast.administrator)


def test_a_level_that_was_ever_used_stays(cast: Cast) -> None:
    set_level(datasets=[cast.dataset], level=level("public"), reason="Open", by=cast.steward)
    Label.objects.update(valid_to="2099-01-01T00:00Z")
    with pytest.raises(Conflict, match="history names it"):
        delete_level(level=level("public"), by=cast.administrator)


def test_deleting_an_unused_level_closes_the_gap(cast: Cast) -> None:
    Category.objects.filter(level=level("internal")).update(level=level("confidential"))
    set_level(datasets=[cast.dataset], level=level("restricted"), reason="Law", by=cast.steward)
    delete_level(level=level("internal"), by=cast.administrator)
    assert order() == [("public", 1), ("confidential", 2), ("restricted", 3)]
    cast.dataset.refresh_from_db()
    assert cast.dataset.level == 3


def test_a_level_of_categories_cannot_be_deleted(cast: Cast) -> None:
    with pytest.raises(Conflict, match="Give them another level first"):
        delete_level(level=level("internal"), by=cast.administrator)


def test_a_colour_outside_the_palette_is_refused(cast: Cast) -> None:
    with pytest.raises(Invalid):
        edit_level(level=level("public"), changes={"colour": "#ff0000"}, by=cast.administrator)
    with pytest.raises(IntegrityError):
        Level.objects.filter(slug="public").update(colour="#ff0000")


def test_everybody_reads_the_levels_and_only_administrators_get_buttons(client: Client, cast: Cast) -> None:
    client.force_login(cast.outsider.user)
    page = client.get(reverse("classification:level_list")).text
    assert page.index("Restricted") < page.index("Public") and "New level" not in page
    assert client.get(reverse("classification:level_add")).status_code == 403
    client.force_login(cast.administrator.user)
    assert "New level" in client.get(reverse("classification:level_list")).text


def test_an_administrator_adds_moves_and_deletes_levels_on_pages(client: Client, cast: Cast) -> None:
    client.force_login(cast.administrator.user)
    values = {"name": "Partner", "slug": "partner", "colour": "teal", "above": "internal"}
    values |= {"longest_grant_days": "90", "approvals": "2"}
    assert client.post(reverse("classification:level_add"), values).status_code == 302
    move = reverse("classification:level_move", args=["partner", "up"])
    assert "Swap Partner and Confidential?" in client.get(move).text
    client.post(move)
    assert [slug for slug, _ in order()] == ["public", "internal", "confidential", "partner", "restricted"]
    delete = reverse("classification:level_delete", args=["partner"])
    assert "affects no dataset" in client.get(delete).text
    client.post(delete)
    assert "partner" not in dict(order())


def test_a_level_in_use_shows_what_has_it_instead_of_a_button(client: Client, cast: Cast) -> None:
    set_level(datasets=[cast.dataset], level=level("public"), reason="Open", by=cast.steward)
    client.force_login(cast.administrator.user)
    page = client.get(reverse("classification:level_delete", args=["public"])).text
    assert "It is in use" in page and "Delete Public</button>" not in page


def test_a_steward_labels_columns_on_a_page(client: Client, cast: Cast) -> None:
    url = reverse("classification:dataset_level", args=[cast.dataset.pk])
    client.force_login(cast.steward.user)
    email = cast.field("email")
    assert f'value="{email.pk}" checked' in client.get(f"{url}?field={email.pk}").text
    values = {"fields_chosen": [email.pk], "level": "confidential", "reason": "It names people"}
    page = client.post(url, values, follow=True).text
    assert "Set 1 thing to Confidential." in page and "It names people" in page
    nothing = client.post(url, {"level": "confidential", "reason": "?"}).text
    assert "Choose columns, or the dataset as a whole." in nothing
    page = client.post(url, {**values, "level": "none"}, follow=True).text
    assert "Took the level off 1 thing." in page


@pytest.mark.parametrize("who", ["outsider", "analyst"])
def test_others_do_not_get_the_form(client: Client, cast: Cast, who: str) -> None:
    client.force_login(getattr(cast, who).user)
    assert client.get(reverse("classification:dataset_level", args=[cast.dataset.pk])).status_code == 403


@pytest.mark.parametrize(("tier", "whole", "column"), [("NONE", 404, 404), ("DISCOVER", 403, 404)])
def test_what_may_be_known_is_forbidden_and_what_is_hidden_is_not_found(
    client: Client, cast: Cast, tier: str, whole: int, column: int
) -> None:
    Domain.objects.filter(pk=cast.domain.pk).update(open_tier=Tier[tier])
    client.force_login(cast.outsider.user)
    page = reverse("classification:dataset_level", args=[cast.dataset.pk])
    assert [client.get(page).status_code, client.post(page).status_code] == [whole, whole]
    headers = bearer(Principal.objects.get(pk=cast.outsider.pk))
    body = {"level": "public", "reason": "It is known"}
    for targets, status in (({"datasets": [cast.dataset.pk]}, whole), ({"fields": [cast.field("id").pk]}, column)):
        answer = client.post("/api/v2/labels/", body | targets, content_type="application/json", headers=headers)
        assert answer.status_code == status, targets


def test_levels_over_rest(client: Client, cast: Cast) -> None:
    headers = bearer(cast.administrator)
    listed = client.get("/api/v2/levels/", headers=headers).json()["results"]
    assert [row["slug"] for row in listed] == ["public", "internal", "confidential", "restricted"]
    read = client.get("/api/v2/levels/public/", headers=headers)
    change = {"name": "Open"}
    args = ("/api/v2/levels/public/", change, "application/json")
    assert client.patch(*args, headers=headers).status_code == 428
    done = client.patch(*args, headers={**headers, "If-Match": read.headers["ETag"]})
    assert done.json()["name"] == "Open"
    assert client.patch(*args, headers={**headers, "If-Match": read.headers["ETag"]}).status_code == 412
    turned = client.post(
        "/api/v2/levels/order/",
        {"order": ["internal", "public", "confidential", "restricted"]},
        "application/json",
        headers=headers,
    )
    assert [row["rank"] for row in turned.json()] == [1, 2, 3, 4]
    made = client.post(
        "/api/v2/levels/", {"slug": "top", "name": "Top", "colour": "violet"}, "application/json", headers=headers
    )
    assert (made.status_code, made.json()["rank"]) == (201, 5)
    gone = client.delete("/api/v2/levels/top/", headers={**headers, "If-Match": made.headers["ETag"]})
    assert gone.status_code == 204


def test_labels_over_rest(client: Client, cast: Cast) -> None:
    headers = bearer(cast.steward)
    body = {"fields": [cast.field("email").pk], "level": "confidential", "reason": "Personal"}
    done = client.post("/api/v2/labels/", body, "application/json", headers=headers)
    assert (done.status_code, done.json()) == (200, {"changed": 1})
    (label,) = client.get(f"/api/v2/labels/?dataset={cast.dataset.pk}&current=true", headers=headers).json()["results"]
    assert (label["path"], label["level"], label["author"]["name"]) == (["email"], "confidential", "Stella")
    assert client.get("/api/v2/labels/", headers=bearer(cast.outsider)).json()["results"] == []
    refused = client.post("/api/v2/labels/", body, "application/json", headers=bearer(cast.outsider))
    assert refused.status_code == 404
    body.pop("level")
    assert client.post("/api/v2/labels/clear/", body, "application/json", headers=headers).json() == {"changed": 1}


def test_a_level_is_edited_on_its_page(client: Client, cast: Cast) -> None:
    url = reverse("classification:level_edit", args=["internal"])
    typed = {
        "name": "For staff",
        "description": "What the staff may know.",
        "handling": "**Keep** it inside.",
        "colour": "teal",
        "longest_grant_days": "30",
        "approvals": "2",
    }
    client.force_login(cast.steward.user)
    assert client.post(url, typed).status_code == 403
    client.force_login(cast.administrator.user)
    assert "For staff is changed." in client.post(url, typed, follow=True).text
    changed = level("internal")
    assert {name: str(getattr(changed, name)) for name in typed} == typed
    refused = client.post(url, typed | {"approvals": "0"})
    assert "approvals" in refused.context["form"].errors
    assert level("internal").approvals == 2
    assert order()[1] == ("internal", 2)
