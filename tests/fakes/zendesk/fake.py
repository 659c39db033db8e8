"""ZendeskFake: the server with everything that a test may do to it. The package's docstring lists it."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from fakes.serving import Answer, Asked, Serving
from fakes.zendesk.kinds import BY_PLURAL, KINDS, Doc, Kind

EMAIL = "agent@example.com"
TOKEN = "fakeZendeskToken0000000000000000000000001"
KEY_WINDOW = 7200  # https://developer.zendesk.com/api-reference/ticketing/introduction/#idempotency


@dataclass
class Box:
    doc: Doc
    touched: float  # the whole second of the last change
    tick: int
    gone: bool = False


class Refusal(Exception):
    """An error answer."""

    def __init__(self, status: int, body: Any, **headers: str) -> None:
        super().__init__(str(body))
        self.answer = Answer(status, json.dumps(body).encode(), {name.replace("_", "-"): value for name, value in headers.items()})


def _not_found() -> Refusal:
    return Refusal(404, {"error": "RecordNotFound", "description": "Not found"})


def _bad(message: str) -> Refusal:
    return Refusal(400, {"error": {"title": "Invalid attribute", "message": message}})


class ZendeskFake(Serving):
    email = EMAIL
    token = TOKEN

    def __init__(self) -> None:
        super().__init__()
        self.page_cap = 1000
        self.lag = 60.0
        self.tokens = {TOKEN}
        self._next_id = 360000000000
        self._tick = 0
        self._kept: dict[str, list[Box]] = {kind: [] for kind in KINDS}
        self._keys: dict[str, tuple[float, bytes, Answer]] = {}

    # -- objects

    def create(self, kind: str, **fields: Any) -> Doc:
        with self.lock:
            self._next_id += 1
            self._tick += 1
            now = self.clock.now()
            known = KINDS[kind]
            head = {"url": f"https://example.zendesk.com/api/v2/{known.plural}/{self._next_id}.json", "id": self._next_id}
            doc = {**head, **known.fields, "created_at": _moment(now), "updated_at": _moment(now), **fields}
            if "generated_timestamp" in doc:
                doc["generated_timestamp"] = int(now)
            if kind == "ticket_comment":
                del doc["url"], doc["updated_at"]
                self.change("ticket", fields["ticket_id"])
            self._kept[kind].append(Box(doc, int(now), self._tick))
            return doc

    def change(self, kind: str, id_: object, **fields: Any) -> Doc:
        with self.lock:
            box = self._find(kind, str(id_))
            self._touch(box, fields)
            return box.doc

    def _touch(self, box: Box, fields: Doc) -> None:
        self._tick += 1
        now = self.clock.now()
        box.doc = {**box.doc, **fields, "updated_at": _moment(now)}
        if "generated_timestamp" in box.doc:
            box.doc["generated_timestamp"] = int(now)
        box.touched, box.tick = int(now), self._tick

    def delete(self, kind: str, id_: object) -> None:
        with self.lock:
            box = self._find(kind, str(id_))
            gone = KINDS[kind].gone
            if gone is None:
                self._kept[kind].remove(box)
                return
            self._touch(box, {name: _moment(self.clock.now()) if value == "now" else value for name, value in gone.items()})
            box.gone = True

    def objects(self, kind: str) -> dict[str, Doc]:
        with self.lock:
            return {str(box.doc["id"]): box.doc for box in self._kept[kind] if not box.gone}

    def add_token(self, token: str) -> None:
        self.tokens.add(token)

    def revoke(self, token: str = TOKEN) -> None:
        self.tokens.discard(token)

    def _find(self, kind: str, id_: str) -> Box:
        for box in self._kept[kind]:
            if str(box.doc["id"]) == id_ and not box.gone:
                return box
        raise _not_found()

    # -- requests

    def answer(self, asked: Asked) -> Answer:
        try:
            self._authorise(asked.headers.get("authorization", ""))
            reply = self._routed(asked)
        except Refusal as refusal:
            reply = refusal.answer
        reply.headers = {"X-Rate-Limit": "700", "X-Rate-Limit-Remaining": "690", "ratelimit-limit": "700", "ratelimit-remaining": "690",
                         "ratelimit-reset": "30", "X-Zendesk-API-Version": "v2", **reply.headers}  # fmt: skip
        return reply

    def _authorise(self, header: str) -> None:
        scheme, _, value = header.partition(" ")
        token = value
        if scheme == "Basic":
            try:
                login, _, token = b64decode(value, validate=True).decode().partition(":")
            except ValueError:
                login = ""
            token = token if login == f"{EMAIL}/token" else ""
        if scheme not in {"Basic", "Bearer"} or token not in self.tokens:
            raise Refusal(401, {"error": "Couldn't authenticate you"}, WWW_Authenticate='Basic realm="Web Password"')

    def _routed(self, asked: Asked) -> Answer:
        path = asked.path.removesuffix(".json")
        if not path.startswith("/api/v2/"):
            raise _not_found()
        path = path.removeprefix("/api/v2/")
        if path == "users/me":
            return _json(200, {"user": {"id": 1, "name": "Agent", "email": EMAIL, "role": "admin"}})
        if path.startswith("incremental/"):
            return self._incremental(asked, path.removeprefix("incremental/"))
        if path in BY_PLURAL:
            name = BY_PLURAL[path]
            return self._list(asked, name) if asked.method == "GET" else self._post(asked, name)
        if path.endswith("/create_or_update"):
            return self._upsert(asked, BY_PLURAL.get(path.removesuffix("/create_or_update"), ""))
        plural, _, id_ = path.rpartition("/")
        if plural.startswith("tickets/") and id_ == "comments" and asked.method == "GET":
            ticket = self._find("ticket", plural.removeprefix("tickets/")).doc["id"]
            return self._list(asked, "ticket_comment", lambda doc: bool(doc["ticket_id"] == ticket))
        if plural not in BY_PLURAL:
            raise _not_found()
        return self._one(asked, BY_PLURAL[plural], id_)

    # -- exports

    def _incremental(self, asked: Asked, path: str) -> Answer:
        plural, _, how = path.partition("/")
        how = how or "time"
        if asked.method != "GET" or plural not in BY_PLURAL or how not in KINDS[BY_PLURAL[plural]].export:
            raise _not_found()
        return (self._by_cursor if how == "cursor" else self._by_time)(asked, BY_PLURAL[plural])

    def _since(self, asked: Asked) -> int:
        text = asked.params.get("start_time", "")
        if not text.isdigit():
            raise _bad("You passed an invalid value for the start_time attribute. Invalid parameter: start_time must be an integer")
        if int(text) > self.clock.now() - self.lag:
            raise _bad("You passed an invalid value for the start_time attribute. Too recent. Must be more than 60 seconds ago")
        return int(text)

    def _visible(self, name: str, asked: Asked) -> list[Box]:
        """In the order of their last change, without those of the last minute."""
        boxes = [box for box in self._kept[name] if box.touched <= self.clock.now() - self.lag]
        if asked.params.get("exclude_deleted") == "true":
            boxes = [box for box in boxes if not box.gone]
        return sorted(boxes, key=lambda box: (box.touched, box.doc["id"]))

    def _size(self, asked: Asked, name: str = "per_page", default: int = 1000, most: int = 1000) -> int:
        text = asked.params.get(name, "")
        if text and (not text.isdigit() or not int(text) > 0):
            raise _bad(f"You passed an invalid value for the {name} attribute. must be greater than 0")
        return min(int(text or default), most, self.page_cap)

    def _by_cursor(self, asked: Asked, name: str) -> Answer:
        """https://developer.zendesk.com/documentation/ticketing/managing-tickets/using-the-incremental-export-api/#cursor-based-incremental-exports"""
        params = asked.params
        after = _uncursor(params["cursor"]) if "cursor" in params else [self._since(asked), 0]
        boxes = [box for box in self._visible(name, asked) if [box.touched, box.doc["id"]] > after]
        size = self._size(asked)
        shown = boxes[:size]
        last = [shown[-1].touched, shown[-1].doc["id"]] if shown else after
        kept = {key: value for key, value in params.items() if key in {"per_page", "exclude_deleted"}}
        cursor = _cursor(last)
        return _json(200, {
            KINDS[name].plural: [box.doc for box in shown], "after_cursor": cursor, "before_cursor": None,
            "after_url": f"http://{asked.headers['host']}{asked.path}?{urlencode({'cursor': cursor, **kept})}", "before_url": None,
            "end_of_stream": len(boxes) <= size,
        })  # fmt: skip

    def _by_time(self, asked: Asked, name: str) -> Answer:
        since, size = self._since(asked), self._size(asked)
        boxes = [box for box in self._visible(name, asked) if box.touched >= since]
        end = boxes[min(size, len(boxes)) - 1].touched if boxes else None
        shown = [box for place, box in enumerate(boxes) if place < size or box.touched == end]
        following = int(end) if end is not None else None
        link = None
        if following is not None:
            kept = {key: value for key, value in asked.params.items() if key != "start_time"}
            link = f"http://{asked.headers['host']}{asked.path}?{urlencode({'start_time': following, **kept})}"
        return _json(200, {
            KINDS[name].plural: [box.doc for box in shown], "count": len(shown), "end_of_stream": len(shown) == len(boxes),
            "end_time": following, "next_page": link,
        })  # fmt: skip

    # -- lists

    def _list(self, asked: Asked, name: str, wanted: Callable[[Doc], bool] = lambda _: True) -> Answer:
        boxes = sorted((box for box in self._kept[name] if not box.gone and wanted(box.doc)), key=lambda box: box.doc["id"])
        if "page[size]" in asked.params or "page[after]" in asked.params:
            return self._paged(asked, name, boxes)
        size = self._size(asked, default=100, most=100)
        page = int(asked.params.get("page", "1"))
        shown = boxes[(page - 1) * size : page * size]
        base = f"http://{asked.headers['host']}{asked.path}"
        rest = {key: value for key, value in asked.params.items() if key != "page"}

        def link(number: int, there: bool) -> str | None:
            return f"{base}?{urlencode({**rest, 'page': number})}" if there else None

        return _json(200, {
            KINDS[name].plural.rpartition("/")[2]: [box.doc for box in shown], "next_page": link(page + 1, page * size < len(boxes)),
            "previous_page": link(page - 1, page > 1), "count": len(boxes),
        })  # fmt: skip

    def _paged(self, asked: Asked, name: str, boxes: list[Box]) -> Answer:
        """https://developer.zendesk.com/api-reference/introduction/pagination/#using-cursor-pagination"""
        size = self._size(asked, "page[size]", 100, 100)
        after = _uncursor(asked.params["page[after]"])[0] if "page[after]" in asked.params else 0
        boxes = [box for box in boxes if box.doc["id"] > after]
        shown, more = boxes[:size], len(boxes) > size
        cursor = _cursor([shown[-1].doc["id"]]) if shown else None
        rest = {key: value for key, value in asked.params.items() if key != "page[after]"}
        following = f"http://{asked.headers['host']}{asked.path}?{urlencode({**rest, 'page[after]': cursor})}" if more else None
        return _json(200, {
            KINDS[name].plural.rpartition("/")[2]: [box.doc for box in shown],
            "meta": {"has_more": more, "after_cursor": cursor, "before_cursor": _cursor([shown[0].doc["id"]]) if shown else None},
            "links": {"prev": None, "next": following},
        })  # fmt: skip

    # -- one

    def _one(self, asked: Asked, name: str, id_: str) -> Answer:
        box = self._find(name, id_)
        if asked.method == "GET":
            return _json(200, {name: box.doc})
        if not KINDS[name].writes or asked.method not in {"PUT", "DELETE"}:
            raise _not_found()
        if asked.method == "DELETE":
            self.delete(name, id_)
            return Answer(204, b"", {"Content-Type": None})
        self._touch(box, _written(asked, name, KINDS[name], new=False))
        if name == "ticket" and (comment := json.loads(asked.body)["ticket"].get("comment")):
            self.create("ticket_comment", ticket_id=box.doc["id"], body=comment.get("body", ""))
        answered = {name: box.doc}
        return _json(
            200, {**answered, "audit": {"id": self._tick, "ticket_id": box.doc["id"], "events": []}} if name == "ticket" else answered
        )

    def _post(self, asked: Asked, name: str) -> Answer:
        kind = KINDS[name]
        if not kind.writes or asked.method != "POST":
            raise _not_found()
        return self._once(asked, lambda: self._made(asked, name, kind)) if name == "ticket" else self._made(asked, name, kind)

    def _upsert(self, asked: Asked, name: str) -> Answer:
        """https://developer.zendesk.com/api-reference/ticketing/users/users/#create-or-update-user"""
        if name not in {"user", "organization"} or asked.method != "POST":
            raise _not_found()
        given = _written(asked, name, KINDS[name], new=False)
        for member in ("external_id", "email", "id"):
            for box in self._kept[name]:
                if given.get(member) is not None and box.doc.get(member) == given[member] and not box.gone:
                    self._touch(box, given)
                    return _json(200, {name: box.doc})
        return self._made(asked, name, KINDS[name])

    def _made(self, asked: Asked, name: str, kind: Kind) -> Answer:
        given = _written(asked, name, kind, new=True)
        if name in {"organization", "user"}:
            self._unique(name, "name" if name == "organization" else "email", given)
        doc = self.create(name, **given)
        if name == "ticket":
            self.create("ticket_comment", ticket_id=doc["id"], body=doc["description"])
        more = {"audit": {"id": self._tick, "ticket_id": doc["id"], "events": []}} if name == "ticket" else {}
        return _json(201, {name: doc, **more}, Location=doc["url"])

    def _unique(self, name: str, member: str, given: Doc) -> None:
        value = given.get(member)
        if value is not None and any(box.doc[member] == value for box in self._kept[name] if not box.gone):
            raise _invalid(member, f"{member.title()}: {value} is already being used", "DuplicateValue")

    def _once(self, asked: Asked, make: Callable[[], Answer]) -> Answer:
        key = asked.headers.get("idempotency-key")
        if key is None:
            return make()
        if key in self._keys and self.clock.now() - self._keys[key][0] < KEY_WINDOW:
            _, body, before = self._keys[key]
            if body != asked.body:
                raise Refusal(
                    400, {"error": "IdempotentRequestError", "description": "The request parameters do not match the first request"}
                )
            return Answer(before.status, before.body, {**before.headers, "x-idempotency-lookup": "hit"})
        answer = make()
        self._keys[key] = (self.clock.now(), asked.body, answer)
        return Answer(answer.status, answer.body, {**answer.headers, "x-idempotency-lookup": "miss"})


def _written(asked: Asked, name: str, kind: Kind, *, new: bool) -> Doc:
    try:
        given = json.loads(asked.body)[name]
    except (ValueError, KeyError, TypeError):
        raise Refusal(400, {"error": "ParameterMissing", "description": f"Parameter {name} is required"}) from None
    for member in kind.needs if new else ():
        if given.get(member) in {None, ""} if not isinstance(given.get(member), dict) else not given[member]:
            raise _invalid(member, f"{member.title()}: cannot be blank", "BlankValue")
    comment = given.pop("comment", None)
    if comment and new:
        given = {"description": comment.get("body", ""), "subject": given.get("subject") or comment.get("body", ""), **given}
    if "subject" in given:
        given["raw_subject"] = given["subject"]
    return {member: value for member, value in given.items() if member in kind.fields}


def _invalid(member: str, description: str, error: str) -> Refusal:
    details = {member: [{"description": description, "error": error}]}
    return Refusal(422, {"error": "RecordInvalid", "description": "Record validation errors", "details": details})


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _cursor(place: list[Any]) -> str:
    return urlsafe_b64encode(json.dumps(place).encode()).decode()


def _uncursor(text: str) -> list[Any]:
    try:
        return list(json.loads(urlsafe_b64decode(text)))
    except ValueError:
        raise _bad("You passed an invalid value for the cursor attribute.") from None


def basic(token: str = TOKEN) -> str:
    return "Basic " + b64encode(f"{EMAIL}/token:{token}".encode()).decode()


def _json(status: int, value: Any, **headers: str) -> Answer:
    return Answer(status, json.dumps(value).encode(), {**headers})
