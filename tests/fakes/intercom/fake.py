"""IntercomFake: the server with everything that a test may do to it. The package's docstring lists it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fakes.serving import Answer, Asked
from fakes.shelves import Box, Doc, Refusal, Shelves, answer, bearer, sealed, unsealed

DAY = 86_400
# Kind -> its path, the member that holds a list of it, and a new one.
KINDS: Mapping[str, tuple[str, str, Doc]] = {
    "contact": ("contacts", "data", {"role": "user", "email": None, "name": None, "phone": None, "external_id": None, "custom_attributes": {}}),
    "company": ("companies", "data", {"company_id": None, "name": "", "user_count": 0, "custom_attributes": {}}),
    "conversation": ("conversations", "conversations", {"title": None, "state": "open", "open": True, "read": False, "admin_assignee_id": None}),
    "ticket": ("tickets", "tickets", {"ticket_id": "1", "category": "Customer", "ticket_attributes": {}, "open": True, "contacts": {"type": "contact.list", "contacts": []}}),
    "admin": ("admins", "admins", {"name": "", "email": None, "has_inbox_seat": True, "team_ids": []}),
    "team": ("teams", "teams", {"name": "", "admin_ids": []}),
    "tag": ("tags", "data", {"name": ""}),
    "segment": ("segments", "segments", {"name": "", "person_type": "contact"}),
    "article": ("articles", "data", {"title": "", "description": "", "body": "", "state": "draft", "author_id": 1}),
    "help_center_collection": ("help_center/collections", "data", {"name": "", "parent_id": None, "order": 1}),
    "ticket_type": ("ticket_types", "data", {"name": "", "category": "Customer", "archived": False}),
    "data_attribute": ("data_attributes", "data", {"model": "contact", "label": "", "data_type": "string", "custom": True, "archived": False}),
}  # fmt: skip
_UNTIMED = {"admin", "team", "tag", "data_attribute"}
_PAGED = {"article", "help_center_collection"}
_WRITES = {"contact", "company", "conversation", "ticket", "tag", "article", "help_center_collection", "ticket_type", "data_attribute"}


class IntercomFake(Shelves):
    token = "dG9rOmZha2UwMDAwMDAwMDAwMDAwMDAwMDAx"
    token_path = "/auth/eagle/token"

    def __init__(self) -> None:
        super().__init__()
        self._scroll: tuple[str, int, float] | None = None  # its token, the last number that was given, until when it is open

    # -- objects

    def fresh(self, kind: str, number: int, fields: Doc) -> Doc:
        if kind == "conversation_part":
            conversation = self.box("conversation", fields.pop("conversation"))
            assert conversation is not None
            now = int(self.clock.now())
            part = {
                "type": kind,
                "id": str(number),
                "part_type": "comment",
                "created_at": now,
                "updated_at": now,
                "above": conversation.doc["id"],
                **fields,
            }
            self.touch("conversation", conversation, {})
            return part
        doc = {"type": kind, "id": str(number), **KINDS[kind][2]}
        if kind == "data_attribute":
            doc |= {"name": f"attribute_{number}", "full_name": f"custom_attributes.attribute_{number}"}
        if kind not in _UNTIMED:
            doc |= {"created_at": int(self.clock.now()), "updated_at": 0}
        return {**doc, **fields}

    def stamped(self, kind: str, doc: Doc, now: float) -> Doc:
        return doc if kind in _UNTIMED else {**doc, "updated_at": int(now)}

    def identity(self, kind: str, doc: Doc) -> Any:
        match kind:
            case "conversation_part":
                return f"{doc['above']}#{doc['id']}"
            case "data_attribute":
                return f"{doc['model']}/{doc['full_name']}"
        return doc["id"]

    def objects(self, kind: str) -> dict[str, Doc]:
        return {key: {name: value for name, value in doc.items() if name != "above"} for key, doc in super().objects(kind).items()}

    # -- requests

    def authorise(self, header: str) -> None:
        if bearer(header) not in self.tokens:
            raise _refused(401, "unauthorized", "Access Token Invalid")

    def routed(self, asked: Asked) -> Answer:
        reply = self._reply(asked)
        reset = str(int(self.clock.now()) // 10 * 10 + 10)
        reply.headers = {"X-RateLimit-Limit": "1667", "X-RateLimit-Remaining": "1600", "X-RateLimit-Reset": reset, **reply.headers}
        return reply

    def _reply(self, asked: Asked) -> Answer:
        path = asked.path.strip("/")
        given = json.loads(asked.body) if asked.body else {}
        if path == "me":
            return answer({"type": "admin", "id": "1", "app": {"type": "app", "id_code": "abc123"}})
        if path == "companies/scroll":
            return self._scrolled(asked)
        for kind, (plural, _, _) in KINDS.items():
            if path == "tags" and asked.method == "POST" and given.get("id"):
                box = self.box("tag", given["id"])
                if box is None:
                    raise _refused(404, "tag_not_found", "Resource not found")
                self.touch("tag", box, {"name": given["name"]})
                return answer(box.doc)
            if path == plural:
                return self._made(kind, given) if asked.method == "POST" else self._listed(kind, asked)
            if path == f"{plural}/search" and kind in {"contact", "conversation", "ticket"}:
                return self._searched(kind, given)
            if path.startswith(f"{plural}/"):
                return self._one(kind, path.removeprefix(f"{plural}/"), asked.method, given)
        raise _refused(404, "not_found", "Resource not found")

    def _listed(self, kind: str, asked: Asked) -> Answer:
        if kind == "ticket":
            raise _refused(404, "not_found", "Resource not found")
        boxes = self.all(kind)
        if kind in {"contact", "conversation"}:
            return self._page(kind, boxes, [box.number for box in boxes], asked.params)
        if kind not in _PAGED:
            return answer({"type": "list", KINDS[kind][1]: [box.doc for box in boxes]})
        size, page = self.size(asked.params.get("per_page"), 150), int(asked.params.get("page", 1))
        pages = {"type": "pages", "page": page, "per_page": size, "total_pages": -(-len(boxes) // size)}
        return answer(
            {"type": "list", "pages": pages, "total_count": len(boxes), "data": [box.doc for box in boxes[(page - 1) * size : page * size]]}
        )

    def _searched(self, kind: str, given: Doc) -> Answer:
        query, sort = given["query"], given.get("sort", {"field": "created_at", "order": "descending"})
        day = int(query["value"]) // DAY * DAY
        if query["operator"] != ">" or query["field"] not in {"created_at", "updated_at"}:
            raise _refused(400, "parameter_invalid", "The query is invalid")
        # Rounded down to the day: later than that day, which is the next one.
        boxes = [box for box in self.all(kind) if int(box.doc[query["field"]]) // DAY * DAY > day]
        down = sort["order"] == "descending"
        boxes.sort(key=lambda box: (box.doc[sort["field"]], box.number), reverse=down)
        places = [[box.doc[sort["field"]], box.number] for box in boxes]
        return self._page(
            kind, boxes, [([-time, -number] if down else [time, number]) for time, number in places], given.get("pagination", {})
        )

    def _page(self, kind: str, boxes: list[Box], places: list[Any], given: Any) -> Answer:
        start = given.get("starting_after")
        if start is not None:
            place = unsealed(start)
            if place is None:
                raise _refused(400, "parameter_invalid", "starting_after is invalid")
            left = [at for at, each in enumerate(places) if each > place[0]]
            boxes, places = [boxes[at] for at in left], [places[at] for at in left]
        size = self.size(given.get("per_page"), 150)
        pages: Doc = {"type": "pages", "page": 1, "per_page": size, "total_pages": -(-len(boxes) // size)}
        if len(boxes) > size:
            pages["next"] = {"page": 2, "starting_after": sealed(places[size - 1])}
        shown = [box.doc for box in boxes[:size]]
        return answer({"type": f"{kind}.list", KINDS[kind][1]: shown, "total_count": len(self.all(kind)), "pages": pages})

    def _scrolled(self, asked: Asked) -> Answer:
        """https://developers.intercom.com/docs/references/rest-api/api.intercom.io/companies/scrolloverallcompanies"""
        now, given = self.clock.now(), asked.params.get("scroll_param")
        is_open = self._scroll is not None and self._scroll[2] > now
        if given is None:
            if is_open and self._scroll is not None and self._scroll[1]:
                raise _refused(400, "scroll_exists", "scroll already exists for this workspace")
            self._scroll = (sealed("scroll", now), 0, now + 60)
        elif not is_open or self._scroll is None or self._scroll[0] != given:
            raise _refused(404, "not_found", "scroll parameter not found")
        token, last, _ = self._scroll
        boxes = [box for box in self.all("company") if box.number > last][: self.size(None, 100)]
        self._scroll = (token, boxes[-1].number, now + 60) if boxes else None
        return answer({"type": "list", "data": [box.doc for box in boxes], "pages": None, "total_count": None, "scroll_param": token})

    def _made(self, kind: str, given: Doc) -> Answer:
        if kind not in _WRITES:
            raise _refused(404, "not_found", "Resource not found")
        fields = {name: value for name, value in given.items() if name in KINDS[kind][2]}
        if kind == "contact":
            if not (fields.get("email") or fields.get("external_id")):
                raise _refused(400, "parameter_not_found", "must provide either email or external_id")
            taken = next((box for box in self.all(kind) if fields.get("email") and box.doc["email"] == fields["email"]), None)
            if taken is not None:
                raise _refused(409, "conflict", f"A contact matching those details already exists with id={taken.doc['id']}")
        if kind == "company" and (known := next((box for box in self.all(kind) if box.doc["company_id"] == given.get("company_id")), None)):
            self.touch(kind, known, fields)
            return answer(known.doc)
        made = self.create(kind, **fields)
        return answer({"type": "user_message", "id": "m", "conversation_id": made["id"]} if kind == "conversation" else made)

    def _one(self, kind: str, id_: str, method: str, given: Doc) -> Answer:
        box = self.box(kind, id_)
        if box is None:
            raise _refused(404, "not_found", f"{kind.title()} Not Found")
        if method == "DELETE":
            self.drop(kind, box)
            return answer({"id": id_, "object": kind, "deleted": True})
        if method == "PUT":
            self.touch(kind, box, {name: value for name, value in given.items() if name in KINDS[kind][2]})
        return answer({**box.doc, **self._inside(kind, id_)})

    def _inside(self, kind: str, id_: str) -> Doc:
        if kind == "ticket":
            return {"ticket_parts": {"type": "ticket_part.list", "ticket_parts": [], "total_count": 0}}
        if kind != "conversation":
            return {}
        parts = [
            {name: value for name, value in box.doc.items() if name != "above"}
            for box in self.all("conversation_part")
            if box.doc["above"] == id_
        ]
        return {"conversation_parts": {"type": "conversation_part.list", "conversation_parts": parts, "total_count": len(parts)}}


def _refused(status: int, code: str, message: str) -> Refusal:
    return Refusal(status, {"type": "error.list", "request_id": "r", "errors": [{"code": code, "message": message}]})
