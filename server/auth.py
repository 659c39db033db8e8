"""Who asks: one Authorization header with one bearer token (RFC 6750)."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final

from starlette.requests import Request

from pgsluice.db.errors import SluiceError, make
from pgsluice.db.serving import Token

_SIGNED: Final = re.compile(r"(pgsl_[A-Za-z0-9]{30})([0-9a-f]{6})", re.ASCII)
SHORTEST: Final = 20


def token_of(request: Request, bootstrap: str | None) -> Token:
    """The token of a request, not yet looked up. SL140 for none, two, or one that cannot be ours."""
    given = request.headers.getlist("authorization")
    if len(given) != 1:
        raise _refused("the request has no token" if not given else "the request has more than one Authorization header")
    scheme, _, text = given[0].partition(" ")
    text = text.strip()
    if scheme.lower() != "bearer" or not text:
        raise _refused("the Authorization header is not of the form Bearer …")
    if bootstrap is not None and hmac.compare_digest(text.encode(), bootstrap.encode()):
        return Token(None)
    signed = _SIGNED.fullmatch(text)
    if signed is None or not hmac.compare_digest(hashlib.sha256(signed[1].encode()).hexdigest()[:6], signed[2]):
        raise _refused("the token is not valid")
    return Token(text)


def _refused(message: str) -> SluiceError:
    hint = 'send the header "Authorization: Bearer …" with a token of: pgsluice token create'
    return make(message, code="SL140", hint=hint)
