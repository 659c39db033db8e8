"""GitHubFake: the server with everything that a test may do to it. The package's docstring lists it."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import unquote, urlencode

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from fakes.github.kinds import KINDS, NUMBERED, OWNER, Doc, Kind, moment, user
from fakes.hooked import Hook
from fakes.serving import Answer, Asked, Serving

TOKEN = "ghp_fake0000000000000000000000000000000001"
DOCS = "https://docs.github.com/rest"
_REPO = re.compile(rf"/repos/{OWNER}/(?P<name>[^/]+)")
_LENDING = re.compile(r"/app/installations/(?P<id>[0-9]+)/access_tokens")
_NUMBERED = re.compile(r"/repositories/(?P<id>[0-9]+)(?P<rest>/.*)?")


@dataclass
class Box:
    """One object, and where it stands in time: lists are sorted by more than the second that is shown."""

    doc: Doc
    created: int
    touched: int


class Refusal(Exception):
    """An error answer."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message, **more, "documentation_url": DOCS, "status": str(status)}


class GitHubFake(Serving):
    owner = OWNER
    repo = "hello-world"
    token = TOKEN

    def __init__(self) -> None:
        super().__init__()
        self.page_cap = 100
        self.tokens = {TOKEN}
        self._next_id = 1000
        self._next_number = 1
        self._tick = 0
        self.apps: dict[str, tuple[str, RSAPublicKey]] = {}  # installation -> the app's client id and key
        self.lent: dict[str, float] = {}  # tokens of installations, and when they end
        self.hooks: list[Hook] = []
        self.reads_only: set[str] = set()  # names of repositories that the token is no administrator of
        self._kept: dict[str, list[Box]] = {kind: [] for kind in KINDS}
        self._gone: dict[str, set[str]] = {kind: set() for kind in KINDS}
        self.create("repo", name=self.repo)

    # -- objects

    def create(self, kind: str, **fields: Any) -> Doc:
        with self.lock:
            self._next_id += 1
            self._tick += 1
            given = dict(fields)
            if kind in NUMBERED:
                given["number"] = self._next_number
                self._next_number += 1
            doc = KINDS[kind].make(self._next_id, moment(self.clock.now()), given)
            self._kept[kind].append(Box(doc, self._tick, self._tick))
            if kind == "pull":
                self._issue_of(doc)
            return doc

    def _issue_of(self, pull: Doc) -> None:
        """A pull request is an issue too, under the same number and another id."""
        self._next_id += 1
        link = {"url": pull["url"], "html_url": f"https://github.com/{OWNER}/{self.repo}/pull/{pull['number']}", "merged_at": None}
        given = {"number": pull["number"], "title": pull["title"], "body": pull["body"], "pull_request": link, "draft": False}
        self._kept["issue"].append(Box(KINDS["issue"].make(self._next_id, pull["created_at"], given), self._tick, self._tick))

    def change(self, kind: str, id_: object, **fields: Any) -> Doc:
        with self.lock:
            box = self._find(kind, "id" if kind not in {"commit", "branch"} else KINDS[kind].key, str(id_))
            self._touch(kind, box, fields)
            return box.doc

    def _touch(self, kind: str, box: Box, fields: Doc) -> None:
        self._tick += 1
        box.touched = self._tick
        if "new_name" in fields:
            fields = {**fields, "name": fields["new_name"]}
            del fields["new_name"]
        now = moment(self.clock.now())
        if fields.get("state") == "closed" and box.doc.get("state") == "open":
            fields = {**fields, "closed_at": now}
        box.doc = {**box.doc, **fields, **({"updated_at": now} if "updated_at" in box.doc else {})}

    def delete(self, kind: str, id_: object) -> None:
        with self.lock:
            key = "id" if kind not in {"commit", "branch"} else KINDS[kind].key
            box = self._find(kind, key, str(id_))
            self._gone[kind].add(str(box.doc[KINDS[kind].key]))
            self._kept[kind].remove(box)

    def objects(self, kind: str) -> dict[str, Doc]:
        with self.lock:
            key = "id" if kind not in {"commit", "branch"} else KINDS[kind].key
            return {str(box.doc[key]): box.doc for box in self._kept[kind]}

    def add_token(self, token: str) -> None:
        self.tokens.add(token)

    def revoke(self, token: str = TOKEN) -> None:
        self.tokens.discard(token)

    def install(self, installation_id: str, client_id: str, public_key: RSAPublicKey) -> None:
        self.apps[installation_id] = (client_id, public_key)

    def uninstall(self, installation_id: str) -> None:
        del self.apps[installation_id]
        self.lent.clear()

    def _find(self, kind: str, key: str, value: str) -> Box:
        for box in self._kept[kind]:
            if str(box.doc[key]) == value:
                return box
        if value in self._gone[kind] and KINDS[kind].gone == 410:
            raise Refusal(410, "This issue was deleted")
        raise Refusal(404, "Not Found")

    # -- requests

    def answer(self, asked: Asked) -> Answer:
        try:
            if lending := _LENDING.fullmatch(asked.path):
                reply = self._lend(asked, lending["id"])
            else:
                self._authorise(asked.headers.get("authorization", ""))
                reply = self._routed(asked)
        except Refusal as refusal:
            reply = Answer(refusal.status, json.dumps(refusal.body).encode())
        usual = {
            "x-ratelimit-limit": "5000", "x-ratelimit-remaining": "4990", "x-ratelimit-used": "10", "x-ratelimit-resource": "core",
            "x-ratelimit-reset": str(int(self.clock.now()) + 3000), "x-github-api-version-selected": "2022-11-28", "server": "github.com",
        }  # fmt: skip
        tag = f'W/"{sha256(reply.body).hexdigest()}"'
        if asked.method == "GET" and reply.status == 200:
            usual["etag"] = tag
            if asked.headers.get("if-none-match") == tag:
                return Answer(304, b"", {**usual, "Content-Type": None})
        reply.headers = {**usual, **reply.headers}
        return reply

    def _authorise(self, header: str) -> None:
        scheme, _, token = header.partition(" ")
        lasts = self.lent.get(token, 0.0) > self.clock.now()
        if scheme.lower() not in {"bearer", "token"} or (token not in self.tokens and not lasts):
            raise Refusal(401, "Bad credentials")

    def _lend(self, asked: Asked, installation_id: str) -> Answer:
        """https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app"""
        client_id, key = self.apps.get(installation_id, ("", None))
        issuer = _issuer(asked.headers.get("authorization", ""), [key] if key else [key for _, key in self.apps.values()], self.clock.now())
        if asked.method != "POST" or issuer != client_id:
            raise Refusal(404, "Not Found")
        token = f"ghs_{len(self.lent):036}"
        self.lent[token] = self.clock.now() + 3600
        ends = datetime.fromtimestamp(int(self.clock.now()) + 3600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return _json(201, {"token": token, "expires_at": ends, "permissions": {"issues": "read"}, "repository_selection": "all"})

    def _routed(self, asked: Asked) -> Answer:
        path = unquote(asked.path)
        if numbered := _NUMBERED.fullmatch(path):
            box = self._find("repo", "id", numbered["id"])
            path = f"/repos/{OWNER}/{box.doc['name']}{numbered['rest'] or ''}"
        if path == "/user":
            return _json(200, user())
        if path == "/rate_limit":
            return _json(
                200, {"resources": {"core": {"limit": 5000, "remaining": 4990, "reset": int(self.clock.now()) + 3000, "used": 10}}}
            )
        lent = asked.headers.get("authorization", "").partition(" ")[2] in self.lent
        if path == "/installation/repositories":
            if not lent:
                raise Refusal(
                    403, "You must authenticate with an installation access token in order to list repositories for an installation."
                )
            listed = self._list(asked, "repo", KINDS["repo"])
            repos = json.loads(listed.body)
            body = json.dumps({"total_count": len(self._kept["repo"]), "repository_selection": "all", "repositories": repos}).encode()
            return Answer(200, body, listed.headers)
        if lent and path.startswith("/user"):
            raise Refusal(403, "Resource not accessible by integration")
        if path == "/user/repos":
            path = f"/orgs/{OWNER}/repos"
        place = _REPO.match(path)
        if place and path[place.end() :].startswith("/hooks"):
            return self._webhooks(asked, place["name"], path[place.end() + len("/hooks") :])
        if place and place["name"] != self.repo and place.end() < len(path):
            self._find("repo", "name", place["name"])
            return self._other_repo(asked)
        return self._placed(asked, path)

    def _webhooks(self, asked: Asked, repo: str, rest: str) -> Answer:
        """https://docs.github.com/en/rest/repos/webhooks: whoever is no administrator is told that there is nothing"""
        hook = next((hook for hook in self.hooks if hook.parent == repo and rest == f"/{hook.id}"), None)
        if repo in self.reads_only or (rest and hook is None):
            raise Refusal(404, "Not Found")
        given = json.loads(asked.body or b"{}")
        if asked.method == "GET":
            return _json(200, [_shown(hook) for hook in self.hooks if hook.parent == repo])
        if asked.method == "POST":
            config = given["config"]
            assert given["name"] == "web"
            if any(hook.parent == repo and hook.url == config["url"] for hook in self.hooks):
                raise Refusal(422, "Validation Failed", errors=[{"resource": "Hook", "message": "Hook already exists on this repository"}])
            self._next_id += 1
            self.hooks.append(Hook(str(self._next_id), config["url"], config["secret"], repo, given["events"], given["active"]))
            return _json(201, _shown(self.hooks[-1]))
        assert hook is not None
        if asked.method == "DELETE":
            self.hooks.remove(hook)
            return Answer(204, b"", {"Content-Type": None})
        hook.active, hook.topics = given.get("active", hook.active), given.get("events", hook.topics)
        return _json(200, _shown(hook))

    def _other_repo(self, asked: Asked) -> Answer:
        """Every other repository is empty."""
        if asked.method != "GET":
            raise Refusal(403, "Resource not accessible by personal access token")
        return _json(200, [])

    def _placed(self, asked: Asked, path: str) -> Answer:
        lists = {kind.path.replace("{repo}", f"/repos/{OWNER}/{self.repo}"): name for name, kind in KINDS.items()}
        if path in lists:
            name = lists[path]
            return self._list(asked, name, KINDS[name]) if asked.method == "GET" else self._post(asked, name, KINDS[name])
        # What stands below the list of issues is tried before one issue.
        singles = {KINDS[name].single or below: name for below, name in lists.items()}
        for above in sorted(singles, key=len, reverse=True):
            if path.startswith(f"{above}/"):
                return self._one(asked, singles[above], KINDS[singles[above]], path.removeprefix(f"{above}/"))
        raise Refusal(404, "Not Found")

    def _list(self, asked: Asked, name: str, kind: Kind) -> Answer:
        params = asked.params
        boxes = self._sorted([box for box in self._kept[name] if _wanted(box.doc, kind, params)], kind, params)
        size = min(_number(params.get("per_page"), 30), 100, self.page_cap)
        page = _number(params.get("page"), 1)
        shown = boxes[(page - 1) * size : page * size]
        pages = max(-(-len(boxes) // size), 1)
        links = ", ".join(f'<{self._link(asked, number)}>; rel="{rel}"' for rel, number in _rels(page, pages))
        return _json(200, [box.doc for box in shown], **({"Link": links} if links else {}))

    def _sorted(self, boxes: list[Box], kind: Kind, params: dict[str, str]) -> list[Box]:
        if kind.key == "name" and not kind.sorts:
            return sorted(boxes, key=lambda box: str(box.doc["name"]))
        by = params.get("sort", kind.sorts[0] if kind.sorts else "created")
        if kind.sorts and by not in kind.sorts:
            raise Refusal(422, "Validation Failed", errors=[{"resource": kind.path.rpartition("/")[2], "code": "invalid", "field": "sort"}])
        direction = params.get("direction", "asc" if by == "full_name" else kind.direction)
        ordered = sorted(boxes, key=lambda box: box.touched if by == "updated" else box.created)
        return ordered[::-1] if direction == "desc" else ordered

    def _link(self, asked: Asked, page: int) -> str:
        path = asked.path
        if place := _REPO.match(path):
            path = f"/repositories/{self._find('repo', 'name', place['name']).doc['id']}{path[place.end() :]}"
        return f"http://{asked.headers['host']}{path}?{urlencode({**asked.params, 'page': page})}"

    def _one(self, asked: Asked, name: str, kind: Kind, rest: str) -> Answer:
        value, _, below = rest.partition("/")
        if below == "comments" and name == "issue":
            return self._comments(asked, int(self._find(name, kind.key, value).doc["number"]))
        box = self._find(name, kind.key, rest)
        if asked.method == "GET":
            return _json(200, box.doc)
        if asked.method not in kind.verbs:
            raise Refusal(404, "Not Found")
        if asked.method == "DELETE":
            self._gone[name].add(value)
            self._kept[name].remove(box)
            return Answer(204, b"", {"Content-Type": None})
        self._touch(name, box, _given(asked, kind))
        return _json(200, box.doc)

    def _comments(self, asked: Asked, number: int) -> Answer:
        kind = KINDS["issue_comment"]
        if asked.method == "POST":
            return _json(201, self.create("issue_comment", **_checked(asked, kind), number=number))
        mine = [box.doc for box in self._kept["issue_comment"] if box.doc["issue_url"].endswith(f"/{number}")]
        return _json(200, mine)

    def _post(self, asked: Asked, name: str, kind: Kind) -> Answer:
        if "POST" not in kind.verbs or asked.method != "POST":
            raise Refusal(404, "Not Found")
        given = _checked(asked, kind)
        if kind.key == "name" and given["name"] in {box.doc["name"] for box in self._kept[name]}:
            raise Refusal(422, "Validation Failed", errors=[{"resource": name.title(), "code": "already_exists", "field": "name"}])
        return _json(201, self.create(name, **given))


def _issuer(header: str, keys: list[RSAPublicKey], now: float) -> str:
    """Who signed: a JWT with RS256, no longer than ten minutes from now, begun in the past."""
    head, _, rest = header.removeprefix("Bearer ").partition(".")
    body, _, signature = rest.partition(".")
    try:
        said = json.loads(_decoded(body))
        assert json.loads(_decoded(head))["alg"] == "RS256"
        assert any(_signed(key, f"{head}.{body}", signature) for key in keys)
    except (ValueError, AssertionError, KeyError):
        raise Refusal(401, "A JSON web token could not be decoded") from None
    if not isinstance(said["iat"], int) or said["iat"] > now:
        raise Refusal(401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")
    if not now < said["exp"] <= now + 600:
        raise Refusal(401, "'Expiration time' claim ('exp') is too far in the future")
    return str(said["iss"])


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _signed(key: RSAPublicKey, text: str, signature: str) -> bool:
    try:
        key.verify(_decoded(signature), text.encode(), PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _shown(hook: Hook) -> Doc:
    config = {"url": hook.url, "content_type": "json", "secret": "********", "insecure_ssl": "0"}
    return {"type": "Repository", "id": int(hook.id), "name": "web", "active": hook.active, "events": hook.topics, "config": config}


def _wanted(doc: Doc, kind: Kind, params: dict[str, str]) -> bool:
    if kind.state and params.get("state", "open") not in {"all", doc["state"]}:
        return False
    if kind.since and "since" in params:
        try:
            since = datetime.fromisoformat(params["since"])
        except ValueError:
            raise Refusal(422, "Validation Failed", errors=[{"resource": "Search", "code": "invalid", "field": "since"}]) from None
        return datetime.fromisoformat(doc["updated_at"] if "updated_at" in doc else doc["commit"]["committer"]["date"]) >= since
    return True


def _given(asked: Asked, kind: Kind) -> Doc:
    try:
        given = json.loads(asked.body or b"{}")
    except ValueError:
        raise Refusal(400, "Problems parsing JSON") from None
    if not isinstance(given, dict):
        raise Refusal(400, "Body should be a JSON object")
    unknown = [name for name, value in given.items() if name in {"title", "body", "name", "tag_name"} and not isinstance(value, str | None)]
    if unknown:
        raise Refusal(422, f"Invalid request.\n\nFor 'properties/{unknown[0]}', {json.dumps(given[unknown[0]])} is not a string.")
    return {name: value for name, value in given.items() if name in kind.takes or name in kind.needs}


def _checked(asked: Asked, kind: Kind) -> Doc:
    given = _given(asked, kind)
    missing = [name for name in kind.needs if not given.get(name)]
    if missing:
        resource = kind.path.rpartition("/")[2].removesuffix("s").title()
        raise Refusal(422, "Validation Failed", errors=[{"resource": resource, "code": "missing_field", "field": name} for name in missing])
    return given


def _rels(page: int, pages: int) -> Iterator[tuple[str, int]]:
    if page > 1:
        yield "prev", page - 1
    if page < pages:
        yield "next", page + 1
        yield "last", pages
    if page > 1:
        yield "first", 1


def _number(text: str | None, default: int) -> int:
    return max(int(text), 1) if text is not None and text.isdigit() else default


def _json(status: int, value: Any, **headers: str) -> Answer:
    return Answer(status, json.dumps(value).encode(), {**headers})
