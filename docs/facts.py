"""The database's own list of what providers know: files of `sql/internal/`, written from the registry. `make docs` writes them.

SQL cannot ask Python what a vendor has, and must know it all the same: to refuse a collection that is none, to show fields before
anything was read, to say which writes a vendor takes.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pgsluice.providers import registry
from pgsluice.providers.protocol import Plain, Provider
from pgsluice.providers.rest import Rest

HEAD = "-- Generated from the providers by `make docs`; not to be edited.\n"
# A line of these files has at most so many characters, as any other in `sql/`.
WIDTH = 140


def files() -> Mapping[str, str]:
    """File of `sql/internal/` -> its text."""
    providers = [registry.get(name) for name in registry.names()]
    return {
        "_builtin_providers.sql": view(
            "_builtin_providers",
            {"provider": "text", "free_form": "boolean", "describes": "boolean"},
            [[text(known.name), flag(known.free_form), flag(describes(known))] for known in providers],
            "The providers that come with this release; describes: accounts differ, so the account is asked for its collections.",
        ),
        "_open_providers.sql": view(
            "_open_providers",
            {"provider": "text", "form": "text"},
            [[text(known.name), text(known.open_form)] for known in providers if known.open_form is not None],
            "The providers whose accounts have collections of their own, and the form of those names, as a regular expression.",
        ),
        "_builtin_collections.sql": view(
            "_builtin_collections",
            {
                "provider": "text",
                "collection_id": "text",
                "description": "text",
                "mutations": "text[]",
                "match_on": "text[]",
                "if_match": "boolean",
            },
            list(collections(providers)),
            "The collections of the providers that come with this release.",
        ),
        "_builtin_fields.sql": view(
            "_builtin_fields",
            {"collection_id": "text", "place": "int", "name": "text", "type": "text", "primary_key": "boolean", "description": "text"},
            list(fields(providers)),
            "The fields of those collections, as far as they are known without asking an account.",
        ),
    }


def describes(provider: Provider) -> bool:
    if isinstance(provider, Rest):
        return provider.describes
    return getattr(type(provider), "describe", None) is not Plain.describe


def collections(providers: Sequence[Provider]) -> Iterator[list[str]]:
    for provider in providers:
        for collection in sorted(provider.collections.values(), key=lambda known: known.collection_id):
            yield [
                text(provider.name),
                text(collection.collection_id),
                words(collection.description),
                array(collection.mutations),
                array(collection.match_on),
                flag(collection.if_match),
            ]


def fields(providers: Sequence[Provider]) -> Iterator[list[str]]:
    for provider in providers:
        for collection in sorted(provider.collections.values(), key=lambda known: known.collection_id):
            for place, field in enumerate(collection.fields, start=1):
                facts = (text(field.name), text(field.type), flag(field.primary_key), words(field.description))
                yield [text(collection.collection_id), str(place), *facts]


def view(name: str, columns: Mapping[str, str], rows: Sequence[Sequence[str]], comment: str) -> str:
    """A view that is a list of rows."""
    if rows:
        lines = ",\n".join(line(row) for row in rows)
        made = f"select *\nfrom (values\n{lines}\n) as v ({', '.join(columns)});\n"
    else:
        made = "select\n" + ",\n".join(f"    null::{kind} as {column}" for column, kind in columns.items()) + "\nwhere false;\n"
    return f"{HEAD}create or replace view sluice_internal.{name} as\n{made}\ncomment on view sluice_internal.{name} is\n{text(comment)};\n"


def line(row: Sequence[str]) -> str:
    """A row on one line, or on several where one would be too long."""
    whole = f"    ({', '.join(row)})"
    if len(whole) < WIDTH - 1:
        return whole
    return "    (\n" + ",\n".join(f"        {folded(value)}" for value in row) + "\n    )"


def folded(value: str) -> str:
    """A long text as several pieces."""
    if len(value) < WIDTH - 10 or not value.startswith("'"):
        return value
    pieces = textwrap.wrap(value[1:-1].replace("''", "'"), WIDTH - 40, drop_whitespace=False, break_long_words=True)
    return "\n        || ".join(text(piece) for piece in pieces)


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def words(value: str) -> str:
    """A text without line breaks."""
    return text(" ".join(value.split()))


def array(values: Sequence[str]) -> str:
    return f"array[{', '.join(text(value) for value in values)}]" if values else "'{}'::text[]"


def flag(value: bool) -> str:
    return "true" if value else "false"


def write(sql: Path) -> None:
    for name, made in files().items():
        (sql / "internal" / name).write_text(made, encoding="utf-8")
