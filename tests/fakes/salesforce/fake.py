"""SalesforceFake: the server with everything that a test may do to it. The package's docstring lists it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from fakes.salesforce.bulk import Bulk
from fakes.salesforce.errors import Fault, json_answer
from fakes.salesforce.schema import Doc, Field, Object, make
from fakes.salesforce.soql import BadQuery, Query, instant, parse
from fakes.salesforce.store import Refusal, Store, full_id, shown
from fakes.salesforce.tokens import Tokens
from fakes.serving import Answer, Asked, Serving

ROOT = "/services/data/v67.0"
LONGEST = 16_384
BATCH = 2000


class SalesforceFake(Serving):
    def __init__(self) -> None:
        super().__init__()
        self.store = Store(self.clock)
        self.tokens = Tokens()
        self.jobs = Bulk(self)
        self.page_cap = BATCH
        self.limit = (18, 100_000)
        self.exhausted = False
        self.counts: dict[str, int] = {}
        self._cursors: dict[str, tuple[Query, list[Doc]]] = {}

    # -- what a test does

    def create(self, name: str, **fields: Any) -> Doc:
        with self.lock:
            return self._shown(name, self.store.insert(self._object(name), fields))

    def change(self, name: str, id_: str, **fields: Any) -> Doc:
        with self.lock:
            return self._shown(name, self.store.update(self._object(name), id_, fields))

    def delete(self, name: str, id_: str) -> None:
        with self.lock:
            self.store.remove(self._object(name), id_)

    def erase(self, name: str, id_: str) -> None:
        """Emptied out of the recycle bin."""
        with self.lock:
            del self.store.rows[self._object(name).name][id_]

    def merge(self, name: str, loser: str, winner: str) -> None:
        with self.lock:
            self.store.remove(self._object(name), loser, MasterRecordId=winner)

    def commit(self) -> None:
        with self.lock:
            self.store.commit()

    def objects(self, name: str) -> dict[str, Doc]:
        """What there is, without compound fields."""
        with self.lock:
            known = self._object(name)
            rows = self.store.rows[known.name].values()
            return {doc["Id"]: self._shown(name, doc) for doc in rows if not doc["IsDeleted"]}

    def add_object(self, name: str, fields: list[Field], stamp: str = "SystemModstamp") -> None:
        with self.lock:
            self.store.add(make(name, f"b{len(self.store.schema):02}", fields, stamp))

    def add_field(self, name: str, field: Field) -> None:
        with self.lock:
            known = self._object(name)
            known.fields[field.name] = field
            known.modified = self.clock.now()

    def hide(self, name: str, field: str) -> None:
        with self.lock:
            self._object(name).hidden.add(field)
            self._object(name).modified = self.clock.now()

    def kill_cursors(self) -> None:
        self._cursors.clear()

    def _object(self, name: str) -> Object:
        known = self.store.schema.get(name.lower())
        if known is None:
            raise Fault(404, "NOT_FOUND", "The requested resource does not exist")
        return known

    def _shown(self, name: str, doc: Doc) -> Doc:
        known = self._object(name)
        return shown(known, doc, [one for one, field in known.shown().items() if field.type not in {"address", "location"}], ROOT)

    # -- requests

    def answer(self, asked: Asked) -> Answer:
        if asked.path.startswith("/services/oauth2/"):
            return self.tokens.answer(asked)
        try:
            reply = self._checked(asked)
        except Fault as fault:
            reply = fault.answer
        reply.headers = {"Sforce-Limit-Info": f"api-usage={self.limit[0]}/{self.limit[1]}", **reply.headers}
        return reply

    def _checked(self, asked: Asked) -> Answer:
        address = len(asked.path) + len(asked.query) + 1
        if address > LONGEST:
            return Answer(414, b"<h1>Bad Message 414</h1><pre>reason: URI Too Long</pre>", {"Content-Type": "text/html"})
        if address + sum(len(name) + len(value) + 4 for name, value in asked.headers.items()) > LONGEST:
            return Answer(431, b"<h1>Bad Message 431</h1>", {"Content-Type": "text/html"})
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens.good:
            raise Fault(401, "INVALID_SESSION_ID", "Session expired or invalid")
        if self.exhausted:
            raise Fault(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        found = re.fullmatch(r"/services/data/v(\d+)\.0(/.*)?", asked.path)
        if found is None or not 50 <= int(found[1]) <= 68:
            raise Fault(404, "NOT_FOUND", "The requested resource does not exist")
        return self._routed(asked, [unquote(step) for step in (found[2] or "").strip("/").split("/")])

    def _routed(self, asked: Asked, steps: list[str]) -> Answer:
        match steps:
            case ["query" | "queryAll"]:
                return self._query(
                    asked.params.get("q"), deleted=steps[0] == "queryAll", options=asked.headers.get("sforce-query-options", "")
                )
            case ["query" | "queryAll", locator]:
                return self._more(locator)
            case ["composite"]:
                return self._composite(asked)
            case ["composite", "sobjects", *rest]:
                return self._collection(asked, rest)
            case ["sobjects"]:
                return json_answer(
                    200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": [_listed(one) for one in self.store.schema.values()]}
                )
            case ["sobjects", name, "describe"]:
                return self._describe(asked, self._object(name))
            case ["sobjects", name, *rest]:
                return self._record(asked, self._object(name), rest)
            case ["limits", "recordCount"]:
                names = asked.params.get("sObjects", "").split(",")
                known = [self.store.schema[name.lower()] for name in names if name.lower() in self.store.schema]
                counts = [{"count": self.counts.get(one.name, len(self.store.rows[one.name])), "name": one.name} for one in known]
                return json_answer(200, {"sObjects": counts})
            case ["jobs", "query", *rest]:
                return self.jobs.answer(asked, rest)
        raise Fault(404, "NOT_FOUND", "The requested resource does not exist")

    def _describe(self, asked: Asked, known: Object) -> Answer:
        since = asked.headers.get("if-modified-since")
        if since and int(known.modified) <= parsedate_to_datetime(since).timestamp():
            return Answer(304, b"", {"Content-Type": None})
        fields = [one.described() for one in known.shown().values()]
        return json_answer(200, {**_listed(known), "fields": fields}, Last_Modified=formatdate(known.modified, usegmt=True))

    # -- queries

    def _query(self, text: str | None, *, deleted: bool, options: str = "") -> Answer:
        if text is None:
            raise Fault(400, "MALFORMED_QUERY", "a query is missing")
        try:
            query = parse(text, self.store.schema)
        except BadQuery as exc:
            raise Fault(400, exc.code, str(exc)) from exc
        rows = self.found(query, deleted=deleted)
        if query.count:
            return json_answer(200, {"totalSize": len(rows), "done": True, "records": []})
        wish = re.search(r"batchSize=(\d+)", options)
        size = min(max(int(wish[1]), 200) if wish else BATCH, BATCH, self.page_cap)
        return self._page(query, rows, 0, size)

    def found(self, query: Query, *, deleted: bool) -> list[Doc]:
        rows = [doc for doc in self.store.rows[query.object.name].values() if (deleted or not doc["IsDeleted"]) and query.test(doc)]
        for name, down in reversed(query.order):
            rows.sort(key=lambda doc: (doc[name] is not None, _sortable(doc[name])), reverse=down)
        return rows[: query.limit] if query.limit is not None else rows

    def _page(self, query: Query, rows: list[Doc], begin: int, size: int) -> Answer:
        page = rows[begin : begin + size]
        found: Doc = {"totalSize": len(rows), "done": begin + size >= len(rows)}
        if not found["done"]:
            id_ = self.store.next_id("0r8")
            self._cursors[id_] = (query, rows)
            found["nextRecordsUrl"] = f"{ROOT}/query/{id_}-{begin + size}"
        found["records"] = [shown(query.object, doc, query.fields, ROOT) for doc in page]
        return json_answer(200, found)

    def _more(self, locator: str) -> Answer:
        id_, _, begin = locator.partition("-")
        if id_ not in self._cursors or not begin.isdigit():
            raise Fault(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        query, rows = self._cursors[id_]
        return self._page(query, rows, int(begin), min(BATCH, self.page_cap))

    def _composite(self, asked: Asked) -> Answer:
        given = json.loads(asked.body)
        answers = []
        for part in given["compositeRequest"]:
            url = urlsplit(part["url"])
            resource = url.path.removeprefix(f"{ROOT}/")
            if part["method"] != "GET" or resource not in {"query", "queryAll"}:
                raise Fault(400, "INVALID_INPUT", "The stand-in takes queries only")
            try:
                reply = self._query(parse_qs(url.query)["q"][0], deleted=resource == "queryAll")
            except Fault as fault:
                reply = fault.answer
            answers.append(
                {"body": json.loads(reply.body), "httpHeaders": {}, "httpStatusCode": reply.status, "referenceId": part["referenceId"]}
            )
        return json_answer(200, {"compositeResponse": answers})

    # -- writing

    def _collection(self, asked: Asked, rest: list[str]) -> Answer:
        if asked.method == "DELETE" and not rest:
            ids = asked.params.get("ids", "").split(",")
            return self._each(ids, lambda id_: self._removed(self._of_id(id_), id_), asked.params.get("allOrNone") == "true")
        given = _body(asked)
        records = given.get("records") if isinstance(given, dict) else None
        if not isinstance(records, list):
            raise Fault(400, "JSON_PARSER_ERROR", "The records are missing")
        whole = bool(given.get("allOrNone"))
        if asked.method == "POST" and not rest:
            return self._each(records, lambda doc: self._made(self._typed(doc), doc), whole)
        if asked.method == "PATCH" and not rest:
            return self._each(records, self._changed, whole)
        if asked.method == "PATCH" and len(rest) == 2:
            known = self._object(rest[0])
            return self._each(records, lambda doc: self._upserted(known, rest[1], doc), whole)
        raise Fault(405, "METHOD_NOT_ALLOWED", "HTTP Method not allowed")

    def _each(self, items: list[Any], act: Any, whole: bool) -> Answer:
        if len(items) > 200:
            raise Fault(400, "INVALID_INPUT", "The request contains more than 200 records")
        before = {name: dict(rows) for name, rows in self.store.rows.items()}
        results: list[Doc] = []
        for item in items:
            try:
                results.append(act(item))
            except Refusal as refusal:
                results.append({"success": False, "errors": [refusal.error()]})
        if whole and not all(result["success"] for result in results):
            self.store.rows = before
            undone = Refusal("ALL_OR_NONE_OPERATION_ROLLED_BACK", "Record rolled back because not all records were valid and the request was "
                             "using AllOrNone header").error()  # fmt: skip
            results = [{"success": False, "errors": [undone]} if result["success"] else result for result in results]
        return json_answer(200, results)

    def _typed(self, doc: Doc) -> Object:
        known = self.store.schema.get(str(doc.get("attributes", {}).get("type", "")).lower())
        if known is None:
            raise Refusal("INVALID_TYPE", f"sObject type '{doc.get('attributes', {}).get('type')}' is not supported.")
        return known

    def _of_id(self, id_: str) -> Object:
        for known in self.store.schema.values():
            if id_.startswith(known.prefix):
                return known
        raise Refusal("MALFORMED_ID", f"malformed id {id_}")

    def _made(self, known: Object, doc: Doc) -> Doc:
        return {"id": self.store.insert(known, doc)["Id"], "success": True, "errors": []}

    def _changed(self, doc: Doc) -> Doc:
        known = self._typed(doc)
        id_ = str(doc.get("id", doc.get("Id", "")))
        given = {name: value for name, value in doc.items() if name.lower() != "id"}
        return {"id": self.store.update(known, id_, given)["Id"], "success": True, "errors": []}

    def _removed(self, known: Object, id_: str) -> Doc:
        self.store.remove(known, id_)
        return {"id": full_id(id_) if len(id_) == 15 else id_, "success": True, "errors": []}

    def _upserted(self, known: Object, field: str, doc: Doc) -> Doc:
        hits = self._hits(known, field, doc.get(field))
        if len(hits) > 1:
            raise Refusal("DUPLICATE_EXTERNAL_ID", f"More than one record found for external id field: {hits}")
        if hits:
            given = {name: value for name, value in doc.items() if name != field}
            return {"id": self.store.update(known, hits[0], given)["Id"], "success": True, "errors": [], "created": False}
        return {**self._made(known, doc), "created": True}

    def _hits(self, known: Object, name: str, value: Any) -> list[str]:
        field = known.find(name)
        if field is None or not field.external:
            raise Refusal("INVALID_FIELD", f"Field name provided, {name} is not an External ID or indexed field for {known.name}")
        rows = self.store.rows[known.name].values()
        return [
            doc["Id"] for doc in rows if not doc["IsDeleted"] and doc.get(field.name) is not None and str(doc[field.name]) == str(value)
        ]

    # -- one record

    def _record(self, asked: Asked, known: Object, rest: list[str]) -> Answer:
        try:
            if not rest and asked.method == "POST":
                return json_answer(201, self._made(known, _body(asked)))
            if len(rest) == 2 and asked.method == "PATCH":
                return self._upsert_one(known, rest[0], rest[1], _body(asked))
            if len(rest) != 1:
                raise Fault(404, "NOT_FOUND", "The requested resource does not exist")
            return self._one(asked, known, rest[0])
        except Refusal as refusal:
            missing = refusal.code in {"INVALID_CROSS_REFERENCE_KEY", "ENTITY_IS_DELETED", "MALFORMED_ID"}
            code = "NOT_FOUND" if refusal.code == "INVALID_CROSS_REFERENCE_KEY" else refusal.code
            raise Fault(404 if missing else 400, code, str(refusal), *refusal.fields) from refusal

    def _upsert_one(self, known: Object, field: str, value: str, given: Doc) -> Answer:
        hits = self._hits(known, field, value)
        if len(hits) > 1:
            return json_answer(300, [f"{ROOT}/sobjects/{known.name}/{id_}" for id_ in hits])
        made = self._upserted(known, field, {**given, field: value})
        return json_answer(201 if made["created"] else 200, made)

    def _one(self, asked: Asked, known: Object, id_: str) -> Answer:
        doc = self.store.find(known.name, id_)
        if doc is None:
            raise Fault(404, "NOT_FOUND", "The requested resource does not exist")
        if doc["IsDeleted"]:
            raise Fault(404, "ENTITY_IS_DELETED", "entity is deleted")
        if asked.method == "GET":
            return json_answer(200, shown(known, doc, list(known.shown()), ROOT))
        unmodified = asked.headers.get("if-unmodified-since")
        if unmodified and known.stamp and instant(doc["LastModifiedDate"]) > parsedate_to_datetime(unmodified):
            raise Fault(412, "PRECONDITION_FAILED", "The record was modified since")
        if asked.method == "PATCH":
            self.store.update(known, id_, _body(asked))
        elif asked.method == "DELETE":
            self.store.remove(known, id_)
        else:
            raise Fault(405, "METHOD_NOT_ALLOWED", "HTTP Method not allowed")
        return Answer(204, b"", {"Content-Type": None})


def _listed(known: Object) -> Doc:
    written = known.name != "Invoice__History"
    return {
        "name": known.name, "label": known.name.replace("__c", ""), "keyPrefix": known.prefix, "custom": known.name.endswith("__c"),
        "customSetting": False, "queryable": True, "retrieveable": True, "replicateable": bool(known.stamp), "createable": written,
        "updateable": written, "deletable": written, "deprecatedAndHidden": False,
        "urls": {"sobject": f"{ROOT}/sobjects/{known.name}", "describe": f"{ROOT}/sobjects/{known.name}/describe"},
    }  # fmt: skip


def _body(asked: Asked) -> Any:
    try:
        return json.loads(asked.body)
    except ValueError as exc:
        raise Fault(400, "JSON_PARSER_ERROR", "Unexpected character") from exc


def _sortable(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT.*", value):
        return instant(value).astimezone(UTC)
    return value if not isinstance(value, datetime) else value.astimezone(UTC)
