"""What an organization has: its records, and what may be done to them."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

from fakes.salesforce.schema import Doc, Field, Object, standard
from fakes.serving import Clock

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
USER = "005RO000000AbCdYAK"


class Refusal(Exception):
    """One record cannot be written."""

    def __init__(self, code: str, message: str, *fields: str) -> None:
        super().__init__(message)
        self.code, self.fields = code, list(fields)

    def error(self) -> Doc:
        return {"statusCode": self.code, "message": str(self), "fields": self.fields}


def full_id(short: str) -> str:
    """https://help.salesforce.com/s/articleView?id=000385585"""
    suffix = ""
    for block in (short[0:5], short[5:10], short[10:15]):
        bits = 0
        for place, letter in enumerate(block):
            if "A" <= letter <= "Z":
                bits |= 1 << place
        suffix += "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits]
    return short + suffix


def time_of(seconds: float) -> str:
    return f"{datetime.fromtimestamp(int(seconds), UTC):%Y-%m-%dT%H:%M:%S}.000+0000"


class Store:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.schema: dict[str, Object] = {}
        self.rows: dict[str, dict[str, Doc]] = {}
        self.lagging = False
        self.locked: set[str] = set()
        self._late: list[tuple[str, str, Doc]] = []
        self._number = 1000
        for one in standard():
            self.add(one)

    def add(self, one: Object) -> None:
        one.modified = self.clock.now()
        self.schema[one.name.lower()] = one
        self.rows[one.name] = {}

    def next_id(self, prefix: str) -> str:
        self._number += 1
        number, text = self._number, ""
        while number:
            number, digit = divmod(number, 62)
            text = _DIGITS[digit] + text
        return full_id(prefix + "RO" + text.rjust(10, "0"))

    def find(self, name: str, id_: str) -> Doc | None:
        key = full_id(id_) if len(id_) == 15 else id_
        pending = [doc for kind, key_, doc in self._late if (kind, key_) == (name, key)]
        return pending[-1] if pending else self.rows[name].get(key)

    # -- writing, with Salesforce's own checks

    def insert(self, known: Object, given: Doc) -> Doc:
        values = self._checked(known, given, new=True)
        now = time_of(self.clock.now())
        doc: Doc = dict.fromkeys(known.fields)
        doc.update({name: False for name, one in known.fields.items() if one.type == "boolean"})
        doc.update({"Id": self.next_id(known.prefix), "IsDeleted": False})
        if known.stamp:
            doc.update(CreatedDate=now, CreatedById=USER)
        doc.update(values)
        self._unique(known, doc)
        self._save(known, doc)
        return doc

    def update(self, known: Object, id_: str, given: Doc) -> Doc:
        doc = self._there(known, id_)
        values = self._checked(known, given, new=False)
        changed = {**doc, **values}
        self._unique(known, changed)
        self._save(known, changed)
        return changed

    def remove(self, known: Object, id_: str, **more: Any) -> None:
        doc = self._there(known, id_)
        self._save(known, {**doc, "IsDeleted": True, **more})

    def _there(self, known: Object, id_: str) -> Doc:
        if len(id_) not in {15, 18} or not id_.isalnum():
            raise Refusal("MALFORMED_ID", f"{known.name} ID: id value of incorrect type: {id_}", "Id")
        doc = self.find(known.name, id_)
        if doc is None:
            raise Refusal("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if doc["IsDeleted"]:
            raise Refusal("ENTITY_IS_DELETED", "entity is deleted")
        if doc["Id"] in self.locked:
            raise Refusal("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records: " + doc["Id"])
        return doc

    def _checked(self, known: Object, given: Doc, *, new: bool) -> Doc:
        values = {}
        for name, value in given.items():
            if name == "attributes":
                continue
            field = known.find(name)
            if field is None:
                raise Refusal("INVALID_FIELD", f"No such column '{name}' on sobject of type {known.name}", name)
            if field.system:
                raise Refusal("INVALID_FIELD_FOR_INSERT_UPDATE", f"Unable to create/update fields: {field.name}.", field.name)
            if field.type == "email" and value is not None and "@" not in str(value):
                raise Refusal("INVALID_EMAIL_ADDRESS", f"Email: invalid email address: {value}", field.name)
            values[field.name] = None if value == "" else value
        missing = [
            one.name
            for one in known.fields.values()
            if one.required and (values.get(one.name) is None if new else one.name in values and values[one.name] is None)
        ]
        if missing:
            raise Refusal("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", *missing)
        return values

    def _unique(self, known: Object, doc: Doc) -> None:
        for one in known.fields.values():
            if one.external and doc.get(one.name) is not None:
                for other in self.rows[known.name].values():
                    if (
                        other["Id"] != doc["Id"]
                        and other.get(one.name) == doc[one.name]
                        and not other["IsDeleted"]
                        and not known.name.startswith("Loose")
                    ):
                        raise Refusal(
                            "DUPLICATE_VALUE",
                            f"duplicate value found: {one.name} duplicates value on record with id: {other['Id']}",
                            one.name,
                        )

    def _save(self, known: Object, doc: Doc) -> None:
        for one in known.fields.values():
            if one.formula is not None:
                doc[one.name] = _loud(doc.get(one.formula))
        if known.stamp:
            doc.update(LastModifiedDate=time_of(self.clock.now()), SystemModstamp=time_of(self.clock.now()), LastModifiedById=USER)
        if self.lagging:
            self._late.append((known.name, doc["Id"], copy.copy(doc)))
        else:
            self.rows[known.name][doc["Id"]] = doc

    def commit(self) -> None:
        for name, key, doc in self._late:
            self.rows[name][key] = doc
        self._late.clear()
        self.lagging = False


def shown(known: Object, doc: Doc, names: list[str], root: str) -> Doc:
    """A record as a query shows it."""
    found: Doc = {"attributes": {"type": known.name, "url": f"{root}/sobjects/{known.name}/{doc['Id']}"}}
    for name in names:
        found[name] = _value(known.fields[name], known, doc, root)
    return found


def _value(field: Field, known: Object, doc: Doc, root: str) -> Any:
    if field.type == "address":
        parts = [doc.get(part) for part in field.compound]
        names = ("street", "city", "state", "postalCode", "country")
        return (
            None
            if not any(parts)
            else {**dict(zip(names, parts, strict=True)), "latitude": None, "longitude": None, "geocodeAccuracy": None}
        )
    if field.type == "location":
        latitude, longitude = (doc.get(part) for part in field.compound)
        return None if latitude is None else {"latitude": latitude, "longitude": longitude}
    if field.type == "base64":
        return f"{root}/sobjects/{known.name}/{doc['Id']}/{field.name}"
    return doc.get(field.name)


def _loud(text: Any) -> str | None:
    return str(text).upper() if text is not None else None
