"""What every answer carries, and what none may hold."""

from __future__ import annotations

import json
from typing import Any

from tests.contracts.world import CANARY

_DIRECTIVES = (
    "default-src 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "script-src 'self'",
)
_CANARIES = {json.dumps(CANARY)[1:-1], CANARY, CANARY.replace("&", "&amp;"), CANARY.replace("&", "%26")}


def check_headers(answer: Any) -> None:
    """Browsers run nothing and show nothing in frames that is not the catalog's own."""
    policy = answer["Content-Security-Policy"]
    assert all(directive in policy for directive in _DIRECTIVES), policy
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"


def check_page(answer: Any) -> None:
    """No inline script, style or handler: the policy would block it, and the page be broken."""
    text = answer.content.decode().lower()
    assert " style=" not in text
    assert "<style" not in text
    assert " onclick=" not in text
    assert "javascript:" not in text


def check_tells_no_password(answer: Any, logged: str) -> None:
    """The password of the world's source is in no form in the answer, its headers or the log."""
    text = answer.content.decode(errors="replace") + str(dict(answer.items())) + logged
    assert not any(form in text for form in _CANARIES)
