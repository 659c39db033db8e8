"""GitHub: lists by Link header under each repository, changes by `since` or from the newest on; deletions by a complete pass."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from email.utils import formatdate
from typing import Any, ClassVar

from fakes.faults import Fault, Onward, answers
from fakes.github import GitHubFake
from fakes.serving import Answer, Asked

from conformance.desks.base import Desk, Doc

DAY = 86_400.0
# Kind at the fake, the member that names an object, and the one that holds the text.
_KINDS: Mapping[str, tuple[str, str, str]] = {
    "github:repository": ("repo", "name", "description"),
    "github:issue": ("issue", "number", "title"),
    "github:issue_comment": ("issue_comment", "id", "body"),
    "github:pull_request": ("pull", "number", "title"),
    "github:commit": ("commit", "sha", "message"),
    "github:release": ("release", "id", "body"),
    "github:label": ("label", "name", "description"),
    "github:milestone": ("milestone", "number", "title"),
}
_PATHS = {"github:issue_comment": "*/issues/comments", "github:pull_request": "*/pulls", "github:repository": "/user/repos"}


class GitHubDesk(Desk):
    provider = "github"
    collections = tuple(_KINDS)
    dear = ("github:issue", "github:pull_request")
    pages: ClassVar[Mapping[str, int]] = {"per_page": 3}
    incremental = frozenset(("github:issue", "github:issue_comment", "github:pull_request", "github:commit"))
    deletable = ()
    swept = ("github:issue_comment", "github:release", "github:label", "github:milestone")
    fixed = frozenset(("github:commit",))
    number_ids = True
    believes_empty_pages = True
    written = "github:milestone"
    refused: ClassVar[Doc] = {"owner": GitHubFake.owner, "repo": GitHubFake.repo, "description": "without a title"}
    words = "missing_field"
    unknown_id = f"{GitHubFake.owner}/{GitHubFake.repo}#4711"

    def __init__(self) -> None:
        self.fake = GitHubFake()
        self._tokens = 1
        self._made = 0
        self.fake.add_token(self._token())

    def start(self) -> None:
        self.fake.clock.advance(-30 * DAY)
        self.fake.start()

    def stop(self) -> None:
        self.fake.stop()

    @property
    def url(self) -> str:
        return self.fake.url

    def _token(self) -> str:
        return f"ghp_fake{self._tokens:036}"

    def credential(self) -> tuple[str, dict[str, str]]:
        return "github_key", {"secret": self._token()}

    def expire(self) -> None:
        self.fake.revoke(self._token())
        self._tokens += 1
        self.fake.add_token(self._token())

    # -- objects

    def create(self, collection_id: str, text: str) -> str:
        kind, _, member = _KINDS[collection_id]
        self._made += 1
        named = {"repo": "name", "label": "name", "release": "tag_name"}.get(kind)
        return self._id(collection_id, self.fake.create(kind, **{member: text}, **({named: f"n{self._made}"} if named else {})))

    def seed(self, collections: Sequence[str], count: int = 7) -> dict[str, list[str]]:
        """So long ago that no overlap of windows reaches back to it."""
        made = super().seed(collections, count)
        self.advance(3 * DAY)
        return made

    def change(self, collection_id: str, upstream_id: str, text: str) -> None:
        kind, _, member = _KINDS[collection_id]
        if collection_id not in self.fixed:
            self.fake.change(kind, self._own(collection_id, upstream_id), **{member: text})

    def delete(self, collection_id: str, upstream_id: str) -> None:
        self.fake.delete(_KINDS[collection_id][0], self._own(collection_id, upstream_id))

    def state(self, collection_id: str) -> dict[str, Doc]:
        docs = self.fake.objects(_KINDS[collection_id][0]).values()
        return {self._id(collection_id, doc): doc for doc in docs if "pull_request" not in doc}

    def new(self, text: str) -> Doc:
        return {"owner": self.fake.owner, "repo": self.fake.repo, "title": text}

    def changed(self, text: str) -> Doc:
        return {"title": text}

    def _id(self, collection_id: str, doc: Doc) -> str:
        return self.named(collection_id, str(doc[_KINDS[collection_id][1]]))

    def named(self, collection_id: str, text: str) -> str:
        if collection_id == "github:repository":
            return f"{self.fake.owner}/{text}"
        return f"{self.fake.owner}/{self.fake.repo}#{text}"

    def _own(self, collection_id: str, upstream_id: str) -> str:
        """GitHub's own id of it."""
        doc = self.state(collection_id)[upstream_id]
        return str(doc.get("id", doc.get("sha")))

    def advance(self, seconds: float) -> None:
        self.fake.clock.advance(seconds)

    def freeze(self) -> None:
        self.fake.clock.freeze()

    def id_members(self, collection_id: str, upstream_id: str) -> list[bytes]:
        return [f'"{_KINDS[collection_id][1]}": {upstream_id.partition("#")[2]}'.encode()]

    # -- requests

    def path(self, collection_id: str) -> str:
        return _PATHS.get(collection_id, f"*/{collection_id.removeprefix('github:')}s")

    def records_key(self, collection_id: str) -> str | None:
        return None

    def stuck(self, collection_id: str) -> Fault:
        def fault(asked: Asked, onward: Onward) -> Answer:
            reply = onward(asked)
            return replace(reply, headers={**reply.headers, "Link": f'<{asked.url}>; rel="next"'})

        return fault

    # -- how it says no

    def limited(self, retry_after: str | None = None) -> Fault:
        """https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api: a secondary limit"""
        headers = {} if retry_after is None else {"Retry_After": retry_after}
        return answers(
            429, _message("You have exceeded a secondary rate limit. Please wait a few minutes before you try again."), **headers
        )

    def limited_by_quota(self, seconds: int) -> Fault:
        """The primary one: 403, and when it begins anew."""

        def fault(asked: Asked, onward: Onward) -> Answer:
            reset = str(int(self.fake.clock.now()) + seconds)
            headers = {
                "X_RateLimit_Remaining": "0",
                "X_RateLimit_Limit": "5000",
                "X_RateLimit_Reset": reset,
                "Date": _date(self.fake.clock.now()),
            }
            return answers(403, _message("API rate limit exceeded for user ID 1."), **headers)(asked, onward)

        return fault

    def forbidden(self) -> Fault:
        return answers(403, _message("Resource not accessible by personal access token"))

    def bad_parameter(self) -> Fault:
        return answers(422, _message("Validation Failed", errors=[{"resource": "Issue", "code": "invalid", "field": "per_page"}]))

    def failing(self, status: int = 503) -> Fault:
        return answers(status, _message("Server Error"))


def _message(message: str, **more: Any) -> str:
    return json.dumps({"message": message, **more, "documentation_url": "https://docs.github.com/rest"})


def _date(seconds: float) -> str:
    return formatdate(seconds, usegmt=True)
