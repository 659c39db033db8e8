"""HubSpotFake: the server with everything that a test may do to it. The package's docstring lists it."""

from __future__ import annotations

import json
import time
from collections import deque
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fakes.hubspot import refusals
from fakes.hubspot.hooks import Hooks
from fakes.hubspot.kinds import Doc, Kind, Thing, custom, iso, kinds, properties_of, shown
from fakes.hubspot.refusals import Refusal
from fakes.hubspot.routes import routed
from fakes.serving import Answer, Asked, Serving

TOKEN = "pat-na1-00000000-0000-4000-8000-000000000001"
HUB_ID = 4711
CLIENT = ("11111111-aaaa-4bbb-8ccc-222222222222", "33333333-dddd-4eee-8fff-444444444444")
LONGEST_ADDRESS = 8192


class HubSpotFake(Serving):
    token = TOKEN

    def __init__(self) -> None:
        super().__init__()
        self.kinds = kinds()
        self.tokens: dict[str, float | None] = {TOKEN: None}  # until when, by the fake's clock
        self.refresh_tokens = {"refresh-1"}
        self.codes: dict[str, str] = {}  # code -> redirect_uri
        self.redirect_uris: list[str] = []  # of the app; none: any
        self.deny = False
        self.grants = 0
        self.hooks = Hooks(CLIENT[1], HUB_ID, self.clock.now)
        self.expires_in = 1800
        self.renewals = 0
        self.index_lag = 0.0
        self.page_cap = 100
        self.search_cap = 200
        self.link_cap = 500  # associations of one object in one reply
        self.closed: set[str] = set()  # types that the token may not see
        self.things: dict[str, dict[str, Thing]] = {path: {} for path in self.kinds}
        self.merged: dict[str, str] = {}  # id that vanished -> id that answers for it
        self.owners: dict[str, Doc] = {}
        self._next = 995  # so that ids differ in length
        self._customs = 3_465_404
        self._rates: dict[str, tuple[int, float]] = {}
        self._asked: dict[str, deque[float]] = {"TEN_SECONDLY_ROLLING": deque(), "SECONDLY": deque()}
        self.out_for_the_day = False

    def stop(self) -> None:
        self.hooks.sender.stop()
        super().stop()

    # -- objects

    def now(self) -> int:
        return int(self.clock.now() * 1000)

    def create(self, path: str, **properties: str) -> str:
        with self.lock:
            self._next += 1
            if path == "owners":
                return self._create_owner(properties)
            now = self.now()
            thing = Thing(self._next, dict(properties), now, now)
            self.things[path][thing.id] = thing
            self._index(path, thing)
            self.hooks.tell(self.kinds[path], "creation", thing.id)
            return thing.id

    def _create_owner(self, properties: dict[str, str]) -> str:
        now = iso(self.now())
        upstream_id = str(self._next)
        self.owners[upstream_id] = {
            "id": upstream_id, "email": "x@example.com", "type": "PERSON", "firstName": "", "lastName": "", "userId": self._next * 7,
            "userIdIncludingInactive": self._next * 7, "createdAt": now, "updatedAt": now, "archived": False, "teams": [], **properties,
        }  # fmt: skip
        return upstream_id

    def change(self, path: str, upstream_id: str, **properties: str) -> None:
        with self.lock:
            if path == "owners":
                self.owners[upstream_id] |= {**properties, "updatedAt": iso(self.now())}
                return
            thing = self.thing(path, upstream_id)
            thing.properties |= properties
            thing.modified = max(self.now(), thing.modified)
            self._index(path, thing)
            for name, value in properties.items():
                self.hooks.tell(self.kinds[path], "propertyChange", thing.id, propertyName=name, propertyValue=value)

    def archive(self, path: str, upstream_id: str) -> None:
        with self.lock:
            if path == "owners":
                del self.owners[upstream_id]
                return
            thing = self.thing(path, upstream_id)
            thing.archived = self.now()
            self._index(path, thing)
            self.hooks.tell(self.kinds[path], "deletion", thing.id, changeFlag="DELETED")

    def restore(self, path: str, upstream_id: str) -> None:
        with self.lock:
            thing = self.things[path][upstream_id]
            thing.archived = None
            thing.modified = max(self.now(), thing.modified + 1)
            self._index(path, thing)
            self.hooks.tell(self.kinds[path], "restore", thing.id)

    def purge(self, path: str, upstream_id: str) -> None:
        """For good, as the law demands it: no list shows it any more."""
        with self.lock:
            del self.things[path][upstream_id]

    def merge(self, path: str, winner: str, loser: str) -> None:
        """The loser's id vanishes, and answers for the winner from now on."""
        with self.lock:
            kept, gone = self.thing(path, winner), self.things[path].pop(loser)
            self.merged[loser] = winner
            before = kept.properties.get("hs_merged_object_ids")
            kept.properties = {**gone.properties, **kept.properties}
            kept.properties["hs_merged_object_ids"] = ";".join(filter(None, (before, loser)))
            kept.modified = max(self.now(), kept.modified + 1)
            self._index(path, kept)
            named = {"primaryObjectId": int(winner), "mergedObjectIds": [int(loser)], "newObjectId": int(winner)}
            self.hooks.tell(self.kinds[path], "merge", winner, **named)

    def associate(self, path: str, upstream_id: str, other: str, other_id: str, type_id: int = 1) -> None:
        """Moves no date."""
        with self.lock:
            for here, one, there, two in ((path, upstream_id, other, other_id), (other, other_id, path, upstream_id)):
                types = self.thing(here, one).links.setdefault((there, two), [])
                types.extend([type_id] if type_id not in types else [])

    def dissociate(self, path: str, upstream_id: str, other: str, other_id: str) -> None:
        with self.lock:
            self.thing(path, upstream_id).links.pop((other, other_id))
            self.thing(other, other_id).links.pop((path, upstream_id))

    def add_property(self, path: str, *names: str, unique: bool = False) -> None:
        with self.lock:
            self.kinds[path].names.update(names)
            self.kinds[path].unique.update(names if unique else ())

    def add_schema(self, name: str, *names: str) -> str:
        """A custom object; its objectTypeId."""
        with self.lock:
            kind = custom(self._customs, name, names)
            self._customs += 1
            self.kinds[kind.path] = kind
            self.things[kind.path] = {}
            return kind.path

    def objects(self, path: str, links: tuple[str, ...] = ()) -> dict[str, Doc]:
        """What there is, with all properties, and the associations to these types where there are any to be asked for."""
        with self.lock:
            if path == "owners":
                return {key: dict(owner) for key, owner in self.owners.items()}
            kind = self.kinds[path]
            found: dict[str, Doc] = {}
            for thing in self.things[path].values():
                if thing.archived is None:
                    doc = self.render(kind, thing, tuple(kind.names))
                    found[thing.id] = {**doc, "associations": {other: self.linked(thing, other) for other in links}} if links else doc
            return found

    # -- what others need of it

    def thing(self, path: str, upstream_id: str, *, archived: bool = False) -> Thing:
        """Raises Refusal. A merged id answers for the winner."""
        thing = self.things[path].get(self.merged.get(upstream_id, upstream_id))
        if thing is None or (thing.archived is not None) != archived:
            raise refusals.missing(upstream_id)
        return thing

    def kind(self, name: str) -> Kind:
        """By its path, its number or its qualified name. Raises Refusal."""
        for kind in self.kinds.values():
            if name in {kind.path, kind.type_id, kind.qualified, kind.path.removesuffix("s")}:
                if kind.path in self.closed:
                    raise refusals.scopes(f"crm.objects.{kind.path}.read")
                return kind
        raise Refusal(400, "VALIDATION_ERROR", f"Unable to infer object type from: {name}")

    def render(self, kind: Kind, thing: Thing, named: tuple[str, ...] | None) -> Doc:
        doc = {
            "id": thing.id,
            "properties": shown(kind, properties_of(thing, kind), named),
            "createdAt": iso(thing.created),
            "updatedAt": iso(thing.modified),
            "archived": thing.archived is not None,
        }
        return doc if thing.archived is None else {**doc, "archivedAt": iso(thing.archived)}

    def linked(self, thing: Thing, other: str) -> list[Doc]:
        mine = sorted((int(key[1]), types) for key, types in thing.links.items() if key[0] == other)
        return [
            {"toObjectId": key, "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": one, "label": None} for one in types]}
            for key, types in mine
            if self.things[other][str(key)].archived is None
        ]

    def _index(self, path: str, thing: Thing) -> None:
        state = None if thing.archived is not None else properties_of(thing, self.kinds[path])
        thing.history = [*thing.history[-5:], (self.now(), state)]

    # -- tokens and limits

    def add_token(self, token: str, lasts: float | None = None) -> None:
        self.tokens[token] = None if lasts is None else self.clock.now() + lasts

    def revoke(self, token: str) -> None:
        self.tokens.pop(token, None)

    def end_access(self) -> None:
        """Every access token of the app ends now; refresh tokens live."""
        self.tokens = {TOKEN: None}

    def uninstall(self) -> None:
        """The account throws the app out."""
        self.end_access()
        self.refresh_tokens.clear()

    def enforce(self, ten_secondly: int = 0, secondly: int = 0) -> None:
        """Requests in ten seconds of all kinds, searches in one; 0: not counted."""
        self._rates = {"TEN_SECONDLY_ROLLING": (ten_secondly, 10.0), "SECONDLY": (secondly, 1.0)}

    def _authorise(self, asked: Asked) -> None:
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token not in self.tokens:
            raise refusals.unauthenticated()
        until = self.tokens[token]
        if until is not None and self.clock.now() >= until:
            raise refusals.expired()

    def _limited(self, policy: str) -> bool:
        allowed, seconds = self._rates.get(policy, (0, 0.0))
        recent, now = self._asked[policy], time.monotonic()
        while recent and recent[0] <= now - (seconds or 10.0):
            recent.popleft()
        if allowed and len(recent) >= allowed:
            return True
        recent.append(now)
        return False

    # -- requests

    def answer(self, asked: Asked) -> Answer:
        searching = asked.path.endswith("/search")
        if len(asked.path) + len(asked.query) > LONGEST_ADDRESS:
            return Answer(414, b"<html><body>Request-URI Too Large</body></html>", {"Content-Type": "text/html"})
        if asked.path.startswith("/oauth/"):
            return self._oauth(asked)
        try:
            self._authorise(asked)
            if self.out_for_the_day:
                return Answer(429, json.dumps(refusals.limited("DAILY")).encode())
            for policy in ("SECONDLY",) if searching else ("TEN_SECONDLY_ROLLING",):
                if self._limited(policy):
                    return Answer(429, json.dumps(refusals.limited(policy)).encode())
            reply = routed(self, asked)
        except Refusal as refusal:
            reply = refusal.answer()
        if not searching:
            reply.headers = {**self._said(), **reply.headers}
        return reply

    def _said(self) -> dict[str, str | None]:
        allowed = self._rates.get("TEN_SECONDLY_ROLLING", (0, 10.0))[0] or 1_000_000
        return {
            "X-HubSpot-RateLimit-Max": str(allowed),
            "X-HubSpot-RateLimit-Remaining": str(allowed - len(self._asked["TEN_SECONDLY_ROLLING"])),
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Daily": "1000000",
            "X-HubSpot-RateLimit-Daily-Remaining": "999000",
        }

    def _authorize(self, asked: Asked) -> Answer:
        """The person agrees at once, or not. https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/oauth/working-with-oauth"""
        given = asked.params
        if given.get("client_id") != CLIENT[0] or (self.redirect_uris and given.get("redirect_uri") not in self.redirect_uris):
            return Answer(400, b"<html>This app, or its redirect URI, is not known</html>", {"Content-Type": "text/html"})
        state = {"state": given["state"]} if "state" in given else {}
        answer = {"error": "access_denied", "error_description": "User denied access", **state}
        if not self.deny:
            code = f"code-{len(self.codes)}-{self.grants}"
            self.codes[code] = given["redirect_uri"]
            answer = {"code": code, **state}
        return Answer(302, b"", {"Location": f"{given['redirect_uri']}?{urlencode(answer)}"})

    def _oauth(self, asked: Asked) -> Answer:
        if asked.path == "/oauth/authorize" and asked.method == "GET":
            return self._authorize(asked)
        given: dict[str, Any] = dict(parse_qsl(asked.body.decode()))
        refused = {"status": "BAD_CLIENT_ID", "message": "missing or unknown client id", "correlationId": refusals.CORRELATION}
        if asked.query or (given.get("client_id"), given.get("client_secret")) != CLIENT:
            return _json(400, refused)
        if asked.path == "/oauth/2026-03/token/introspect":
            known = given.get("token") in self.tokens
            more = {"hub_id": HUB_ID, "user_id": 7, "client_id": CLIENT[0], "scopes": ["oauth"], "token_type": "bearer"}
            return _json(200, {"active": known, "token": given.get("token"), **(more if known else {})})
        if asked.path != "/oauth/2026-03/token":
            return refusals.no_such_address()
        if given.get("grant_type") == "refresh_token" and given.get("refresh_token") in self.refresh_tokens:
            refresh_token = given["refresh_token"]
        elif given.get("grant_type") == "authorization_code" and self.codes.pop(given.get("code", ""), None) == given.get("redirect_uri"):
            self.grants += 1
            refresh_token = f"refresh-{self.grants}"
            self.refresh_tokens.add(refresh_token)
        else:
            what = "BAD_REFRESH_TOKEN" if given.get("grant_type") == "refresh_token" else "BAD_AUTH_CODE"
            return _json(400, {**refused, "status": what, "message": "missing or unknown token"})
        self.renewals += 1
        token = f"access-token-{self.renewals:04}"
        self.add_token(token, self.expires_in)
        return _json(
            200,
            {
                "access_token": token,
                "refresh_token": refresh_token,
                "expires_in": self.expires_in,
                "token_type": "bearer",
                "hub_id": HUB_ID,
            },
        )


def _json(status: int, value: Any) -> Answer:
    return Answer(status, json.dumps(value).encode())
