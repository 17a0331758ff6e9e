"""Rows for statements that take them as one JSON array: any number of rows, one statement, one parameter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from django.db import connection


def encoded(rows: Sequence[Any]) -> str:
    return msgspec.json.encode(rows).decode()


def write(statement: str, rows: Sequence[Any]) -> None:
    """Run a statement over these rows; none where there are none."""
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(statement, [encoded(rows)])
