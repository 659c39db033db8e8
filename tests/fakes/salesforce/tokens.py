"""Tokens: https://help.salesforce.com/s/articleView?id=sf.remoteaccess_authenticate.htm. No reply says when a token ends."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlencode

from fakes.serving import Answer, Asked

ORGANIZATION = "00DRO0000008aXzYAI"
USER = "005RO000000AbCdYAK"


class Tokens:
    def __init__(self) -> None:
        self._number = 0
        self.good: set[str] = set()
        self.refresh = {"5Aep861fakeRefreshToken"}
        self.client_id, self.client_secret = "3MVG9fakeConsumerKey", "fakeConsumerSecret0"
        self.codes: dict[str, dict[str, str]] = {}
        self.given = 0  # how many tokens were given
        self.redirect_uris: list[str] = []  # of the app; none: any
        self.deny = False
        self.token = self.new()

    def new(self) -> str:
        self._number += 1
        token = f"00DRO0000008aXz!AQEAQfakeSession{self._number:04}"
        self.good.add(token)
        return token

    def expire(self) -> None:
        self.good.clear()

    def revoke(self) -> None:
        self.expire()
        self.refresh.clear()

    def answer(self, asked: Asked) -> Answer:
        path = asked.path.removeprefix("/services/oauth2/")
        if path == "authorize":
            return self._authorize(asked)
        if path == "userinfo":
            token = asked.headers.get("authorization", "").removeprefix("Bearer ")
            if token not in self.good:
                return Answer(403, b"Bad_OAuth_Token", {"Content-Type": "text/html"})
            return _json(200, {"user_id": USER, "organization_id": ORGANIZATION, "preferred_username": "u@example.com"})
        form = {name: values[0] for name, values in parse_qs(asked.body.decode(), keep_blank_values=True).items()}
        if path == "revoke":
            self.refresh.discard(form.get("token", ""))
            self.good.discard(form.get("token", ""))
            return Answer(200)
        if path != "token" or asked.method != "POST":
            return Answer(404, b"", {"Content-Type": "text/html"})
        return self._token(asked, form)

    def _authorize(self, asked: Asked) -> Answer:
        """As if the person had clicked on Allow, or on Deny."""
        if asked.params.get("client_id") != self.client_id or (
            self.redirect_uris and asked.params.get("redirect_uri") not in self.redirect_uris
        ):
            return Answer(400, b"error=redirect_uri_mismatch", {"Content-Type": "text/html"})
        if self.deny:
            refused = {
                "error": "access_denied",
                "error_description": "end-user denied authorization",
                "state": asked.params.get("state", ""),
            }
            return Answer(302, b"", {"Location": f"{asked.params['redirect_uri']}?{urlencode(refused)}"})
        code = f"aPrxfakeCode{len(self.codes)}=="
        self.codes[code] = asked.params
        query = urlencode({"code": code, "state": asked.params.get("state", "")})
        return Answer(302, b"", {"Location": f"{asked.params['redirect_uri']}?{query}"})

    def _refresh_token(self) -> str:
        if not self.refresh:
            self.refresh.add(f"5Aep861fakeRefreshToken{self._number}")
        return next(iter(self.refresh))

    def _token(self, asked: Asked, form: dict[str, str]) -> Answer:
        if form.get("client_id") != self.client_id:
            return _error("invalid_client_id", "client identifier invalid")
        if form.get("client_secret") != self.client_secret:
            return _error("invalid_client", "invalid client credentials")
        grant, more = form.get("grant_type"), {}
        if grant == "refresh_token":
            if form.get("refresh_token") not in self.refresh:
                return _error("invalid_grant", "expired access/refresh token")
        elif grant == "authorization_code":
            begun = self.codes.pop(form.get("code", ""), None)
            if begun is None or begun.get("redirect_uri") != form.get("redirect_uri"):
                return _error("invalid_grant", "expired authorization code")
            digest = urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
            if "code_challenge" in begun and begun["code_challenge"] != digest:
                return _error("invalid_grant", "invalid code verifier")
            if "refresh_token" in begun.get("scope", "").split():
                more["refresh_token"] = self._refresh_token()
        elif grant != "client_credentials":
            return _error("unsupported_grant_type", "grant type not supported")
        self.given += 1
        root = f"http://{asked.headers['host']}"
        return _json(200, {
            "access_token": self.new(), "signature": "fakeSignature=", "scope": "api refresh_token", "instance_url": root,
            "id": f"{root}/id/{ORGANIZATION}/{USER}", "token_type": "Bearer", "issued_at": "1790000000000", **more,
        })  # fmt: skip


def _json(status: int, found: Any) -> Answer:
    return Answer(status, json.dumps(found).encode())


def _error(word: str, description: str) -> Answer:
    return _json(400, {"error": word, "error_description": description})
