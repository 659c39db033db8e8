"""Cutting a reply into the bytes of its records.

The records are never parsed and printed again: that would cost digits. (Common readers turn 0.12345678901234567890123 and 1e400 into
something else, and some turn long integers into floats, silently.)

One bad record must not spoil its page. msgspec finds the borders in one pass; where it refuses the reply as a whole, a slower scanner that
knows only quotes and brackets looks for them, and each record is then judged by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from pgsluice.providers.base import Change

# A byte order mark says nothing in UTF-8; RFC 8259, section 8.1, lets a reader pass over it.
BOM = b"\xef\xbb\xbf"
# One token: a string, a bracket or a separator, a run of anything else (numbers, words), or the quote of a string that never closes.
# Possessive (++, *+): no backtracking, however long the string.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},:]|[^\s\[\]{},:"]++|"', re.DOTALL)
# An escape in a string. Group 1: one half of a UTF-16 pair without the other.
_ESCAPE = re.compile(rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u([dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL)
_INTEGER = re.compile(rb"-?[0-9]+")
# Ids are text of at most this many bytes wherever records are kept; what is longer cannot be stored, so it goes to the quarantine.
MAX_ID_BYTES = 200


class NotJson(ValueError):
    """The bytes are not the JSON that was promised; the message says why, in words."""


class Sliced(NamedTuple):
    """A reply in pieces: the bytes of each record, and those of the other members of the object around them."""

    records: list[bytes]
    members: dict[str, bytes]


def slice_list(body: bytes, key: str) -> Sliced:
    """The records under `key` of the object that `body` is. Bytes as they came, without the space around them.

    Raises NotJson if `body` is empty, cut off, no object, or has no array there. A record that is bad in itself comes back like any other:
    ask `unsound`.
    """
    members = object_members(body)
    if key not in members:
        raise NotJson(f"there is no {key!r} in it")
    return Sliced(elements(members.pop(key), key), members)


def object_members(body: bytes) -> dict[str, bytes]:
    """Name and bytes of each member of the object that `body` is; of a name given twice, the last. Raises NotJson."""
    text = body.removeprefix(BOM)
    if not text.strip():
        raise NotJson("it is empty")
    try:
        found = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError as exc:
        raise NotJson("it is JSON, but no object") from exc
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as exc:
        return dict(_scanned_members(text, exc))
    return {name: bytes(raw) for name, raw in found.items()}


def unsound(raw: bytes) -> str | None:
    """Why `raw` is no JSON object that could be passed on, or None if it is one.

    An escaped NUL passes: it is sound JSON, and who stores it has to decide.
    """
    try:
        raw.decode()
        msgspec.json.decode(raw, type=msgspec.Raw)
    except UnicodeDecodeError as exc:
        return f"not UTF-8: byte 0x{raw[exc.start]:02x} at {exc.start}"
    except RecursionError:
        return "nested too deeply"
    except msgspec.DecodeError as exc:
        return _half_character(raw) or f"not JSON: {str(exc).removeprefix('JSON is malformed: ')}"
    return None if raw.startswith(b"{") else "not an object"


def identity(raw: bytes) -> str | None:
    """The text of an id, given its JSON: a string's characters or an integer's digits. None for anything that cannot name an object."""
    if _INTEGER.fullmatch(raw):
        name = raw.decode()
    else:
        try:
            name = msgspec.json.decode(raw, type=str)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
    return name if name and "\0" not in name and len(name.encode()) <= MAX_ID_BYTES else None


def integer(raw: bytes) -> int | None:
    """The value of a JSON integer of up to 18 digits, None for anything else."""
    return int(raw) if len(raw) < 20 and _INTEGER.fullmatch(raw) else None


def stated(change: Change) -> bytes:
    """The change as one record for the database: `data` is the vendor's own text."""
    members: dict[str, Any] = {"collection_id": change.collection_id, "upstream_id": change.upstream_id, "deleted": change.deleted}
    if change.upstream_created_at is not None:
        members["upstream_created_at"] = change.upstream_created_at.isoformat()
    if change.upstream_updated_at is not None:
        members["upstream_updated_at"] = change.upstream_updated_at.isoformat()
    head = msgspec.json.encode(members)
    return head if change.raw is None else head[:-1] + b',"data":' + change.raw + b"}"


def _half_character(raw: bytes) -> str | None:
    for escape in _ESCAPE.finditer(raw):
        if escape[1]:
            return f"half a character: \\u{escape[1].decode()} stands alone"
    return None


def elements(raw: bytes, key: str) -> list[bytes]:
    """The bytes of each element of the array that `raw`, found under `key`, is. Raises NotJson."""
    try:
        return [bytes(element) for element in msgspec.json.decode(raw, type=list[msgspec.Raw])]
    except msgspec.ValidationError as exc:
        raise NotJson(f"{key!r} in it is no array") from exc
    except (msgspec.DecodeError, RecursionError) as exc:
        if not raw.startswith(b"["):
            raise NotJson(f"{key!r} in it is no array") from exc
    parts = [raw[start:end].strip() for start, end in _parts(raw)]
    if parts == [b""]:
        return []
    if b"" in parts:
        raise NotJson(f"{key!r} in it has a comma too many")
    return parts


def _scanned_members(text: bytes, refusal: Exception) -> Iterator[tuple[str, bytes]]:
    """The members of an object that msgspec refused: there is something wrong inside one of them, or with the whole."""
    if not text.lstrip().startswith(b"{"):
        raise NotJson(f"it is no JSON ({refusal})") from refusal
    for start, end in _parts(text):
        name, colon, value = _member(text[start:end].strip())
        if not colon:
            raise NotJson(f"it is no JSON ({refusal})") from refusal
        yield name, value


def _member(part: bytes) -> tuple[str, bool, bytes]:
    """Name and value of `"name": value`, and whether it had that shape."""
    quoted = _TOKEN.match(part)
    if quoted is None or len(quoted[0]) < 2 or not quoted[0].startswith(b'"'):
        return "", False, b""
    value = part[quoted.end() :].lstrip()
    try:
        name = msgspec.json.decode(quoted[0], type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", False, b""
    return name, value.startswith(b":"), value[1:].strip()


def _parts(text: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of what the commas of the outermost brackets of `text` divide. Raises NotJson where those do not close."""
    depth = start = 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in {b"[", b"{"}:
            depth += 1
            start = token.end() if depth == 1 else start
        elif mark in {b"]", b"}"}:
            depth -= 1
            if depth == 0:
                yield start, token.start()
                return _nothing_behind(text[token.end() :])
        elif mark == b"," and depth == 1:
            yield start, token.start()
            start = token.end()
        elif mark == b'"':
            break
    raise NotJson(f"it is cut off after {len(text):,} bytes")


def _nothing_behind(rest: bytes) -> None:
    if rest.strip():
        raise NotJson("something follows the JSON")
