"""CSV as Bulk API 2.0 gives it, made into the very objects that queries give as JSON.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/datafiles_csv_rows.htm: quotes are doubled, values may
have line breaks, nothing is null. Numbers keep their digits; times end with Z here and with +0000 there.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from pgsluice.providers import rawjson, replies
from pgsluice.providers.base import Change, Refused, Response
from pgsluice.providers.salesforce_describe import Shape
from pgsluice.providers.salesforce_errors import VENDOR
from pgsluice.providers.salesforce_records import read_record

_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
# Long text areas have up to 131,072 characters, and rich ones with pictures more: the module's own limit is less.
csv.field_size_limit(128 * 1024 * 1024)


def records(collection_id: str, shape: Shape, root: str, response: Response) -> list[Change | Refused]:
    """The records of a page of results; `root`: /services/data/vNN.0. Raises Unreadable."""
    # What is no UTF-8 spoils its own row only.
    text = response.body.removeprefix(rawjson.BOM).decode("utf-8", "surrogateescape")
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as exc:
        raise replies.unreadable(response, VENDOR, f"it is no CSV: {exc}") from exc
    header, *body = rows or [[]]
    missing = sorted(set(shape.names) - set(header))
    if missing:
        raise replies.unreadable(response, VENDOR, f"it lacks columns that were asked for: {', '.join(missing[:5])}")
    said = response.headers.get("sforce-numberofrecords", "")
    if said.isdecimal() and int(said) != len(body):
        raise replies.unreadable(response, VENDOR, f"it has {len(body):,} records and says that there are {said}")
    marks = shape.marks
    return [_record(collection_id, shape.name, root, header, row, marks) for row in body]


def _record(  # noqa: PLR0917  one row and what it means
    collection_id: str, name: str, root: str, header: list[str], row: list[str], marks: Mapping[str, str]
) -> Change | Refused:
    if len(row) != len(header):
        return Refused(collection_id, None, ",".join(row).encode("utf-8", "surrogateescape"), "not as many values as columns")
    values = dict(zip(header, row, strict=True))
    try:
        fields = [msgspec.json.encode(field) + b":" + _value(value, marks.get(field, "")) for field, value in values.items()]
    except UnicodeEncodeError:
        raw = ",".join(row).encode("utf-8", "surrogateescape")
        return Refused(collection_id, values.get("Id") or None, raw, "not UTF-8")
    # As a query says it: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/dome_query.htm
    attributes = msgspec.json.encode({"type": name, "url": f"{root}/sobjects/{name}/{values.get('Id', '')}"})
    return read_record(collection_id, b'{"attributes":' + attributes + b"," + b",".join(fields) + b"}")


def _value(text: str, mark: str) -> bytes:
    if not text:
        return b"null"
    if mark == "n" and _NUMBER.fullmatch(text):
        return text.encode()
    if mark == "b" and text in {"true", "false"}:
        return text.encode()
    if mark == "t" and text.endswith("Z"):
        text = f"{text[:-1]}+0000"
    return msgspec.json.encode(text)
