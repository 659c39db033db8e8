"""AirtableFake: the server with everything that a test may do to it. The package's docstring lists it."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

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

    def _records(self, asked: Asked, table: Box, given: Doc) -> Answer:
        if asked.method == "POST":
            self._check(table, given)
            return answer(self.create("record", table=table.doc["id"], fields=given["fields"]))
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
        box = next((box for box in self.all("record") if box.doc["id"] == id_ and self.within[id_] == table.doc["id"]), None)
        if box is None:
            raise Refusal(404, {"error": "NOT_FOUND"})
        if asked.method == "DELETE":
            self.drop("record", box)
            return answer({"id": id_, "deleted": True})
        if asked.method in {"PATCH", "PUT"}:
            self._check(table, given)
            kept = box.doc["fields"] if asked.method == "PATCH" else {}
            self.touch("record", box, {"fields": {**kept, **given["fields"]}})
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
