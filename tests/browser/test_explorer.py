"""The lineage explorer in a real browser: expansion, columns, panels, paths, tables, keys, files and its address."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect

from accounts.tokens import mint
from catalog.models import Dataset
from catalog.search_index import refresh_search
from lineage.draining import drain
from lineage.intake import accept_batch
from tests import factories
from tests.browser.conftest import House
from tests.browser.harness import settled, violations
from tests.lineage.events import dataset, run_event
from tests.lineage.test_column_lineage import FILTER, HASH, IDENTITY, made_of
from tests.thoroughness import looks

pytestmark = [pytest.mark.browser, pytest.mark.django_db]

SQL = {"sql": {"query": "INSERT INTO safe SELECT sha256(email) FROM clean"}}


@pytest.fixture(scope="module")
def datasets(house: House, django_db_blocker: Any) -> dict[str, int]:
    """raw -> clean -> safe (masked) -> report, 14 exports of clean, and clean filters report."""
    with django_db_blocker.unblock():
        sender = factories.pipeline("explored")
        token = mint(principal=sender, name="explored", scopes=["lineage:write"], by=sender).token
        told = [
            ("tidy", ["raw"], "clean", {}, {"email": [("raw", "email", IDENTITY)]}),
            ("mask", ["clean"], "safe", SQL, {"digest": [("clean", "email", HASH)]}),
            (
                "report", ["safe", "clean"], "report", {},
                {"people": [("safe", "digest", IDENTITY)], "whole": [("clean", "active", FILTER)]},
            ),
            *((f"export_{number}", ["clean"], f"export_{number:02}", {}, {}) for number in range(14)),
        ]  # fmt: skip
        events = []
        for number, (job, inputs, output, code, columns) in enumerate(told):
            facets: dict[str, Any] = {"columnLineage": made_of(**columns)} if columns else {}
            outputs = [dataset(output, fields=[name for name in columns if name != "whole"], **facets)]
            events.append(
                run_event("COMPLETE", job=job, inputs=inputs, outputs=outputs, job_facets=code, seconds=number)
            )
        accept_batch(json.dumps(events).encode(), token=token)
        drain()
        names = ["raw", "clean", "safe", "report", *(f"export_{number:02}" for number in range(14))]
        rows = Dataset.objects.filter(qualified_name__in=names)
        rows.update(domain=house.world.domain)
        for rank, name in enumerate(("report", "safe", "clean", "raw")):
            Dataset.objects.filter(qualified_name=name).update(criticality=(0, 1, 16, 17)[rank])
        refresh_search(list(rows.values_list("pk", flat=True)))
        return dict(rows.values_list("qualified_name", "pk"))


def opened(house: House, dataset_id: int, query: str = "", **options: Any) -> Page:
    page = house.session.page(cookies=house.cookies("administrator"), **options)
    page.goto(house.session.url(f"/datasets/{dataset_id}/lineage/{query}"))
    return settled(page)


def node(page: Page, key: int | str) -> Any:
    return page.locator(f'.dc-node[data-key="{key}"]')


def head(page: Page, key: int | str) -> Any:
    return node(page, key).locator(".dc-node-main")


def box_of(part: Locator) -> FloatRect:
    box = part.bounding_box()
    assert box is not None, "It is not drawn."
    return box


def count(page: Page, number: int) -> None:
    expect(page.locator("#explorer")).to_have_attribute("data-nodes", str(number))


def test_it_opens_with_a_page_of_neighbours_and_shows_the_next_one(house, datasets):
    page = opened(house, datasets["clean"])
    # raw, clean, ten of sixteen downstream.
    count(page, 12)
    more = node(page, datasets["clean"]).get_by_role("button", name="Show more downstream of clean, 10 of 16 shown")
    before = head(page, datasets["clean"]).bounding_box()
    more.focus()
    page.keyboard.press("Enter")
    count(page, 18)
    assert "expand=" in page.url
    after = head(page, datasets["clean"]).bounding_box()
    assert before is not None and after is not None
    assert abs(before["x"] - after["x"]) < 2 and abs(before["y"] - after["y"]) < 2, (
        "what was acted on stays where it was"
    )
    page.go_back()
    count(page, 12)
    page.go_forward()
    page.reload()
    settled(page)
    count(page, 18)
    node(page, datasets["clean"]).get_by_role("button", name="Fold what is downstream of clean").press("Enter")
    count(page, 2)
    page.context.close()


def test_a_column_shows_its_lineage_with_masking_and_influences_apart(house, datasets):
    page = opened(house, datasets["raw"], "?direction=down")
    node(page, datasets["raw"]).get_by_role("button", name="Show the columns of raw").press("Enter")
    row = node(page, datasets["raw"]).get_by_role("button", name="Lineage of the column email of raw")
    row.press("Enter")
    count(page, 4)
    expect(page.locator(".dc-line.is-flow")).to_have_count(3)
    expect(page.locator(".dc-line-mask")).to_have_count(1)
    expect(page.get_by_text("The lineage of the column email")).to_be_visible()
    assert f"open={datasets['raw']}" in page.url and "column=" in page.url
    page.goto(house.session.url(f"/datasets/{datasets['clean']}/lineage/?column={datasets['clean']}:active"))
    settled(page)
    expect(page.locator(".dc-line.is-whole")).to_have_count(1)
    page.get_by_role("link", name="Leave the column").click()
    expect(page.locator(".dc-line.is-whole")).to_have_count(0)
    assert "column=" not in page.url
    page.context.close()


def test_a_line_opens_its_job_code_run_and_columns(house, datasets):
    page = opened(house, datasets["safe"])
    line = page.locator(f'.dc-line[data-source="{datasets["clean"]}"][data-target="{datasets["safe"]}"] .dc-line-hit')
    line.dispatch_event("click")
    panel = page.get_by_role("complementary", name="Details")
    expect(panel).to_contain_text("sha256(email)")
    for text in ("mask", "Told by a pipeline", "Completed", "First seen", "Last seen", "digest", "masked", "lower(x)"):
        expect(panel).to_contain_text(text)
    assert violations(page, within="#explorer") == []
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    page.context.close()


def test_a_node_opens_its_panel_where_columns_are_searched_and_chosen(house, datasets):
    page = opened(house, datasets["safe"])
    head(page, datasets["safe"]).press("Enter")
    panel = page.get_by_role("complementary", name="Details")
    expect(panel.get_by_role("heading", name="safe")).to_be_visible()
    panel.get_by_role("searchbox").fill("dig")
    panel.get_by_role("searchbox").press("Enter")
    panel.get_by_role("link", name="digest").click()
    expect(page.get_by_text("The lineage of the column digest")).to_be_visible()
    assert page.url.endswith(f"column={datasets['safe']}%3Adigest")
    page.context.close()


def test_a_path_to_another_dataset_is_found_from_the_box(house, datasets):
    page = opened(house, datasets["raw"])
    count(page, 2)
    page.get_by_label("Find a path to").press_sequentially("report")
    option = page.locator("#lineage-path-list [role=option]", has_text="report").first
    option.wait_for()
    place = option.locator(".dc-suggestion-place")
    place.evaluate(
        "part => part.textContent = 'A system / A source with a long name / a_database / a_schema_at_the_end'"
    )
    assert place.evaluate("part => part.scrollWidth <= part.clientWidth"), "the place's end is cut off"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_text("raw → clean → report")).to_be_visible()
    expect(page.locator(".dc-line.on-path")).to_have_count(4)
    assert f"to={datasets['report']}" in page.url
    page.get_by_role("link", name="Leave the path").click()
    count(page, 2)
    page.context.close()


def test_arrow_keys_walk_along_lines_and_say_where_they_lead(house, datasets):
    page = opened(house, datasets["safe"], "?depth=2")
    current = head(page, datasets["safe"])
    expect(current).to_have_attribute("tabindex", "0")
    current.focus()
    page.keyboard.press("ArrowLeft")
    expect(head(page, datasets["clean"])).to_be_focused()
    expect(page.locator("#announcer")).to_have_text("clean, through mask")
    page.keyboard.press("l")
    panel = page.get_by_role("complementary", name="Details")
    expect(panel).to_contain_text("sha256(email)")
    page.keyboard.press("Escape")
    expect(head(page, datasets["clean"])).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(head(page, datasets["raw"])).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#announcer")).to_have_text("Nothing further that way")
    page.keyboard.press("c")
    row = node(page, datasets["raw"]).get_by_role("button", name="Lineage of the column email of raw")
    expect(row).to_be_attached()
    zoom = "() => document.querySelector('.dc-explorer-canvas').__zoom.k"
    before = page.evaluate(zoom)
    page.keyboard.press("+")
    assert page.evaluate(zoom) > before
    page.context.close()


def test_the_slider_leaves_out_what_is_less_critical(house, datasets):
    page = opened(house, datasets["clean"])
    slider = page.get_by_role("slider")
    slider.focus()
    page.keyboard.press("ArrowRight")
    count(page, 3)
    assert "critical=1" in page.url
    expect(page.get_by_text("less critical left out")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    count(page, 12)
    page.context.close()


def test_the_slider_is_not_there_where_there_is_nothing_to_choose(house, datasets):
    page = opened(house, datasets["export_00"], "?direction=down")
    count(page, 1)
    expect(page.locator("#lineage-slider")).to_be_hidden()
    expect(page.get_by_text("At least so many depend on it")).to_be_hidden()
    page.context.close()


def test_times_to_choose_from_change_the_picture(house, datasets):
    page = opened(house, datasets["clean"])
    page.locator(".dc-explorer-time summary").click()
    page.get_by_role("link", name="A year ago").click()
    count(page, 1)
    assert "as_of=" in page.url
    expect(page.get_by_label("As of (UTC)")).not_to_have_value("")
    page.get_by_label("As far as").select_option("2")
    page.wait_for_url("**depth=2**")
    page.context.close()


def test_the_table_says_the_same_and_is_all_there_is_without_javascript(house, datasets):
    page = opened(house, datasets["clean"])
    page.get_by_role("link", name="Table", exact=True).click()
    page.wait_for_url("**view=table**")
    expect(page.get_by_role("rowheader")).to_have_count(12)
    page.get_by_role("link", name="Connections (11)").click()
    page.get_by_role("link", name="How clean flows to safe").click()
    expect(page.get_by_role("heading", name="clean to safe", level=1)).to_be_visible()
    page.context.close()
    plain = opened(house, datasets["clean"], javascript=False)
    expect(plain.get_by_role("rowheader")).to_have_count(12)
    plain.get_by_role("link", name="More downstream of clean").click()
    expect(plain.get_by_role("rowheader")).to_have_count(18)
    plain.get_by_label("Find a path to").fill("report")
    plain.get_by_role("button", name="Show").click()
    plain.get_by_role("main").get_by_role("link", name="report", exact=True).first.click()
    expect(plain.get_by_text("clean → report")).to_be_visible()
    plain.context.close()


def test_the_picture_is_saved_as_svg_and_png_and_the_table_as_csv(house, datasets):
    page = opened(house, datasets["clean"])
    saved: dict[str, bytes] = {}
    for kind, role, name in (
        ("svg", "button", "Picture as SVG"), ("png", "button", "Picture as PNG"), ("csv", "link", "Table as CSV"),
    ):  # fmt: skip
        page.locator("summary", has_text="Export").click()
        with page.expect_download() as download:
            page.get_by_role(role, name=name).click()
        assert download.value.suggested_filename.endswith(f".{kind}")
        saved[kind] = Path(download.value.path()).read_bytes()
        if page.locator(".dc-explorer-actions details[open]").count():
            page.keyboard.press("Escape")
    svg = ET.fromstring(saved["svg"])
    texts = [element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert "clean" in texts and "export_00" in texts
    assert not {"‹", "›", "−"} & set("".join(text or "" for text in texts))
    assert b"@font-face{font-family:" in saved["svg"] and b"src:url(data:" in saved["svg"]
    assert b"var(--" not in saved["svg"] and b"href=" not in saved["svg"] and b"class=" not in saved["svg"]
    assert saved["png"].startswith(b"\x89PNG") and len(saved["png"]) > 10_000
    assert saved["csv"].decode().splitlines()[0].startswith("kind,from_namespace")
    assert len(saved["csv"].decode().splitlines()) == 12
    page.context.close()


def test_everything_is_in_view_after_columns_are_opened_where_there_is_room(house, datasets):
    page = opened(house, datasets["safe"])
    frame = box_of(page.locator(".dc-explorer-canvas"))
    page.mouse.move(frame["x"] + 8, frame["y"] + 8)
    page.mouse.down()
    page.mouse.move(frame["x"] + 8, frame["y"] + frame["height"] - 20, steps=5)
    page.mouse.up()

    def lowest() -> float:
        boxes = [box_of(node(page, datasets[name]).locator(".dc-node-box")) for name in ("clean", "safe", "report")]
        return max(box["y"] + box["height"] for box in boxes)

    assert lowest() > frame["y"] + frame["height"]
    head(page, datasets["safe"]).focus()
    page.keyboard.press("c")
    expect(node(page, datasets["safe"]).locator(".dc-node-column").first).to_be_attached()
    frame = box_of(page.locator(".dc-explorer-canvas"))
    assert lowest() <= frame["y"] + frame["height"]
    page.context.close()


def test_the_badge_of_a_flow_that_masks_holds_its_word(house, datasets):
    page = opened(house, datasets["safe"], f"?column={datasets['safe']}:digest")
    badge = page.locator(".dc-line-mask").first
    pill, word = box_of(badge.locator("rect")), box_of(badge.locator("text"))
    assert pill["x"] < word["x"] and word["x"] + word["width"] <= pill["x"] + pill["width"] - 4
    page.context.close()


def test_full_screen_fills_the_screen_and_comes_back(house, datasets):
    page = opened(house, datasets["clean"])
    button = page.get_by_role("button", name="Full screen")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("document.fullscreenElement.id") == "explorer"
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    page.context.close()


@pytest.mark.parametrize("query", ["?depth=3", "?view=table", "?depth=2&view=table&list=connections"])
def test_every_look_is_accessible_and_quiet(house, datasets, query):
    house.session.faults.clear()
    page = opened(house, datasets["clean"], query)
    found: list[str] = []
    for theme, width in looks(query):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        page.reload()
        settled(page)
        found += [f"{theme} {width}: {line}" for line in violations(page)]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{theme} {width}: the page is wider than the window")
    page.context.close()
    assert found == []
    assert house.session.faults == []


def test_from_far_away_boxes_are_drawn_without_words_and_a_click_leads_near(house, datasets):
    page = opened(house, datasets["clean"], "?depth=3")
    zoom_out = page.get_by_role("button", name="Zoom out")
    for _ in range(6):
        zoom_out.click()
    expect(page.locator(".dc-far")).to_have_attribute("visibility", "visible")
    expect(page.locator(".dc-node")).to_have_count(1)
    page.get_by_role("button", name="Show everything").click()
    expect(page.locator(".dc-far")).to_have_attribute("visibility", "hidden")
    page.context.close()


def test_the_tables_of_an_impact_have_the_same_columns_and_stand_apart(house, datasets):
    page = house.session.page(cookies=house.cookies("administrator"), width=1280)
    page.goto(house.session.url(f"/datasets/{datasets['raw']}/impact/"))
    settled(page)
    tables = page.locator(".dc-reached table")
    assert tables.count() >= 2
    begins = [[round(box_of(cell)["x"]) for cell in table.locator("thead th").all()] for table in tables.all()]
    assert all(row == begins[0] for row in begins), "columns of one table stand elsewhere than those of another"
    ends = [box_of(section)["y"] + box_of(section)["height"] for section in page.locator(".dc-reached section").all()]
    for end, heading in zip(ends, page.locator(".dc-reached h2").all()[1:], strict=False):
        assert box_of(heading)["y"] - end >= 16, "a heading sticks to the table before it"
    page.context.close()
