"""Bulk API 2.0, the half that reads: https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/queries.htm"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from fakes.salesforce.errors import Fault, json_answer
from fakes.salesforce.soql import BadQuery, parse
from fakes.salesforce.store import shown, time_of
from fakes.serving import Answer, Asked

if TYPE_CHECKING:
    from fakes.salesforce.fake import SalesforceFake


class Bulk:
    """Jobs. `mode`: "" works; "fails", "vanishes" (between two looks), "refused"; `looks`: so many times it is under way."""

    def __init__(self, fake: SalesforceFake) -> None:
        self.fake = fake
        self.mode = ""
        self.looks = 1
        self.page = 50_000
        self.jobs: dict[str, dict[str, Any]] = {}

    def answer(self, asked: Asked, steps: list[str]) -> Answer:
        if not steps:
            if asked.method != "POST":
                raise Fault(405, "METHOD_NOT_ALLOWED", "HTTP Method not allowed")
            return self._make(json.loads(asked.body))
        job = self.jobs.get(steps[0])
        if job is None:
            raise Fault(404, "NOT_FOUND", "The requested resource does not exist")
        if steps[1:] == ["results"]:
            return self._results(asked, job)
        if asked.method == "DELETE":
            del self.jobs[steps[0]]
            return Answer(204, b"", {"Content-Type": None})
        return json_answer(200, self._look(job))

    def _make(self, given: dict[str, Any]) -> Answer:
        if self.mode == "refused":
            raise Fault(400, "INVALIDENTITY", "CsvBatch is not supported by the Bulk API")
        if given.get("operation") not in {"query", "queryAll"}:
            raise Fault(400, "INVALIDJOB", "Operation is not supported")
        try:
            query = parse(given["query"], self.fake.store.schema)
        except BadQuery as exc:
            raise Fault(400, exc.code, str(exc)) from exc
        for name in query.fields:
            if query.object.fields[name].type in {"address", "location"}:
                raise Fault(400, "FUNCTIONALITY_NOT_ENABLED", "Selecting compound data not supported in Bulk Query")
            if query.object.fields[name].type == "base64":
                raise Fault(400, "INVALIDJOB", "Binary fields cannot be selected in Bulk V2 Query")
        if query.count:
            raise Fault(400, "INVALIDJOB", "Aggregate queries are not supported")
        id_ = self.fake.store.next_id("750")
        self.jobs[id_] = {"id": id_, "operation": given["operation"], "object": query.object.name, "state": "UploadComplete", "query": query,
                          "createdDate": time_of(self.fake.clock.now()), "left": self.looks, "rows": None}  # fmt: skip
        return json_answer(200, self._shown(self.jobs[id_]))

    def _shown(self, job: dict[str, Any]) -> dict[str, Any]:
        shown_ = {name: job[name] for name in ("id", "operation", "object", "state", "createdDate")}
        shown_ |= {"contentType": "CSV", "apiVersion": 67.0, "lineEnding": "LF", "columnDelimiter": "COMMA", "concurrencyMode": "Parallel"}
        if job["rows"] is not None:
            shown_["numberRecordsProcessed"] = len(job["rows"])
        if job["state"] == "Failed":
            shown_["errorMessage"] = "InternalServerError: retried more than 15 times"
        return shown_

    def _look(self, job: dict[str, Any]) -> dict[str, Any]:
        if self.mode == "vanishes":
            self.jobs.pop(job["id"])
            raise Fault(404, "NOT_FOUND", "The requested resource does not exist")
        if job["left"] > 0:
            job["left"] -= 1
            job["state"] = "InProgress"
        elif self.mode == "fails":
            job["state"] = "Failed"
        elif job["state"] != "JobComplete":
            job["rows"] = self.fake.found(job["query"], deleted=job["operation"] == "queryAll")
            job["state"] = "JobComplete"
        return self._shown(job)

    def _results(self, asked: Asked, job: dict[str, Any]) -> Answer:
        if job["state"] != "JobComplete":
            raise Fault(400, "INVALIDJOBSTATE", "The job is not complete")
        begin = int(asked.params.get("locator", "0"), 36) if "locator" in asked.params else 0
        size = min(int(asked.params.get("maxRecords", "50000")), self.page)
        rows = job["rows"][begin : begin + size]
        query = job["query"]
        out = io.StringIO(newline="")
        writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(query.fields)
        for doc in rows:
            seen = shown(query.object, doc, query.fields, "")
            writer.writerow([_text(seen[name], query.object.fields[name].type) for name in query.fields])
        more = begin + size < len(job["rows"])
        locator = _base36(begin + size) if more else "null"
        return Answer(200, out.getvalue().encode(), {"Content-Type": "text/csv", "Sforce-Locator": locator,
                                                     "Sforce-NumberOfRecords": str(len(rows))})  # fmt: skip


def _text(value: Any, kind: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).replace("+0000", "Z") if kind == "datetime" else str(value)


def _base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + text
    return text or "0"
