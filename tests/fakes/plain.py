"""Bare HTTP towards a fake, where the vendor's SDK would hide what went over the line."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit


class Running(Protocol):
    key: str

    @property
    def url(self) -> str: ...


@dataclass
class Answer:
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]

    @property
    def ids(self) -> list[str]:
        return [item["id"] for item in self.json["data"]]


def ask(fake: Running, method: str, path: str, params: dict[str, Any] | None = None, **headers: str) -> Answer:
    """`params`: form fields by their names on the line ("items[0][price]"); in the query of a GET, else in the body. `headers`:
    underscores become dashes; Authorization is there unless given (empty: left out)."""
    parts = urlsplit(fake.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    sent = {"Authorization": f"Bearer {fake.key}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    form = urlencode(params or {}, doseq=True)
    body = None
    if method == "GET" and form:
        path = f"{path}?{form}"
    elif form:
        body = form.encode()
        sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
    try:
        connection.request(method, path, body, {name: value for name, value in sent.items() if value})
        reply = connection.getresponse()
        return Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
    finally:
        connection.close()
