"""Markdown from anybody becomes HTML that does nothing but say something."""

from __future__ import annotations

import pytest

from common.markdown import render

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "[click](data:text/html;base64,PHNjcmlwdD4=)",
    "![x](http://example.org/pixel.png)",
    "<a href='javascript:alert(1)'>x</a>",
    "<style>*{display:none}</style>",
    "<svg/onload=alert(1)>",
    '[x](http://a.example "onmouseover=alert(1)")',
    "<iframe src='//example.org'></iframe>",
    "[x](vbscript:msgbox)",
    "<form action=/accounts/logout/><button>x",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_markdown_is_harmless(text):
    html = render(text).lower()
    for bad in (
        "<script",
        "<img",
        "<svg",
        "<style",
        "<iframe",
        "<form",
        'href="javascript',
        'href="data',
        'href="vbscript',
    ):
        assert bad not in html


def test_headings_stand_below_those_of_the_page():
    assert render("# Units") == "<h3>Units</h3>\n"


def test_tables_lists_and_links_are_kept():
    html = render("| a | b |\n|---|---|\n| 1 | 2 |\n\n- [x](https://example.org)\n")
    assert "<td>1</td>" in html
    assert 'href="https://example.org"' in html
    assert "nofollow" in html
