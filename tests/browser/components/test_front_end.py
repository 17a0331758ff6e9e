"""What the build leaves: hashed files that any storage carries, icons that exist, no address in the lock."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from django.core.management import call_command

from access import timeline
from access.models import JournalEntry, Reconciliation
from access.states import GrantState, RequestState
from common.templatetags import assets
from common.templatetags.lists import _heads
from common.templatetags.ui import KINDS, NOTICES, STATES

ROOT = Path(assets.manifest_path()).parents[2]


@pytest.fixture
def built() -> dict[str, str]:
    names = assets.built_names()
    assert names, "The front end is not built: npm ci && npm run build."
    return names


@pytest.mark.parametrize(
    "storage",
    [
        "whitenoise.storage.CompressedStaticFilesStorage",
        "whitenoise.storage.CompressedManifestStaticFilesStorage",
    ],
)
def test_collected_files_have_the_names_that_pages_and_modules_use(built, settings, tmp_path, storage):
    settings.STATIC_ROOT = tmp_path
    settings.STATICFILES_DIRS = [assets.manifest_path().parent]
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": storage}}
    call_command("collectstatic", interactive=False, verbosity=0)
    for name in built.values():
        assert (tmp_path / name).is_file(), name
    for script in tmp_path.glob("*.js"):
        for imported in re.findall(r'(?:from|import)\(?"\./([^"]+)"', script.read_text()):
            assert (tmp_path / imported).is_file(), f"{script.name} imports {imported}"
    style = (tmp_path / built["app.css"]).read_text()
    for font in re.findall(r"url\(\"?\.?/?([^\")]+\.woff2)", style):
        assert (tmp_path / font).is_file(), font
    explorer = (tmp_path / built["lineage-explorer.js"]).read_text()
    assert built["layout-worker.js"] in explorer


def test_every_icon_that_python_names_is_in_the_sprite(built):
    sprite = (assets.manifest_path().parent / built["icons.svg"]).read_text()
    named = {icon for icon, _ in [*KINDS.values(), *STATES.values(), *NOTICES.values()]}
    assert {name for name in named if f'id="{name}"' not in sprite} == set()


@pytest.mark.parametrize("states", [GrantState, RequestState, Reconciliation.State, JournalEntry.State])
def test_every_state_of_access_has_an_icon_of_its_own(states):
    assert {state.value for state in states if state.value.replace("_", "-") not in STATES} == set()


def test_every_icon_of_an_activity_is_in_the_sprite(built):
    sprite = (assets.manifest_path().parent / built["icons.svg"]).read_text()
    calls = [
        node
        for app in ("access", "catalog", "audit", "lineage", "classification", "portal")
        for path in sorted((ROOT / app).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Activity"
    ]
    given = [*(call.args[3] for call in calls if len(call.args) > 3)]
    given += [word.value for call in calls for word in call.keywords if word.arg == "icon"]
    named = {each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, str)}
    named |= {icon for _, icon in [*timeline._ENDED.values(), *timeline._CLOSED.values()]}
    assert "signature" in named
    assert {name for name in named if f'id="{name}"' not in sprite} == set()


def test_unbuilt_front_end_gives_no_address_and_says_so(settings, tmp_path, caplog):
    settings.FRONT_END_DIR = tmp_path
    assert assets.asset("app.css") == ""
    assert "npm run build" in caplog.text
    assert assets.front_end_missing() is True
    assert assets.icon("table", label="Table") == '<span class="visually-hidden">Table</span>'


def test_package_lock_holds_no_address():
    lock = (ROOT / "package-lock.json").read_text()
    assert "://" not in lock
    assert json.loads(lock)["packages"]["node_modules/htmx.org"]["version"].startswith("2.")


def test_templates_and_scripts_hold_nothing_that_the_policy_forbids():
    forbidden = re.compile(r"<[^>]*\s(?:style|on[a-z]+)=[\"']|<style|javascript:|hx-on|hx-vals=[\"']js:")
    found = [
        f"{path.relative_to(ROOT)}: {match.group(0)[:60]}"
        for path in sorted((ROOT / "templates").rglob("*.html"))
        for match in forbidden.finditer(path.read_text())
    ]
    assert found == []


def test_sorted_column_links_to_the_other_direction(rf):
    from common.components import Column

    up, other = _heads([Column("Name", sort="name"), Column("Rows", sort="rows")], rf.get("/?sort=name&cursor=x&q=a"))
    assert (up["direction"], up["href"]) == ("ascending", "?sort=-name&q=a")
    assert (other["direction"], other["href"]) == ("", "?sort=rows&q=a")
