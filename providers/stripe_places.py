"""Where one object is. Most have an address of their own; some only one below another object's, as accounts/acct_1/persons/person_1.

The vendor needs both ids for those, and so their upstream id has both: acct_1/person_1. Their own id alone is in the data.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from urllib.parse import quote

import msgspec

from pgsluice.providers import rawjson
from pgsluice.providers.base import Change, Refused
from pgsluice.providers.errors import Refused4xx
from pgsluice.providers.stripe_collections import SOURCES, Source

# Collections of such objects → the member that names the other object.
PARENTS: Final = {collection_id: source.parent for collection_id, source in SOURCES.items() if source.parent}


def upstream_id_of(collection_id: str, own: str, parent: str | None) -> str | None:
    """None where it would take another object that nobody names, or be too long."""
    if collection_id not in PARENTS:
        return own
    return None if parent is None else rawjson.identity(msgspec.json.encode(f"{parent}/{own}"))


def own_id(collection_id: str, upstream_id: str) -> str:
    """As the vendor has it, in lists for example."""
    return upstream_id.rpartition("/")[2] if collection_id in PARENTS else upstream_id


def parent_of(collection_id: str, upstream_id: str) -> str | None:
    return upstream_id.rpartition("/")[0] or None if collection_id in PARENTS else None


def parent_in(collection_id: str, raw: bytes) -> str | None:
    """The other object, as an object's data names it."""
    try:
        return rawjson.identity(rawjson.object_members(raw).get(PARENTS.get(collection_id, ""), b""))
    except rawjson.NotJson:
        return None


def placed(record: Change | Refused, parent: str) -> Change | Refused:
    """A record that was read by its own id alone."""
    if record.upstream_id is None:
        return record
    name = upstream_id_of(record.collection_id, record.upstream_id, parent)
    if isinstance(record, Refused):
        return replace(record, upstream_id=name)
    return Refused(record.collection_id, None, record.raw or b"", "an id too long") if name is None else replace(record, upstream_id=name)


def path_of(collection_id: str, upstream_id: str | None) -> str:
    """The address of an object behind /v1/. Raises Refused4xx."""
    source = SOURCES[collection_id]
    parent, _, own = (upstream_id or "").rpartition("/") if source.parent else ("", "", upstream_id or "")
    # A path of dots alone would lead to another resource.
    if own in {"", ".", ".."} or (source.parent and parent in {"", ".", ".."}):
        form = f" of the form {source.parent}/id" if source.parent else ""
        raise Refused4xx(f"this is no id of Stripe's{form}", hint="give the upstream_id of the record")
    return f"{list_of(source, parent)}/{quote(own, safe='')}"


def list_of(source: Source, parent: str) -> str:
    """The address of a list behind /v1/."""
    return source.path.format(**{source.parent: quote(parent, safe="")}) if source.parent else source.path


def made_at(collection_id: str, data: bytes) -> tuple[str, bytes]:
    """Where an object is to be created, and what is sent there: without the member that is in the address. Raises Refused4xx."""
    source = SOURCES[collection_id]
    if not source.parent:
        return source.path, data
    try:
        members = rawjson.object_members(data)
    except rawjson.NotJson as exc:
        raise Refused4xx("what is sent to Stripe must be a JSON object", details=str(exc)) from exc
    parent = rawjson.identity(members.pop(source.parent, b""))
    if parent in {None, ".", ".."}:
        raise Refused4xx(f"the data lacks {source.parent!r}", hint="it says where the object belongs, and goes into the address")
    return list_of(source, parent or ""), b"{" + b",".join(msgspec.json.encode(name) + b":" + raw for name, raw in members.items()) + b"}"
