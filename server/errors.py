"""The one error shape over HTTP: {code, message, details, hint}, its status from the register."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from pgsluice.db import rows
from pgsluice.db.errors import SluiceError, make

RETRY_AFTER: Final = "1"
# Where the database's hint is a query of a table, over HTTP it is a path.
_QUERY: Final = re.compile(r"List (?:them|the [a-z ]+) with: select .* from sluice\.([a-z_]+)")
_PATHS: Final = {
    "streams": "list them: GET /v1/streams",
    "syncs": "list them: GET /v1/syncs",
    "credentials": "list them: GET /v1/credentials",
    "oauth_apps": "list them: GET /v1/oauth-apps",
    "consumers": "list them: GET /v1/http-consumers",
    "tokens": "list them: GET /v1/tokens",
    "views": "list them: GET /v1/views",
}


class BadFields(SluiceError):
    """Fields of a body or a query that are wrong (SL001): name -> what is wrong with it."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        words = "; ".join(f"{name} {problem}" for name, problem in fields.items())
        super().__init__(words, code="SL001", hint="nothing was changed; docs/how-to/http.md lists what each request takes")
        self.fields = dict(fields)

    def as_body(self) -> dict[str, Any]:
        return {**self.as_dict(), "details": {"fields": self.fields}}


def malformed(message: str, hint: str = "the body must be one JSON object in UTF-8") -> SluiceError:
    """SL005."""
    return make(message, code="SL005", hint=hint)


def answer(exc: SluiceError, headers: Mapping[str, str] | None = None) -> Response:
    """The error as a response."""
    body = exc.as_body() if hasattr(exc, "as_body") else exc.as_dict()
    if queried := _QUERY.fullmatch(body["hint"] or ""):
        body["hint"] = _PATHS.get(queried[1], body["hint"])
    more = dict(headers or {})
    if exc.http_status == 503:
        more["Retry-After"] = RETRY_AFTER
    if exc.http_status == 401:
        more["WWW-Authenticate"] = "Bearer"
    return Response(_json(body), exc.http_status, more, "application/json")


def _json(body: Mapping[str, Any]) -> bytes:
    try:
        # A vendor's error keeps its digits.
        return rows.encode_strict(body).encode()
    except (SluiceError, UnicodeError):
        return json.dumps(body, ensure_ascii=False, default=str).encode(errors="replace")
