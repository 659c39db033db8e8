"""The object types of the fake: their properties, and what of them shows without being named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Doc = dict[str, Any]
OWN = ("createdate", "hs_object_id", "hs_merged_object_ids", "hs_createdate", "hubspot_owner_id")
READ_ONLY = frozenset(("createdate", "hs_object_id", "hs_merged_object_ids", "hs_createdate", "hs_lastmodifieddate", "lastmodifieddate"))


@dataclass
class Kind:
    """One type. `shown`: properties in a reply that names none."""

    path: str
    type_id: str
    label: str
    shown: tuple[str, ...]
    names: set[str]
    modified: str = "hs_lastmodifieddate"
    unique: set[str] = field(default_factory=set)
    needs: tuple[str, ...] = ()
    qualified: str = ""  # of a custom one


@dataclass
class Thing:
    """One object. Times are milliseconds since 1970."""

    number: int
    properties: dict[str, str]
    created: int
    modified: int
    archived: int | None = None
    # (other type, other id) -> ids of the kinds of association
    links: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    # What the index shows from when on; None: no more.
    history: list[tuple[int, dict[str, str] | None]] = field(default_factory=list)

    @property
    def id(self) -> str:
        return str(self.number)


def kinds() -> dict[str, Kind]:
    made = [
        _kind(
            "contacts", "0-1", "Contact", "email firstname lastname", "phone jobtitle city", modified="lastmodifieddate", unique={"email"}
        ),
        _kind("companies", "0-2", "Company", "name domain", "city phone"),
        _kind("deals", "0-3", "Deal", "dealname amount closedate dealstage pipeline", "description"),
        _kind("tickets", "0-5", "Ticket", "subject content hs_pipeline hs_pipeline_stage hs_ticket_category hs_ticket_priority", ""),
        _kind("products", "0-7", "Product", "name description price", "hs_sku", needs=("name",)),
        _kind("line_items", "0-8", "Line item", "quantity amount price name", "hs_product_id"),
        _kind("quotes", "0-14", "Quote", "hs_expiration_date hs_title hs_status", "hs_language"),
        _kind("tasks", "0-27", "Task", "", "hs_task_subject hs_task_body hs_task_status hs_timestamp"),
        _kind("notes", "0-46", "Note", "", "hs_note_body hs_timestamp"),
        _kind("meetings", "0-47", "Meeting", "", "hs_meeting_title hs_meeting_body hs_timestamp"),
        _kind("calls", "0-48", "Call", "", "hs_call_title hs_call_body hs_timestamp"),
        _kind("emails", "0-49", "Email", "", "hs_email_subject hs_email_text hs_timestamp"),
    ]
    return {kind.path: kind for kind in made}


def _kind(path: str, type_id: str, label: str, shown: str, more: str, **rest: Any) -> Kind:
    names = {*shown.split(), *more.split(), *OWN, rest.get("modified", "hs_lastmodifieddate")}
    return Kind(path, type_id, label, tuple(shown.split()), names, **rest)


def custom(number: int, name: str, names: tuple[str, ...]) -> Kind:
    return Kind(f"2-{number}", f"2-{number}", name.title(), names[:1], {*names, *OWN, "hs_lastmodifieddate"}, qualified=f"p4711_{name}")


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def described(name: str, kind: Kind) -> Doc:
    """https://developers.hubspot.com/docs/api-reference/latest/crm/properties"""
    time = name.endswith("date")
    return {
        "name": name, "label": name.replace("_", " ").capitalize(), "type": "datetime" if time else "string",
        "fieldType": "date" if time else "text", "description": "", "groupName": f"{kind.path}information", "options": [],
        "displayOrder": -1, "calculated": False, "externalOptions": False, "hasUniqueValue": name in kind.unique,
        "hidden": False, "hubspotDefined": True, "formField": True, "dataSensitivity": "non_sensitive", "archived": False,
        "modificationMetadata": {"archivable": True, "readOnlyDefinition": True, "readOnlyValue": name in READ_ONLY},
    }  # fmt: skip


def properties_of(thing: Thing, kind: Kind) -> dict[str, str]:
    """All that has a value."""
    times = {"createdate": iso(thing.created), kind.modified: iso(thing.modified), "hs_object_id": thing.id}
    return {**{name: value for name, value in thing.properties.items() if value != ""}, **times}


def shown(kind: Kind, properties: Mapping[str, str], named: tuple[str, ...] | None) -> dict[str, str | None]:
    """Those that are named, or a few; what is unknown is passed over, what has no value is null."""
    always = ("createdate", "hs_object_id", kind.modified)
    names = dict.fromkeys((*(kind.shown if named is None else named), *always))
    return {name: properties.get(name) for name in names if name in kind.names}


def schema_of(kind: Kind) -> Doc:
    """https://developers.hubspot.com/docs/api-reference/latest/crm/objects/schemas"""
    return {
        "id": kind.type_id.partition("-")[2], "name": kind.qualified.partition("_")[2], "objectTypeId": kind.type_id,
        "fullyQualifiedName": kind.qualified, "labels": {"singular": kind.label, "plural": f"{kind.label}s"},
        "requiredProperties": [], "searchableProperties": [], "secondaryDisplayProperties": [],
        "primaryDisplayProperty": kind.shown[0], "archived": False, "associations": [],
        "createdAt": iso(1_700_000_000_000), "updatedAt": iso(1_700_000_000_000),
        "properties": [described(name, kind) for name in sorted(kind.names)],
    }  # fmt: skip
