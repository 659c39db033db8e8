"""NotionFake: the server with everything that a test may do to it. The package's docstring lists it."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from fakes.serving import Answer, Asked
from fakes.shelves import Box, Doc, Refusal, Shelves, answer, bearer, moment, sealed, unsealed

_PATHS = {
    "pages": "page",
    "data_sources": "data_source",
    "databases": "database",
    "blocks": "block",
    "comments": "comment",
    "users": "user",
}


class NotionFake(Shelves):
    token = "ntn_fake000000000000000000000000001"
    granted: ClassVar[Doc] = {"workspace_id": "w-1", "workspace_name": "Acme", "bot_id": "bot-1"}
    token_path = "/v1/oauth/token"

    # -- objects

    def fresh(self, kind: str, number: int, fields: Doc) -> Doc:
        id_ = f"{number:08x}-0000-4000-8000-000000000000"
        head = {"object": kind, "id": id_}
        if kind == "user":
            return {**head, "name": "", "avatar_url": None, "type": "person", "person": {"email": f"u{number}@example.com"}, **fields}
        now = _minute(self.clock.now())
        who = {"object": "user", "id": "00000001-0000-4000-8000-000000000000"}
        doc = {**head, "created_time": now, "last_edited_time": now, "created_by": who}
        if kind == "comment":
            return {**doc, "discussion_id": f"d-{number}", "rich_text": [], **fields}
        doc |= {"last_edited_by": who, "in_trash": False, "archived": False}
        if kind == "block":
            above = fields.pop("parent")
            parent = {"type": "page_id", "page_id": above} if self.box("page", above) else {"type": "block_id", "block_id": above}
            self._edited(parent)
            return {**doc, "parent": parent, "type": "paragraph", "has_children": False, "paragraph": {"rich_text": []}, **fields}
        doc |= {"url": f"https://www.notion.so/{id_}", "icon": None, "cover": None, "parent": {"type": "workspace", "workspace": True}}
        if kind == "page":
            source = fields.pop("data_source", None)
            parent = {"parent": {"type": "data_source_id", "data_source_id": source}} if source else {}
            return {**doc, "properties": {}, **parent, **fields}
        if kind == "data_source":
            database = self.create("database", title=fields.get("title", []), data_sources=[{"id": id_, "name": ""}])
            return {**doc, "title": [], "properties": {}, "parent": {"type": "database_id", "database_id": database["id"]}, **fields}
        return {**doc, "title": [], "description": [], "is_inline": False, **fields}

    def _edited(self, parent: Doc) -> None:
        """A changed block is a change of what it is on."""
        kind = "page" if parent["type"] == "page_id" else "block"
        box = self.box(kind, parent[parent["type"]])
        assert box is not None
        self.touch(kind, box, {} if kind == "page" else {"has_children": True})
        if kind == "block":
            self._edited(box.doc["parent"])

    def change(self, kind: str, id_: object, **fields: Any) -> Doc:
        found = super().change(kind, id_, **fields)
        if kind == "block":
            self._edited(found["parent"])
        return found

    def stamped(self, kind: str, doc: Doc, now: float) -> Doc:
        return doc if kind == "user" else {**doc, "last_edited_time": _minute(now)}

    def drop(self, kind: str, box: Box) -> None:
        if kind in {"user", "comment"}:
            super().drop(kind, box)
            return
        self.touch(kind, box, {"in_trash": True, "archived": True})
        box.gone = True
        if kind == "block":
            self._edited(box.doc["parent"])

    # -- requests

    def authorise(self, header: str) -> None:
        if bearer(header) not in self.tokens:
            raise _refused(401, "unauthorized", "API token is invalid.")

    def routed(self, asked: Asked) -> Answer:
        if asked.headers.get("notion-version") != "2025-09-03":
            raise _refused(400, "missing_version", "Notion-Version header failed validation.")
        given = json.loads(asked.body) if asked.body else {}
        match asked.path.removeprefix("/v1/").split("/"):
            case ["search"]:
                return self._search(given)
            case ["data_sources", id_, "query"]:
                rows = [
                    box for box in self.all("page") if box.doc["parent"].get("data_source_id") == self._found("data_source", id_).doc["id"]
                ]
                since = given.get("filter", {}).get("last_edited_time", {}).get("on_or_after", "")
                return self._list([box for box in rows if box.doc["last_edited_time"] >= _minute_of(since)], given)
            case ["blocks", id_, "children"]:
                return self._children(asked, id_, given)
            case ["comments"] if asked.method == "GET":
                return self._list(
                    [box for box in self.all("comment") if box.doc["parent"].get("page_id") == asked.params["block_id"]], asked.params
                )
            case ["users", "me"]:
                return answer(
                    {
                        "object": "user",
                        "id": "bot-1",
                        "type": "bot",
                        "bot": {},
                        "name": "Us",
                        "avatar_url": None,
                        "request_id": self._request(),
                    }
                )
            case ["users"]:
                return self._list(self.all("user"), asked.params)
            case [plural] if plural in _PATHS and asked.method == "POST":
                return self._made(_PATHS[plural], given)
            case [plural, id_] if plural in _PATHS:
                return self._one(asked, _PATHS[plural], id_, given)
        raise _refused(400, "invalid_request_url", "Invalid request URL.")

    def _search(self, given: Doc) -> Answer:
        kind = given["filter"]["value"]
        boxes = sorted(self.all(kind), key=lambda box: (box.doc["last_edited_time"], box.number))
        return self._list(boxes[::-1] if given.get("sort", {}).get("direction") == "descending" else boxes, given)

    def _list(self, boxes: list[Box], given: Any) -> Answer:
        shown = [box for box in boxes if not box.gone]
        start = given.get("start_cursor")
        if start is not None:
            place = unsealed(start)
            if place is None:
                raise _refused(400, "validation_error", f"The start_cursor provided is invalid: {start}")
            # Behind the object that the page ended with, as far as it is still there; its place, if not.
            at = next((at for at, box in enumerate(shown) if box.number == place[0]), place[1])
            shown = shown[at + (at != place[1] or any(box.number == place[0] for box in shown)) :] if at < len(shown) else []
        size = self.size(given.get("page_size"), 100)
        page, more = shown[:size], len(shown) > size
        behind = (unsealed(start) or [0, 0])[1] if start else 0
        cursor = sealed(page[-1].number, behind + len(page)) if more else None
        return answer(
            {"object": "list", "results": [box.doc for box in page], "next_cursor": cursor, "has_more": more, "request_id": self._request()}
        )

    def _children(self, asked: Asked, id_: str, given: Doc) -> Answer:
        if self.box("page", id_) is None:
            self._found("block", id_)
        if asked.method == "PATCH":
            made = [self.create("block", parent=id_, **child) for child in given["children"]]
            return answer({"object": "list", "results": made, "next_cursor": None, "has_more": False})
        return self._list([box for box in self.all("block") if box.doc["parent"][box.doc["parent"]["type"]] == id_], asked.params)

    def _made(self, kind: str, given: Doc) -> Answer:
        parent = given.get("parent")
        if not isinstance(parent, dict):
            raise _refused(400, "validation_error", "body failed validation: body.parent should be defined, instead was `undefined`.")
        return answer({**self.create(kind, **given), "request_id": self._request()})

    def _one(self, asked: Asked, kind: str, id_: str, given: Doc) -> Answer:
        box = self._found(kind, id_)
        if asked.method == "DELETE" or given.get("in_trash"):
            self.drop(kind, box)
        elif asked.method == "PATCH":
            self.touch(kind, box, given)
        return answer({**box.doc, "request_id": self._request()})

    def _found(self, kind: str, id_: str) -> Box:
        # What is in the trash is still there, by its id.
        box = next((box for box in self.all(kind) if box.doc["id"] == id_), None)
        if box is None:
            raise _refused(404, "object_not_found", f"Could not find {kind} with ID: {id_}. Make sure it is shared with your integration.")
        return box

    def _request(self) -> str:
        self._number += 1
        return f"r-{self._number}"


def _refused(status: int, code: str, message: str) -> Refusal:
    return Refusal(status, {"object": "error", "status": status, "code": code, "message": message, "request_id": "r"})


def _minute(seconds: float) -> str:
    return moment(seconds - seconds % 60)


def _minute_of(text: str) -> str:
    return text[:16]
