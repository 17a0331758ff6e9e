"""Take secrets out of events before they are kept: passwords in SQL and addresses, keys in environments, tokens in errors.

Pure. What is masked cannot be read back by anyone; names of datasets, jobs and fields are left alone, since a table may
well be called password_resets.
"""

from __future__ import annotations

import re
from typing import Any

import re2

MASK = "••••••"

_TELLING = (
    r"passw(?:or)?d|passphrase|pwd|secret|token|credential|api[._-]?key|access[._-]?key|private[._-]?key|account[._-]?key"
    r"|encryption[._-]?key|signing[._-]?key|auth|authorization|cookie|connection[._-]?string|dsn|sas"
)
_SECRET = rf"(?:(?<![A-Za-z])(?i:{_TELLING})|(?i:passw(?:or)?d|secret))(?i:s)?(?![a-z])"
"""Such a word, not inside a longer one (author, Kansas), but also as DB_PASSWORD, mypassword and secretAccessKey."""
_SECRET_NAME = re.compile(_SECRET)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_QUOTED = r"""'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|""|\\.)*\""""
_IN_TEXT: tuple[tuple[re.Pattern[str], str], ...] = (
    # -----BEGIN RSA PRIVATE KEY----- … -----END RSA PRIVATE KEY-----
    (re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)", re.DOTALL), MASK),
    # scheme://user:password@host
    (re.compile(r"(\b[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s/:@'\"]{0,200}:)[^\s/@'\"]{1,500}(?=@)"), rf"\1{MASK}"),
    # Authorization: Bearer abc, Basic abc
    (re.compile(r"\b(Bearer|Basic)\s{1,3}[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), rf"\1 {MASK}"),
    # JSON web tokens; keys of AWS, GitHub, Slack, Google, and of this product
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?"), MASK),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), MASK),
    (re.compile(r"\b(?:gh[pousr]_\w{20,}|xox[abprs]-[\w-]{10,}|AIza[\w-]{30,}|dcat_\w{20,})"), MASK),
    # IDENTIFIED BY 'x', PASSWORD 'x', SECRET 'x'
    (
        re.compile(
            rf"\b((?i:identified\s{{1,3}}(?:with\s{{1,3}}\S{{1,60}}\s{{1,3}})?(?:by|as)\s{{1,3}}(?:password\s{{1,3}})?)|{_SECRET}\s{{1,3}})(?:{_QUOTED})"
        ),
        rf"\1'{MASK}'",
    ),
    # password = 'x', "aws_secret_access_key": "x"
    (re.compile(rf"({_SECRET}[\w-]{{0,60}}+[\"'`]?+\s{{0,3}}+(?:=>|:=|=|:)\s{{0,3}}+)(?:{_QUOTED})"), rf"\1'{MASK}'"),
    # --api-key=x, password=x;, Password: x. With spaces around it, an equals sign compares two columns.
    (
        re.compile(rf"({_SECRET}[\w-]{{0,60}}+[\"'`]?+(?:=>|:=|=|:\s{{0,3}}))(?![\s'\"({MASK[0]}])[^\s,;&'\")}}]{{3,}}"),
        rf"\1{MASK}",
    ),
)  # fmt: skip

# One automaton over the body, so that the many events without a secret cost next to nothing.
_SUSPICIOUS = re2.compile(
    rb"(?i)passw|pwd|passphrase|secret|token|credential|key|auth|cookie|dsn|sas|connection|bearer|basic|identified"
    rb"|eyJ|AKIA|ASIA|gh[pousr]_|xox|AIza|dcat_|:[^\s/@\"]*@|\\u0000"
)

_IDENTITY = frozenset(
    {"name", "namespace", "field", "type", "_producer", "_schemaURL", "producer", "schemaURL", "eventTime", "runId"}
)
"""Members whose texts name things; an address in them still loses its password."""


def looks_secret(body: bytes) -> bool:
    """Whether the JSON of one or many events has anything that could be a secret: only then `masked` is needed."""
    return _SUSPICIOUS.search(body) is not None


def masked(event: Any) -> Any:
    """The decoded event without secrets."""
    return _masked(event)


def mask_text(text: str) -> str:
    """A text (SQL, an error, a stack trace) without the secrets in it; NUL, which no database keeps, becomes U+FFFD."""
    for pattern, replacement in _IN_TEXT:
        text = pattern.sub(replacement, text)
    return text.replace("\x00", "\ufffd")


def is_secret_name(name: str) -> bool:
    """Whether a variable or parameter of this name holds a secret: DB_PASSWORD, apiKey, aws.secret.access.key."""
    return _SECRET_NAME.search(_CAMEL.sub("_", name)) is not None


def _masked(value: Any, name: str = "") -> Any:
    if isinstance(value, str):
        return _masked_identity(value) if name in _IDENTITY else mask_text(value)
    if isinstance(value, list):
        return [_masked(inner, name) for inner in value]
    if not isinstance(value, dict):
        return value
    label = value.get("name", value.get("key"))
    if isinstance(label, str) and is_secret_name(label) and _is_scalar(value.get("value")):
        # {"name": "DB_PASSWORD", "value": "x"}: an environment variable, a parameter, a property.
        value = {**value, "value": MASK}
    return {
        key.replace("\x00", "\ufffd"): MASK
        if _is_scalar(inner) and key not in _IDENTITY and is_secret_name(key)
        else _masked(inner, key)
        for key, inner in value.items()
    }


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""


_ADDRESS = _IN_TEXT[1]


def _masked_identity(text: str) -> str:
    pattern, replacement = _ADDRESS
    return pattern.sub(replacement, text).replace("\x00", "\ufffd")
