"""From a SQL text to its lineage, within bounds: never an exception, and never longer than a few seconds."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, SqlglotError, TokenError

from catalog.snapshots import Path
from lineage.sql.flows import Budget, TooMuch
from lineage.sql.naming import KnownTables, Names
from lineage.sql.reading import Reading, as_reads
from lineage.sql.statements import Script
from lineage.sql.values import Doubt, SqlLineage

MAX_LENGTH = 100_000
"""Characters. The parser reads some 300,000 a second, but a few texts made to be slow in time that grows with the square."""
MAX_ENTRIES = 1_000_000
"""Flow entries to make for one text: about a second's work."""

STEPS_PER_TOKEN = 20
"""The parser takes one or two; nested brackets in a few dialects make it go back and forth in exponential time."""

logger = logging.getLogger(__name__)
# The parser logs the text of each statement that it does not know, with all the values in it.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)

_ENDING = re.compile(r"\s+WITH\s+(?:(?:NO\s+)?DATA|(?:(?:CASCADED|LOCAL)\s+)?CHECK\s+OPTION)\s*\Z", re.IGNORECASE)
"""What may follow a view's query; the parser then leaves the whole statement unread."""


def lineage_of(
    sql: str,
    *,
    dialect: str,
    schema: Mapping[Path, Sequence[str]] | KnownTables,
    default_path: Path,
    target: Path | None = None,
) -> SqlLineage:
    """The lineage of one or several SQL statements.

    `dialect` is a platform's name as ours, OpenLineage's or sqlglot's; an unknown one is read as plain SQL. `schema` has the
    columns of each known table, in order, by full path: ("ontrack", "public", "units"). `default_path` is where
    unqualified names belong: ("ontrack", "public"). `target` is what a bare SELECT writes: the view whose body it is;
    without one it only reads. Names come back as `schema` has them. Where nothing can be said, `problem` is a sentence and
    the rest is empty; `unresolved` lists what is missing otherwise. Never raises for what the text says.
    """
    if len(sql) > MAX_LENGTH:
        return SqlLineage(problem=f"The SQL is {len(sql)} characters long; lineage is read from at most {MAX_LENGTH}.")
    tables = schema if isinstance(schema, KnownTables) else KnownTables(schema, dialect)
    try:
        statements = list(_parsed(sql, tables.dialect.parser))
    except RecursionError:
        return SqlLineage(problem="The SQL is nested too deeply to read lineage from it.")
    except TooMuch:
        return SqlLineage(problem="The SQL is nested in a way that takes too long to read lineage from it.")
    except (ParseError, TokenError) as error:
        return SqlLineage(problem=f"The SQL could not be parsed: {_place(error)}.")
    # A parser of twenty dialects meets texts that its authors did not think of; a crawl must go on.
    except Exception as error:
        return SqlLineage(problem=f"The SQL could not be parsed: {type(error).__name__}.")
    reading = Reading(Names(tables, default_path), Budget(MAX_ENTRIES))
    script = Script(reading, target)
    try:
        for statement in statements:
            _run(script, statement, reading)
    except RecursionError:
        return SqlLineage(problem="The SQL is nested too deeply to read lineage from it.")
    except TooMuch:
        return SqlLineage(problem="The SQL joins too many columns too many times to read lineage from it.")
    return SqlLineage(as_reads(script.reads()), script.written(), reading.unresolved())


def _run(script: Script, statement: exp.Expr, reading: Reading) -> None:
    try:
        script.run(statement)
    # The parser lets some texts pass that are no SQL (`SELECT a INTO FROM t`), in trees that lack what SQL demands.
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        logger.warning("Lineage could not be read from a statement of kind %s.", statement.key, exc_info=True)
        reading.doubt(Doubt.STATEMENT, statement.key.upper())


def _parsed(sql: str, parser: str) -> Iterator[exp.Expr]:
    dialect = Dialect.get_or_raise(parser or None)
    tokens = dialect.tokenize(sql)
    bounded = _bounded(dialect.parser_class)(dialect=dialect)
    bounded.steps_left = STEPS_PER_TOKEN * len(tokens) + 1_000
    for statement in bounded.parse(tokens, sql):
        command = statement.name.upper() if isinstance(statement, exp.Command) else ""
        text = _words(statement) if command else ""
        if command == "REPLACE":
            # MySQL's and SQLite's REPLACE INTO is an INSERT that clears its way first.
            yield from _parsed(f"INSERT {text}", parser)
        elif command == "CREATE" and _ENDING.search(text):
            yield from _parsed(f"CREATE {_ENDING.sub('', text)}", parser)
        elif isinstance(statement, exp.Expr):
            yield statement


def _words(command: exp.Expr) -> str:
    """What follows a command's first word."""
    words = command.args.get("expression")
    return words.name if isinstance(words, exp.Expr) else str(words or "")


@lru_cache
def _bounded(parser: type[Any]) -> type[Any]:
    """The parser, with an end to its patience."""

    class Bounded(parser):
        steps_left: int

        def _advance(self, times: int = 1) -> None:
            self.steps_left -= 1
            if self.steps_left < 0:
                raise TooMuch
            super()._advance(times)

    return Bounded


def _place(error: SqlglotError) -> str:
    """Where the parser stopped, without the text around it, which may hold secrets."""
    details = getattr(error, "errors", None)
    if not details:
        return "it has quotes or comments without an end"
    first = details[0]
    return f"{first['description'].rstrip('.')}, line {first['line']}, column {first['col']}"
