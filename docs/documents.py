"""The page of the reference about provider documents: every word with its meaning and default, and what the shipped ones do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from pgsluice.providers import registry, rest_access, rest_document
from pgsluice.providers.rest import SWEEP_FOR_CHANGES, SWEEP_FOR_DELETIONS
from pgsluice.providers.rest_check import schema
from pgsluice.providers.rest_text import shipped, shipped_text

HEAD: Final = """# Provider documents

Made from the schema of documents and from those that are shipped by `make docs`; do not edit. How one is written is in
[Sync any REST or GraphQL API](../how-to/rest.md).
"""
# Where a part of the schema has its values: the defaults stand there.
STRUCTS: Final[Mapping[str, str]] = {
    "": "Document", "auth": "Auth", "auth.basic": "Basic", "auth.renew": "Renew", "auth.consent": "Consent", "collection": "Collection",
    "collection.parts": "Parts", "deletions": "Deletions", "errors": "Errors", "fetch": "Fetch", "field": "FieldSpec", "graphql": "Graphql",
    "idempotency": "Idempotency", "incremental": "Incremental", "instead": "Instead",
    "limits": "Limits", "listing": "Listing", "marker": "Marker",
    "paging": "Paging", "quota": "Quota", "rule": "Rule", "secret": "SecretSpec", "time": "Time", "webhooks": "Hooks", "write": "Write",
    "webhooks.signature": "Signature", "webhooks.timestamp": "Stamp", "webhooks.delivery": "At", "event": "Event", "condition": "Condition",
    "write.batch": "Batch",
}  # fmt: skip
_LISTED: Final = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "null": "null",
}


def page() -> str:
    found = schema()
    lines = [HEAD, "## The words", ""]
    for title, part in _parts("", found):
        lines += _table(title, part)
    for name, part in found["$defs"].items():
        for title, inner in _parts(name, part):
            lines += _table(title, inner)
    lines += ["## The documents of this release", ""]
    for name in registry.names():
        if shipped_text(name) is not None:
            lines += _shipped(shipped(name))
    return "\n".join(lines).rstrip() + "\n"


# ---------------------------------------------------------------- the words


def _parts(title: str, part: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """An object of the schema, and those that are written inside of it."""
    if "properties" in part:
        yield title, part
        for name, inner in part["properties"].items():
            below = inner.get("items", inner) if inner.get("type") == "array" else inner
            yield from _parts(f"{title}.{name}".lstrip("."), below)


def _table(title: str, part: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"### {title or 'The document'}", "", f"{part.get('description', '')}", "")
    yield from ("| word | form | meaning | default |", "|---|---|---|---|")
    defaults = _defaults(title)
    for name, spec in part["properties"].items():
        meaning = spec.get("description") or schema()["$defs"].get(_ref(spec), {}).get("description", "")
        default = "needed" if name in part.get("required", ()) else defaults.get(name, "")
        yield f"| `{name}` | {_form(title, name, spec)} | {_cell(meaning)} | {default} |"
    yield ""


def _defaults(title: str) -> dict[str, str]:
    word = STRUCTS.get(title, "")
    struct = getattr(rest_document, word, None) or getattr(rest_access, word, None)
    if struct is None:
        return {}
    found = {field.name: field.default for field in msgspec.structs.fields(struct)}
    return {
        name: f"`{_plain(value)}`" for name, value in found.items() if isinstance(value, str | int | float) and value not in {"", False}
    }


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _form(title: str, name: str, spec: Mapping[str, Any]) -> str:
    if (reference := _ref(spec)) is not None:
        return f"[{reference}](#{reference})"
    if "enum" in spec:
        return ", ".join(f"`{value}`" for value in spec["enum"])
    kinds = [spec["type"]] if isinstance(spec.get("type"), str) else list(spec.get("type", ()))
    return " or ".join(_kind(kind, title, name, spec) for kind in kinds) or "any"


def _kind(kind: str, title: str, name: str, spec: Mapping[str, Any]) -> str:
    if kind == "object":
        inner = spec.get("additionalProperties")
        if isinstance(inner, Mapping) and (reference := _ref(inner)) is not None:
            return f"object of [{reference}](#{reference})"
        anchor = f"{title}{name}".replace(".", "").lower()
        return f"[object](#{anchor})" if "properties" in spec else "object"
    if kind == "array" and (reference := _ref(spec.get("items", {}))) is not None:
        return f"list of [{reference}](#{reference})"
    if kind == "array" and "properties" in spec.get("items", {}):
        return f"[list](#{f'{title}{name}'.replace('.', '').lower()})"
    return _LISTED.get(kind, kind)


def _ref(spec: Mapping[str, Any]) -> str | None:
    reference = spec.get("$ref")
    return reference.rpartition("/")[2] if isinstance(reference, str) else None


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "\\<")


# ---------------------------------------------------------------- what is shipped


def _shipped(document: Mapping[str, Any]) -> Iterator[str]:
    provider = registry.get(document["name"])
    yield from (f"### {document.get('title', document['name'])}", "", _cell(document.get("description", "")), "")
    kinds = ", ".join(f"`{kind}`" for kind in provider.credential_kinds)
    consents = ", ".join(f"`{kind}`" for kind in provider.consents)
    yield f"Credentials: {kinds}{f'; by a person’s consent: {consents}' if consents else ''}. Webhooks: {_hooks(document)}."
    yield from ("", "| collection | what changed | what is gone | written |", "|---|---|---|---|")
    for name, spec in document["collections"].items():
        writes = [kind for kind in rest_document.WRITES if kind in spec]
        yield f"| `{name}` | {_changes(spec)} | {_gone(spec)} | {', '.join(writes)} |"
    notes = [_cell(note) for note in document.get("notes", ())]
    yield from ("", *(f"- {note}" for note in notes), *([""] if notes else []))


def _hooks(document: Mapping[str, Any]) -> str:
    events = document.get("webhooks", {}).get("events", ())
    return ", ".join(f"`{name}`" for name in dict.fromkeys(event["collection"] for event in events)) or "none"


def _changes(spec: Mapping[str, Any]) -> str:
    incremental = spec.get("incremental")
    if incremental is None:
        return f"all is read every {spec.get('sweep', SWEEP_FOR_CHANGES)}"
    if incremental.get("narrows_parents"):
        return f"with each changed {spec['parent']}"
    return f"asked for, every {incremental['every']} at most" if "every" in incremental else "asked for at each poll"


def _gone(spec: Mapping[str, Any]) -> str:
    said = ["marked"] * ("deleted" in spec) + ["listed"] * ("deletions" in spec)
    every = spec.get("sweep") or (SWEEP_FOR_CHANGES if "incremental" not in spec else None if said else SWEEP_FOR_DELETIONS)
    return ", ".join([*said, *([f"found every {every}"] if every not in {None, "never"} else [])]) or "nothing is ever gone"
