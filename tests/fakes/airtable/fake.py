"""AirtableFake: the server with everything that a test may do to it. The package's docstring lists it."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from fakes.hooked import Hook
from fakes.serving import Answer, Asked
from fakes.shelves import Box, Doc, Refusal, Shelves, answer, bearer, moment, sealed, unsealed

_FORMULA = re.compile(r"IS_AFTER\(LAST_MODIFIED_TIME\(\), DATETIME_PARSE\('([^']+)'\)\)")


class AirtableFake(Shelves):
    token = "patFake0000000001.00000000000000000001"
    token_path = "/oauth2/v1/token"

    def __init__(self) -> None:
        super().__init__()
        self.within: dict[str, str] = {}  # table -> its base, record -> its table
        self.expired: set[str] = set()  # offsets that are over
        self.hooks: list[Hook] = []

    # -- objects

    def fresh(self, kind: str, number: int, fields: Doc) -> Doc:
        id_ = f"{ {'base': 'app', 'table': 'tbl', 'record': 'rec'}[kind] }{number:014}"
        if kind == "base":
            return {"id": id_, "name": "", "permissionLevel": "create", **fields}
        if kind == "table":
            self.within[id_] = fields.pop("base")
            first = {"id": f"fld{number:014}", "name": "Name", "type": "singleLineText"}
            return {"id": id_, "name": "", "primaryFieldId": first["id"], "fields": [first], "views": [], **fields}
        self.within[id_] = fields.pop("table")
        return {"id": id_, "createdTime": moment(self.clock.now()), "fields": {}, **fields}

    def identity(self, kind: str, doc: Doc) -> Any:
        steps = [doc["id"]]
        while steps[0] in self.within:
            steps.insert(0, self.within[steps[0]])
        return "/".join(steps)

    # -- requests

    def authorise(self, header: str) -> None:
        if bearer(header) not in self.tokens:
            raise Refusal(401, {"error": {"type": "AUTHENTICATION_REQUIRED", "message": "Authentication required"}})

    def routed(self, asked: Asked) -> Answer:
        given = json.loads(asked.body) if asked.body else {}
        match asked.path.removeprefix("/v0/").split("/"):
            case ["meta", "whoami"]:
                return answer({"id": "usrFake0000000001", "scopes": ["data.records:read"]})
            case ["bases", base, "webhooks", *rest]:
                return self._webhooks(asked, base, rest, given)
            case ["meta", "bases"] if asked.method == "POST":
                return self._new_base(given)
            case ["meta", "bases"]:
                return self._page("bases", self.all("base"), asked, 1000)
            case ["meta", "bases", base, "tables"]:
                return self._tables(asked, base, given)
            case ["meta", "bases", base, "tables", table] if asked.method == "PATCH":
                box = self._table(base, table)
                self.touch("table", box, given)
                return answer(box.doc)
            case [base, table]:
                return self._records(asked, self._table(base, table), given)
            case [base, table, record]:
                return self._record(asked, self._table(base, table), record, given)
        raise Refusal(404, {"error": "NOT_FOUND"})

    def _table(self, base: str, table: str) -> Box:
        box = self.box("table", f"{base}/{table}")
        if box is None:
            words = "Invalid permissions, or the requested model was not found. Check that both your user and your token have the required permissions."
            raise Refusal(403, {"error": {"type": "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND", "message": words}})
        return box

    def _tables(self, asked: Asked, base: str, given: Doc) -> Answer:
        if self.box("base", base) is None:
            raise Refusal(404, {"error": "NOT_FOUND"})
        if asked.method == "POST":
            return answer(self.create("table", base=base, **{name: given[name] for name in ("name", "description") if name in given}))
        return answer({"tables": [box.doc for box in self.all("table") if self.within[box.doc["id"]] == base]})

    def _webhooks(self, asked: Asked, base: str, rest: list[str], given: Doc) -> Answer:
        """https://airtable.com/developers/web/api/create-a-webhook: seven days each; who is gone is not listed any more"""
        if self.box("base", base) is None:
            raise Refusal(404, {"error": "NOT_FOUND"})
        self.hooks = [hook for hook in self.hooks if hook.ends > self.clock.now()]
        of_base = [hook for hook in self.hooks if hook.parent == base]
        week = self.clock.now() + 7 * 86_400
        match (asked.method, rest):
            case ("GET", []):
                return answer({"webhooks": [_shown(hook) for hook in of_base]})
            case ("POST", []):
                if not given["specification"]["options"]["filters"]["dataTypes"] or len(of_base) >= 2:
                    raise Refusal(403, {"error": {"type": "TOO_MANY_WEBHOOKS_BY_OAUTH_INTEGRATION_IN_BASE"}})
                self._number += 1
                secret = b64encode(f"secret of {self._number}".encode()).decode()
                hook = Hook(f"ach{self._number:014}", given["notificationUrl"], secret, base, ends=week)
                self.hooks.append(hook)
                return answer({"id": hook.id, "macSecretBase64": secret, "expirationTime": moment(week)})
        hook = next((hook for hook in of_base if hook.id == rest[0]), Hook("", "", ""))
        if not hook.id:
            raise Refusal(404, {"error": "NOT_FOUND"})
        if (asked.method, rest[1:]) == ("POST", ["refresh"]):
            hook.ends = week
            return answer({"expirationTime": moment(week)})
        assert (asked.method, rest[1:]) == ("DELETE", [])
        self.hooks.remove(hook)
        return answer(None, 204)

    def _new_base(self, given: Doc) -> Answer:
        """https://airtable.com/developers/web/api/create-base"""
        if not all(given.get(name) for name in ("name", "workspaceId", "tables")):
            raise Refusal(422, {"error": {"type": "INVALID_REQUEST_MISSING_FIELDS", "message": "name, tables and workspaceId are needed"}})
        base = self.create("base", name=given["name"])["id"]
        return answer({"id": base, "tables": [self.create("table", base=base, name=each["name"]) for each in given["tables"]]})

    def _records(self, asked: Asked, table: Box, given: Doc) -> Answer:
        if asked.method != "GET":
            return self._written(asked, table, given)
        boxes = [box for box in self.all("record") if self.within[box.doc["id"]] == table.doc["id"]]
        formula = asked.params.get("filterByFormula")
        if formula is not None:
            found = _FORMULA.fullmatch(formula)
            if found is None:
                raise Refusal(
                    422, {"error": {"type": "INVALID_FILTER_BY_FORMULA", "message": "The formula for filtering records is invalid"}}
                )
            since = datetime.fromisoformat(found[1]).timestamp()
            boxes = [box for box in boxes if box.touched > since]
        return self._page("records", boxes, asked, 100)

    def _written(self, asked: Asked, table: Box, given: Doc) -> Answer:
        """https://airtable.com/developers/web/api/create-records, update-multiple-records, delete-multiple-records: all or none"""
        if asked.method == "DELETE":
            boxes = [self._of_table(table, id_) for name, id_ in parse_qsl(asked.query) if name == "records[]"]
            self._few(boxes)
            for box in boxes:
                self.drop("record", box)
            return answer({"records": [{"id": box.doc["id"], "deleted": True} for box in boxes]})
        if asked.method == "POST" and "records" not in given:
            self._check(table, given)
            return answer(self.create("record", table=table.doc["id"], fields=given["fields"]))
        items = given.get("records", [])
        self._few(items)
        for item in items:
            self._check(table, item)
        if asked.method == "POST":
            return answer({"records": [self.create("record", table=table.doc["id"], fields=item["fields"]) for item in items]})
        boxes = [self._of_table(table, item["id"]) for item in items]
        for box, item in zip(boxes, items, strict=True):
            self._merge(asked, box, item)
        return answer({"records": [box.doc for box in boxes]})

    @staticmethod
    def _few(items: list[Any]) -> None:
        if not 1 <= len(items) <= 10:
            words = "You must provide an array of up to 10 record objects, each with a `fields` key for cell contents."
            raise Refusal(422, {"error": {"type": "INVALID_REQUEST_UNKNOWN", "message": words}})

    def _of_table(self, table: Box, id_: str) -> Box:
        box = next((box for box in self.all("record") if box.doc["id"] == id_ and self.within[id_] == table.doc["id"]), None)
        if box is None:
            raise Refusal(404, {"error": "NOT_FOUND"})
        return box

    def _merge(self, asked: Asked, box: Box, given: Doc) -> None:
        kept = box.doc["fields"] if asked.method == "PATCH" else {}
        self.touch("record", box, {"fields": {**kept, **given["fields"]}})

    def _page(self, name: str, boxes: list[Box], asked: Asked, largest: int) -> Answer:
        start = asked.params.get("offset")
        if start is not None:
            place = unsealed(start)
            if place is None or start in self.expired:
                words = "The iterator that is used to list records is not available any more"
                raise Refusal(422, {"error": {"type": "LIST_RECORDS_ITERATOR_NOT_AVAILABLE", "message": words}})
            boxes = [box for box in boxes if box.number > place[0]]
        size = self.size(asked.params.get("pageSize"), largest)
        more = {"offset": sealed(boxes[size - 1].number)} if len(boxes) > size else {}
        return answer({name: [box.doc for box in boxes[:size]], **more})

    def _record(self, asked: Asked, table: Box, id_: str, given: Doc) -> Answer:
        box = self._of_table(table, id_)
        if asked.method == "DELETE":
            self.drop("record", box)
            return answer({"id": id_, "deleted": True})
        if asked.method in {"PATCH", "PUT"}:
            self._check(table, given)
            self._merge(asked, box, given)
        return answer(box.doc)

    @staticmethod
    def _check(table: Box, given: Doc) -> None:
        if not isinstance(given.get("fields"), dict):
            raise Refusal(
                422, {"error": {"type": "INVALID_REQUEST_MISSING_FIELDS", "message": 'Could not find field "fields" in the request body'}}
            )
        known = {field["name"] for field in table.doc["fields"]}
        for name in given["fields"]:
            if name not in known:
                raise Refusal(422, {"error": {"type": "UNKNOWN_FIELD_NAME", "message": f'Unknown field name: "{name}"'}})


def _shown(hook: Hook) -> Doc:
    """The secret is shown once, when it is made."""
    return {
        "id": hook.id, "type": "client", "isHookEnabled": hook.active, "notificationUrl": hook.url, "cursorForNextPayload": 1,
        "areNotificationsEnabled": True, "expirationTime": moment(hook.ends), "lastNotificationResult": None,
        "specification": {"options": {"filters": {"dataTypes": ["tableData"]}}},
    }  # fmt: skip
