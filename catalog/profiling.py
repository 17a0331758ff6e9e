"""What a sample of a column comes to: counts, lengths and shapes, and what may be shown of its values. Pure: no Django.

Nothing here keeps a value, but for the least and greatest number or time of a column, and masked exemplars. Both are given
for every column that could have them; whether they may be kept is decided by who knows how sensitive the column is.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import islice

from catalog.snapshots import FieldType

MOST_SHAPES = 5
MOST_EXEMPLARS = 3
LEAST_DISTINCT = 5
"""Of fewer different values there is no exemplar: they are classes, and one would tell who is in which."""

_LONGEST_SHAPE = 24
_WHOLE_SHAPE = 64
_LONGEST_BOUND = 40
_OPAQUE = (FieldType.BINARY, FieldType.GEOMETRY)
_WITHOUT_SHAPE = (*_OPAQUE, FieldType.JSON, FieldType.ARRAY, FieldType.STRUCT, FieldType.MAP, FieldType.XML)
_WITH_EXEMPLARS = (FieldType.STRING, FieldType.ENUM, FieldType.UUID, FieldType.NETWORK, FieldType.OTHER)
_KEPT_MARKS = " -_./:@,()+#'&"


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What a sample says of a column.

    `null_share` is between 0 and 1, None where no row was read. `distinct` counts the different values of the whole column:
    exactly where `distinct_exact`, else estimated. Lengths are characters, of binary columns bytes; they end at what
    the source sent of a cell. `shapes` are the most frequent first, each with its share of the values. `minimum` and
    `maximum` are of the sample.
    """

    null_share: float | None = None
    distinct: int | None = None
    distinct_exact: bool = False
    shortest: int | None = None
    longest: int | None = None
    mean_length: float | None = None
    shapes: tuple[tuple[str, float], ...] = ()
    minimum: str | None = None
    maximum: str | None = None
    exemplars: tuple[str, ...] = ()


def profile_of(
    values: Sequence[str | None], kind: FieldType, *, rows: int | None = None, whole: bool = False
) -> ColumnProfile:
    """The profile of a column by the cells of a sample; None stands for null.

    `rows` is how many rows the table has, as far as known; `whole` says that the sample is all of them. Of binary columns the
    cells are lengths in bytes, as the connectors give them.
    """
    if not values:
        return ColumnProfile()
    counts = Counter(value for value in values if value is not None)
    present = counts.total()
    null_share = (len(values) - present) / len(values)
    if not present:
        return ColumnProfile(null_share=null_share, distinct=0, distinct_exact=whole)
    if kind in _OPAQUE:
        shortest, longest, mean = _lengths({int(value): count for value, count in counts.items() if value.isdecimal()})
        return ColumnProfile(null_share, shortest=shortest, longest=longest, mean_length=mean)
    shortest, longest, mean = _lengths(_by_length(counts))
    minimum, maximum = _bounds(counts, kind)
    return ColumnProfile(
        null_share=null_share,
        distinct=len(counts) if whole else distinct_estimate(counts, round((rows or 0) * (1 - null_share))),
        distinct_exact=whole,
        shortest=shortest,
        longest=longest,
        mean_length=mean,
        shapes=() if kind in _WITHOUT_SHAPE else _shapes(counts),
        minimum=minimum,
        maximum=maximum,
        exemplars=_exemplars(counts) if kind in _WITH_EXEMPLARS and len(counts) >= LEAST_DISTINCT else (),
    )


def distinct_estimate(counts: Counter[str], population: int) -> int:
    """How many different values a column has, by the counts of a sample of it; `population` counts its values.

    The estimator Duj1 of Haas and Stokes (Estimating the number of classes in a finite population, 1998), which
    PostgreSQL's ANALYZE uses too: n d / (n - f1 + f1 n / N), where f1 of the d different values came once.
    """
    sampled, different = counts.total(), len(counts)
    population = max(population, sampled)
    once = sum(count == 1 for count in counts.values())
    estimate = sampled * different / (sampled - once + once * sampled / population)
    return min(population, max(different, round(estimate)))


def _by_length(counts: Counter[str]) -> dict[int, int]:
    found: Counter[int] = Counter()
    for value, count in counts.items():
        found[len(value)] += count
    return found


def _lengths(counts: dict[int, int]) -> tuple[int | None, int | None, float | None]:
    if not counts:
        return None, None, None
    total = sum(length * count for length, count in counts.items())
    return min(counts), max(counts), round(total / sum(counts.values()), 1)


class _Marks(dict[int, str]):
    """A for an upper-case letter, a for any other, 9 for a digit; a few marks stand for themselves, * for the rest."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        mark = "*"
        if letter in _KEPT_MARKS:
            mark = letter
        elif letter.isdigit():
            mark = "9"
        elif letter.isspace():
            mark = " "
        elif unicodedata.category(letter)[0] in "LM":
            mark = "A" if letter.isupper() else "a"
        self[code] = mark
        return mark


_MARKS = _Marks()
_RUNS = re.compile(r"(?<=A)A+|(?<=a)a+|(?<=\*)\*+|(?<= ) +")
_MANY_DIGITS = re.compile(r"9{13,}")


def shape_of(value: str) -> str:
    """The form of a value, as in `Aa9-`: runs of letters become one letter, digits are kept one by one up to twelve.

    A value of nothing but marks is `***`, for its shape would be the value.
    """
    return _shape(value[:_WHOLE_SHAPE].translate(_MARKS), len(value) > _WHOLE_SHAPE)


def _shape(marks: str, goes_on: bool) -> str:
    if not any(mark in marks for mark in "Aa9"):
        return "***" if marks else "(empty)"
    shape = _MANY_DIGITS.sub("9…", _RUNS.sub("", marks))
    if goes_on or len(shape) > _LONGEST_SHAPE:
        return shape[: _LONGEST_SHAPE - 1] + "…"
    return shape


def _shapes(counts: Counter[str]) -> tuple[tuple[str, float], ...]:
    # Far fewer strings of marks differ than values do.
    marked: Counter[tuple[str, bool]] = Counter()
    for value, count in counts.items():
        marked[value[:_WHOLE_SHAPE].translate(_MARKS), len(value) > _WHOLE_SHAPE] += count
    shapes: Counter[str] = Counter()
    for (marks, goes_on), count in marked.items():
        shapes[_shape(marks, goes_on)] += count
    total = shapes.total()
    # A shape of a single value among others says what that value looks like, and no more of the column.
    common = [
        (shape, count) for shape, count in shapes.most_common(MOST_SHAPES) if count > 1 or len(shapes) <= MOST_SHAPES
    ]
    return tuple((shape, round(count / total, 4)) for shape, count in common)


def _bounds(counts: Counter[str], kind: FieldType) -> tuple[str | None, str | None]:
    """The least and the greatest of a column of numbers or times; what cannot be read as such is passed over."""
    read = _READ.get(kind)
    if read is None:
        return None, None
    found = [key for value in counts if (key := read(value)) is not None]
    if not found:
        return None, None
    return _written(min(found)), _written(max(found))


_Key = Decimal | dt.date | dt.time


def _number(value: str) -> Decimal | None:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < _LONGEST_BOUND else None


def _date(value: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        return None


def _moment(value: str) -> dt.datetime | None:
    """Moments of one column are all with a zone or all without; what the sources send is in UTC."""
    try:
        return dt.datetime.fromisoformat(value).replace(tzinfo=None)
    except ValueError:
        return None


def _time(value: str) -> dt.time | None:
    try:
        return dt.time.fromisoformat(value).replace(tzinfo=None)
    except ValueError:
        return None


_READ: dict[FieldType, Callable[[str], _Key | None]] = {
    FieldType.INTEGER: _number,
    FieldType.DECIMAL: _number,
    FieldType.FLOAT: _number,
    FieldType.DATE: _date,
    FieldType.TIMESTAMP: _moment,
    FieldType.TIME: _time,
}


def _written(key: _Key) -> str:
    if isinstance(key, dt.datetime):
        return key.isoformat(" ", timespec="seconds")
    return f"{key.normalize():f}"[:_LONGEST_BOUND] if isinstance(key, Decimal) else key.isoformat()


def _exemplars(counts: Counter[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for value in islice(counts, _MOST_MASKED):
        if (mask := masked(value)) is not None:
            found[mask] = None
        if len(found) == MOST_EXEMPLARS:
            break
    return tuple(found)


_WORD = re.compile(r"[^\W_]+")
_HIDDEN = "•••"
_MOST_MASKED = 20
"""So many values are masked to find exemplars that differ."""

_LEAST_SHOWN = 4
_MOST_WORDS = 6
_LONGEST_MASKED = 80
# The ending of a mail address and that of a URL's host; of anything else the last letters are part of what is hidden.
_ADDRESS = re.compile(r"[^@\s/]+@[\w.-]+\.([A-Za-z]{2,3})")
_AT_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?:[\w-]+\.)+([A-Za-z]{2,3})(?::\d+)?(?:/.*)?")


def masked(value: str) -> str | None:
    """A value of which only the form is left: its first character, its marks, and the ending of an address.

    `jane@uni.edu.au` becomes `j•••@•••.•••.au`. Each word becomes three dots, however long it is; of words of fewer than four
    characters nothing is shown. An ending is shown only where the whole value is a mail address or a URL, and of a URL its
    host's. None where no character is left to show: the shape says as much.
    """
    whole = "".join(mark if mark.isprintable() else " " for mark in value).strip()
    ending = _ADDRESS.fullmatch(whole) or _AT_HOST.fullmatch(whole)
    shown = ending.span(1) if ending is not None else None
    value = whole[:_LONGEST_MASKED]
    words = list(_WORD.finditer(value))
    if not words:
        return None
    parts: list[str] = []
    last = 0
    for number, word in enumerate(words[:_MOST_WORDS]):
        parts.append("".join(mark if mark in _KEPT_MARKS else "•" for mark in value[last : word.start()]))
        if word.span() == shown and number:
            parts.append(word.group())
        elif number == 0 and len(word.group()) >= _LEAST_SHOWN:
            parts.append(word.group()[0] + _HIDDEN)
        else:
            parts.append(_HIDDEN)
        last = word.end()
    mask = "".join(parts) + ("…" if len(words) > _MOST_WORDS else "")
    return mask if any(mark.isalnum() for mark in mask) else None
