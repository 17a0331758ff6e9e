"""Read a request's body as clients send it: plain, gzip or chunked, any charset, never more than the limit. No Django."""

from __future__ import annotations

import codecs
import zlib
from typing import Protocol

from common.errors import CatalogError, TooLarge

_PIECE = 64 * 1024
_NEVER_SENT = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"})
"""What Python calls a charset too; decoding some takes time in the square of the length."""
_GZIP = 16 + zlib.MAX_WBITS


class Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


class BadBody(CatalogError):
    code = "bad_body"
    title = "The body cannot be read"


class Unsupported(CatalogError):
    status = 415
    code = "unsupported"
    title = "Not a body that this address reads"


def read_body(
    stream: Stream, *, length: int | None, content_type: str = "", content_encoding: str = "", limit: int
) -> bytes:
    """The body as UTF-8, at most `limit` bytes before and after decompression; raises `TooLarge` beyond that.

    `length` is the Content-Length, None for a chunked body, which ends with its stream. Raises `BadBody` (400) for a body
    that is not what its headers say and `Unsupported` (415) for an encoding or charset that is not known.
    """
    too_large = TooLarge(f"The body is larger than {limit} bytes. Send less at once.")
    if length is not None and length > limit:
        raise too_large
    raw = _read(stream, length, limit)
    if len(raw) > limit:
        raise too_large
    encoding = content_encoding.strip().lower()
    if encoding in ("gzip", "x-gzip"):
        raw = _gunzip(raw, limit)
        if len(raw) > limit:
            raise too_large
    elif encoding not in ("", "identity"):
        raise Unsupported(f"The content encoding {encoding} is not supported. Send gzip, or none.")
    return _as_utf8(raw, _charset(content_type))


def _read(stream: Stream, length: int | None, limit: int) -> bytes:
    wanted = limit + 1 if length is None else length
    pieces: list[bytes] = []
    got = 0
    while got < wanted:
        piece = stream.read(min(_PIECE, wanted - got))
        if not piece:
            break
        pieces.append(piece)
        got += len(piece)
    if length is not None and got < length:
        raise BadBody(f"The body ended after {got} of {length} bytes. Send it again.")
    return b"".join(pieces)


def _gunzip(raw: bytes, limit: int) -> bytes:
    """The members of a gzip file in turn, stopping one byte after the limit: a small body must not fill the memory."""
    found = bytearray()
    rest = raw
    try:
        while rest:
            member = zlib.decompressobj(_GZIP)
            found += member.decompress(rest, limit + 1 - len(found))
            if len(found) > limit:
                break
            if not member.eof:
                raise BadBody("The gzip body ends too soon. Send it again.")
            rest = member.unused_data
    except zlib.error:
        raise BadBody("The body is not gzip, although its Content-Encoding says so.") from None
    return bytes(found)


def _charset(content_type: str) -> str:
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'").lower()
    return "utf-8"


def _as_utf8(raw: bytes, charset: str) -> bytes:
    if charset in ("utf-8", "utf8", "us-ascii", "ascii"):
        return raw.removeprefix(codecs.BOM_UTF8)
    try:
        codec = codecs.lookup(charset)
        if codec.name in _NEVER_SENT or not codec._is_text_encoding:
            raise LookupError
        return raw.decode(charset).encode()
    except UnicodeError:
        raise BadBody(f"The body is not {charset}, although its Content-Type says so.") from None
    except (LookupError, ValueError):
        raise Unsupported(f"The charset {charset} is not known. Send UTF-8.") from None
