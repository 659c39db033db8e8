"""What the fakes of declared vendors share: objects by kind with a clock, tokens that are revoked, an OAuth server whose refresh tokens rotate."""

from __future__ import annotations

import json
from abc import abstractmethod
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from fakes.serving import Answer, Asked, Serving

Doc = dict[str, Any]
CLIENT = ("fake-client", "fake-client-secret")


class Refusal(Exception):
    """An error answer."""

    def __init__(self, status: int, body: Any, **headers: str) -> None:
        super().__init__(str(body))
        self.answer = answer(body, status, **headers)


def answer(body: Any, status: int = 200, **headers: str) -> Answer:
    """JSON; underscores of header names become dashes."""
    return Answer(
        status, b"" if body is None else json.dumps(body).encode(), {name.replace("_", "-"): text for name, text in headers.items()}
    )


@dataclass
class Box:
    doc: Doc
    created: float
    touched: float
    number: int
    gone: bool = False


class Shelves(Serving):
    """`page_cap`: at most so many a page. `tokens`: what opens the account."""

    token: ClassVar[str]
    token_path: ClassVar[str]  # of the OAuth server
    lasts: ClassVar[int] = 3600
    granted: ClassVar[Doc] = {}  # what an answer with tokens holds besides them

    def __init__(self) -> None:
        super().__init__()
        self.page_cap = 100
        self.tokens = {self.token}
        self.codes: dict[str, str] = {}  # that may be exchanged -> the redirect_uri that they were given for
        self.refresh_tokens: set[str] = set()
        self.boxes: dict[str, list[Box]] = {}
        self._number = 1000

    # -- objects

    @abstractmethod
    def fresh(self, kind: str, number: int, fields: Doc) -> Doc:
        """A new object, as the vendor shows it."""

    def stamped(self, kind: str, doc: Doc, now: float) -> Doc:
        """The object with its time of change."""
        return doc

    def create(self, kind: str, **fields: Any) -> Doc:
        with self.lock:
            self._number += 1
            now = self.clock.now()
            box = Box(self.fresh(kind, self._number, fields), now, now, self._number)
            box.doc = self.stamped(kind, box.doc, now)
            self.boxes.setdefault(kind, []).append(box)
            return box.doc

    def change(self, kind: str, id_: object, **fields: Any) -> Doc:
        with self.lock:
            box = self.box(kind, id_)
            assert box is not None
            self.touch(kind, box, fields)
            return box.doc

    def touch(self, kind: str, box: Box, fields: Doc) -> None:
        box.touched = self.clock.now()
        box.doc = self.stamped(kind, {**box.doc, **fields}, box.touched)

    def delete(self, kind: str, id_: object) -> None:
        with self.lock:
            box = self.box(kind, id_)
            assert box is not None
            self.drop(kind, box)

    def drop(self, kind: str, box: Box) -> None:
        self.boxes[kind].remove(box)

    def box(self, kind: str, id_: object) -> Box | None:
        found = (box for box in self.boxes.get(kind, []) if str(self.identity(kind, box.doc)) == str(id_) and not box.gone)
        return next(found, None)

    def identity(self, kind: str, doc: Doc) -> Any:
        return doc["id"]

    def all(self, kind: str) -> list[Box]:
        return list(self.boxes.get(kind, []))

    def objects(self, kind: str) -> dict[str, Doc]:
        with self.lock:
            return {str(self.identity(kind, box.doc)): box.doc for box in self.all(kind) if not box.gone}

    # -- access

    def add_token(self, token: str) -> None:
        self.tokens.add(token)

    def revoke(self, token: str) -> None:
        self.tokens.discard(token)

    def consent(self, redirect_uri: str) -> str:
        """A person agreed: the code that goes back to `redirect_uri`."""
        self._number += 1
        code = f"code-{self._number}"
        self.codes[code] = redirect_uri
        return code

    def grant(self, asked: Asked) -> Answer:
        """The token endpoint: codes once, refresh tokens once; the answer's pair replaces the old one."""
        body = asked.body.decode()
        given = json.loads(body) if "json" in asked.headers.get("content-type", "") else dict(parse_qsl(body))
        client = (given.get("client_id"), given.get("client_secret"))
        if asked.headers.get("authorization", "").startswith("Basic "):
            name, _, secret = b64decode(asked.headers["authorization"][6:]).decode().partition(":")
            client = (name, secret)
        if client != CLIENT:
            return answer({"error": "invalid_client"}, 401)
        if given.get("grant_type") == "refresh_token" and given.get("refresh_token") in self.refresh_tokens:
            self.refresh_tokens.discard(given["refresh_token"])
        elif given.get("grant_type") != "authorization_code" or self.codes.pop(given.get("code", ""), None) != given.get("redirect_uri"):
            return answer({"error": "invalid_grant", "error_description": "it was used before, or never given"}, 400)
        self._number += 1
        token, refresh = f"fakeAccessToken{self._number:020}", f"fakeRefreshToken{self._number:020}"
        self.tokens.add(token)
        self.refresh_tokens.add(refresh)
        pair = {"access_token": token, "refresh_token": refresh, "token_type": "bearer", "expires_in": self.lasts, "scope": "read write"}
        return answer({**pair, **self.granted})

    # -- requests

    def answer(self, asked: Asked) -> Answer:
        if asked.path == self.token_path:
            return self.grant(asked)
        try:
            self.authorise(asked.headers.get("authorization", ""))
            return self.routed(asked)
        except Refusal as refusal:
            return refusal.answer

    @abstractmethod
    def authorise(self, header: str) -> None: ...

    @abstractmethod
    def routed(self, asked: Asked) -> Answer: ...

    def size(self, wanted: Any, largest: int) -> int:
        return max(1, min(int(wanted or largest), largest, self.page_cap))


def bearer(header: str) -> str:
    return header.removeprefix("Bearer ")


def moment(seconds: float, digits: int = 3) -> str:
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return (text[: 20 + digits] if digits else text[:19]) + "Z"


def sealed(*place: Any) -> str:
    """A token for a place."""
    return urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def unsealed(text: str) -> list[Any] | None:
    try:
        return list(json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4))))
    except ValueError:
        return None
