"""An authorization server over real HTTP (RFC 6749, 7636, 9700), strict about what vendors are strict about, and a browser for it.

    with OAuthFake(redirect_uris=["http://127.0.0.1:7420/v1/oauth/callback"]) as fake:
        where = Browser().follow(start_url)          # the person agrees at once: the last address, outside of loopback or of `stop`

A code is good once, from its own client, for its own redirect URI, with the verifier of its challenge; used twice, what it brought is
revoked. A refresh token is replaced at each use (`rotates`), and one that comes a second time revokes its whole family, unless `grace`
says that the answer is given once more until the replacement was used. Where there is an `upstream`, every other path leads there, for
whoever has a living access token: so one address is a vendor's consent and its API.

    .url .consent(account=None) -> reply of the token address, as if somebody had signed in
    .deny .signed_in (the account of whoever clicks) .hold (an Event that answers of the token address wait for) .held (set when one waits)
    .revoke(account) .end_access() (every access token ends now, refresh tokens live)
    .exchanges .renewals .double (tokens and codes that came a second time) .refused (reasons, in order) .alive(account)
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from fakes.serving import Answer, Asked, Serving


@dataclass
class Family:
    """What one consent led to."""

    account: str
    scope: str
    alive: bool = True
    refresh: str | None = None
    used: dict[str, dict[str, Any]] = field(default_factory=dict)  # refresh tokens that were replaced, with the answer they got
    access: set[str] = field(default_factory=set)


@dataclass
class Code:
    asked: Mapping[str, str]
    family: Family
    used: bool = False


@dataclass
class Access:
    family: Family
    ends: float
    left: int | None


class OAuthFake(Serving):
    parallel = True  # an answer that waits must not hold up the others

    def __init__(
        self,
        *,
        client_id: str = "client-1",
        client_secret: str = "the secret of the app",
        redirect_uris: Sequence[str] = (),
        authorize_path: str = "/oauth/authorize",
        token_path: str = "/oauth/token",
        pkce: bool = True,  # whether a challenge is required; without, one that comes is checked all the same
        rotates: bool = True,
        grace: bool = False,
        lifetime: float | None = 3600.0,  # seconds of an access token; None: it does not end, and nothing is said of it
        uses: int | None = None,  # how often an access token opens the upstream
        reply: Callable[[Family], Mapping[str, Any]] = lambda _: {},  # what else the token address answers
        decorate: Callable[[dict[str, str]], dict[str, str]] = lambda query: query,  # the query of the callback
        upstream: str | None = None,
        upstream_key: str = "",
    ) -> None:
        super().__init__()
        self.client_id, self.client_secret = client_id, client_secret
        self.redirect_uris = list(redirect_uris)
        self.authorize_path, self.token_path = authorize_path, token_path
        self.pkce, self.rotates, self.grace, self.lifetime, self.uses = pkce, rotates, grace, lifetime, uses
        self.reply, self.decorate = reply, decorate
        self.upstream, self.upstream_key = upstream, upstream_key
        self.signed_in = "acct_1"
        self.deny = False
        self.hold: threading.Event | None = None
        self.held = threading.Event()
        self.exchanges = self.renewals = self.double = 0
        self.refused: list[str] = []
        self.families: list[Family] = []
        self._codes: dict[str, Code] = {}
        self._access: dict[str, Access] = {}

    def stop(self) -> None:
        if self.hold is not None:
            self.hold.set()
        super().stop()

    # ------------------------------------------------------------ for tests

    def consent(self, account: str | None = None, scope: str = "") -> dict[str, Any]:
        with self.lock:
            return self._issue(self._family(account or self.signed_in, scope))

    def revoke(self, account: str) -> None:
        """As when a person removes the app."""
        with self.lock:
            for family in self.families:
                if family.account == account:
                    family.alive = False

    def end_access(self) -> None:
        with self.lock:
            self._access.clear()

    def alive(self, account: str) -> bool:
        return any(family.alive for family in self.families if family.account == account)

    # ------------------------------------------------------------ serving

    def answer(self, asked: Asked) -> Answer:
        if asked.path == self.authorize_path and asked.method == "GET":
            with self.lock:
                return self._authorize(asked.params)
        if asked.path == self.token_path and asked.method == "POST":
            with self.lock:
                reply = self._token(asked)
            if self.hold is not None:
                self.held.set()
                self.hold.wait(60)
            return reply
        return self._forwarded(asked)

    def _authorize(self, query: Mapping[str, str]) -> Answer:
        if query.get("client_id") != self.client_id:
            return self._page("this client is not known")
        if query.get("redirect_uri") not in self.redirect_uris:
            return self._page(f"redirect_uri {query.get('redirect_uri')} is not registered for this app")
        if query.get("response_type", "code") != "code":
            return self._page("response_type must be code")
        if (self.pkce or "code_challenge" in query) and (query.get("code_challenge_method") != "S256" or "code_challenge" not in query):
            return self._page("a code challenge (S256) is needed")
        state = {"state": query["state"]} if "state" in query else {}
        if self.deny:
            return self._back(query, {"error": "access_denied", "error_description": "The user denied your request", **state})
        code = secrets.token_urlsafe(16)
        self._codes[code] = Code(dict(query), self._family(self.signed_in, query.get("scope", "")))
        return self._back(query, {"code": code, **state})

    def _back(self, query: Mapping[str, str], answer: dict[str, str]) -> Answer:
        return Answer(302, b"", {"Location": f"{query['redirect_uri']}?{urlencode(self.decorate(answer))}"})

    def _page(self, words: str) -> Answer:
        self.refused.append(words)
        return Answer(400, f"<html><body>{words}</body></html>".encode(), {"Content-Type": "text/html"})

    def _token(self, asked: Asked) -> Answer:
        form = self._form(asked)
        if not self._is_client(asked, form):
            return self._error(401, "invalid_client", "the client is not known, or its secret is wrong")
        if form.get("grant_type", "authorization_code") == "authorization_code":
            return self._exchanged(form)
        if form["grant_type"] == "refresh_token":
            return self._renewed(form.get("refresh_token", ""))
        return self._error(400, "unsupported_grant_type", form["grant_type"])

    def _form(self, asked: Asked) -> dict[str, str]:
        if "json" in asked.headers.get("content-type", ""):
            return {name: str(value) for name, value in json.loads(asked.body).items()}
        return {**asked.params, **dict(parse_qsl(asked.body.decode(), keep_blank_values=True))}

    def _is_client(self, asked: Asked, form: Mapping[str, str]) -> bool:
        scheme, _, value = asked.headers.get("authorization", "").partition(" ")
        client_id, client_secret = form.get("client_id", self.client_id), form.get("client_secret", "")
        if scheme.lower() == "basic":
            user, _, password = base64.b64decode(value).decode().partition(":")
            # RFC 6749 has id and secret here; some vendors have the secret alone, as the user.
            client_id, client_secret = (client_id, user) if not password else (user, password)
        elif scheme.lower() == "bearer":
            client_secret = value
        return client_id == self.client_id and hmac.compare_digest(client_secret.encode(), self.client_secret.encode())

    def _exchanged(self, form: Mapping[str, str]) -> Answer:
        code = self._codes.get(form.get("code", ""))
        if code is None:
            return self._error(400, "invalid_grant", "this code is not known")
        if code.used:
            self.double += 1
            code.family.alive = False
            return self._error(400, "invalid_grant", "this code was used before")
        if form.get("redirect_uri", code.asked["redirect_uri"]) != code.asked["redirect_uri"]:
            return self._error(400, "invalid_grant", "the redirect URI is another one")
        challenge = code.asked.get("code_challenge")
        if challenge is not None and _challenge(form.get("code_verifier", "")) != challenge:
            return self._error(400, "invalid_grant", "the code verifier is wrong")
        code.used = True
        self.exchanges += 1
        return self._json(200, self._issue(code.family))

    def _renewed(self, refresh: str) -> Answer:
        family = next((one for one in self.families if refresh and (refresh == one.refresh or refresh in one.used)), None)
        if family is None or not family.alive:
            return self._error(400, "invalid_grant", "this refresh token is not known, or was revoked")
        if refresh in family.used:
            if self.grace and list(family.used)[-1] == refresh:
                self.renewals += 1
                return self._json(200, family.used[refresh])
            self.double += 1
            family.alive = False
            return self._error(400, "invalid_grant", "this refresh token was used before")
        self.renewals += 1
        answer = self._issue(family)
        if self.rotates:
            family.used[refresh] = answer
        return self._json(200, answer)

    def _family(self, account: str, scope: str) -> Family:
        family = Family(account, scope)
        self.families.append(family)
        return family

    def _issue(self, family: Family) -> dict[str, Any]:
        access = f"at_{secrets.token_urlsafe(16)}"
        family.refresh = f"rt_{secrets.token_urlsafe(16)}" if self.rotates or family.refresh is None else family.refresh
        ends = float("inf") if self.lifetime is None else self.clock.now() + self.lifetime
        self._access[access] = Access(family, ends, self.uses)
        answer: dict[str, Any] = {"access_token": access, "token_type": "bearer", "refresh_token": family.refresh, "scope": family.scope}
        return answer | ({} if self.lifetime is None else {"expires_in": int(self.lifetime)}) | dict(self.reply(family))

    def opens(self, token: str) -> Family | None:
        """Whose account an access token opens now; each look is a use."""
        with self.lock:
            access = self._access.get(token)
            if access is None or not access.family.alive or access.ends <= self.clock.now() or access.left == 0:
                return None
            access.left = None if access.left is None else access.left - 1
            return access.family

    def _forwarded(self, asked: Asked) -> Answer:
        if self.upstream is None:
            return Answer(404, b"{}")
        token = asked.headers.get("authorization", "").partition(" ")[2]
        if self.opens(token) is None:
            words = {"type": "invalid_request_error", "message": "Expired or unknown token", "code": "api_key_expired"}
            return self._json(401, {"error": words})
        parts = urlsplit(self.upstream)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        passed = {name: value for name, value in asked.headers.items() if name not in {"host", "content-length", "connection"}}
        try:
            path = asked.path + (f"?{asked.query}" if asked.query else "")
            connection.request(asked.method, path, asked.body or None, {**passed, "authorization": f"Bearer {self.upstream_key}"})
            reply = connection.getresponse()
            body = reply.read()
            kept: dict[str, str | None] = {"Content-Type": reply.getheader("Content-Type"), "Date": reply.getheader("Date")}
            if reply.getheader("Content-Encoding"):
                kept["Content-Encoding"] = reply.getheader("Content-Encoding")
            return Answer(reply.status, body, kept)
        finally:
            connection.close()

    def _error(self, status: int, code: str, words: str) -> Answer:
        self.refused.append(words)
        return self._json(status, {"error": code, "error_description": words})

    def _json(self, status: int, value: Any) -> Answer:
        return Answer(status, json.dumps(value).encode())


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Page:
    """Where a browser came to rest. `status` and `body` are empty where it was led away from loopback."""

    url: str
    status: int = 0
    body: str = ""
    seen: list[str] = field(default_factory=list)

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))


class Browser:
    """As much of one as a consent needs: redirects, and cookies for each host with its port."""

    def __init__(self) -> None:
        self.cookies: dict[str, dict[str, str]] = {}

    def follow(self, url: str, *, stop: str | None = None) -> Page:
        """From address to address, to one that redirects nowhere, is not on loopback, or begins with `stop`."""
        seen = [url]
        while True:
            parts = urlsplit(url)
            if parts.hostname not in {"127.0.0.1", "localhost"} or (stop is not None and url.startswith(stop) and len(seen) > 1):
                return Page(url, seen=seen)
            status, headers, body = self._get(url)
            if status not in {302, 303, 307}:
                return Page(url, status, body, seen)
            url = urljoin(url, headers["location"])
            seen.append(url)
            assert len(seen) < 20, seen

    def _get(self, url: str) -> tuple[int, dict[str, str], str]:
        parts = urlsplit(url)
        jar = self.cookies.setdefault(parts.netloc, {})
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        try:
            cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in jar.items())} if jar else {}
            connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""), headers=cookie)
            reply = connection.getresponse()
            for line in reply.headers.get_all("Set-Cookie") or ():
                for name, morsel in SimpleCookie(line).items():
                    if morsel["max-age"] == "0":
                        jar.pop(name, None)
                    else:
                        jar[name] = morsel.value
            return reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read().decode()
        finally:
            connection.close()
