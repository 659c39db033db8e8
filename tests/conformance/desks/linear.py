"""Linear: GraphQL connections, newest first; changes by a filter on updatedAt; issues that are deleted are trashed."""

from __future__ import annotations

import json
from email.utils import formatdate
from typing import Any, ClassVar

from fakes.faults import Fault, Onward, answers
from fakes.linear import LinearFake
from fakes.serving import Answer, Asked

from conformance.desks.base import Doc
from conformance.desks.document import DocumentDesk, fields

_TYPES = {"label": "IssueLabel", "workflow_state": "WorkflowState", "project_milestone": "ProjectMilestone"}
_TEXT = {"issue": "title", "comment": "body", "attachment": "title", "document": "title"}
_KINDS = (
    "issue",
    "project",
    "team",
    "user",
    "comment",
    "label",
    "cycle",
    "workflow_state",
    "project_milestone",
    "attachment",
    "document",
    "initiative",
)


class LinearDesk(DocumentDesk):
    provider = "linear"
    made_by = LinearFake
    kinds: ClassVar = {f"linear:{name}": (_TYPES.get(name, name.title()), _TEXT.get(name, "name")) for name in _KINDS}
    collections = tuple(kinds)
    dear = ("linear:issue",)
    incremental = frozenset(kinds)
    deletable = ("linear:issue", "linear:document")
    swept = ("linear:comment", "linear:label")
    believes_empty_pages = True
    written = "linear:issue"
    refused: ClassVar[Doc] = {"title": "without a team"}
    words = "teamId"

    def new(self, text: str) -> Doc:
        return {"title": text, "teamId": "t-1"}

    def changed(self, text: str) -> Doc:
        return {"title": text}

    def path(self, collection_id: str) -> str:
        return "/graphql"

    def sent(self, asked: Asked) -> str | None:
        found = fields(asked)["variables"].get("after")
        return None if found is None else str(found)

    def cursor(self, page: Any, given: str | None) -> None:
        (connection,) = page["data"].values()
        connection["pageInfo"] = {"hasNextPage": True, "endCursor": given}

    def edited(self, collection_id: str, change: Any) -> Fault:
        def fault(asked: Asked, onward: Onward) -> Answer:
            reply = onward(asked)
            page = json.loads(reply.body)
            for connection in page["data"].values():
                if "nodes" in connection:  # a reply about something else passes as it is
                    connection["nodes"] = change(connection["nodes"])
            return Answer(reply.status, json.dumps(page).encode(), reply.headers)

        return fault

    def limited(self, retry_after: str | None = None) -> Fault:
        """https://linear.app/developers/rate-limiting: 400, and no Retry-After as a rule"""
        headers = {} if retry_after is None else {"Retry_After": retry_after}
        return answers(400, _error("Rate limit exceeded", "RATELIMITED"), **headers)

    def limited_by_quota(self, seconds: int) -> Fault:
        def fault(asked: Asked, onward: Onward) -> Answer:
            now = self.fake.clock.now()
            headers = {"X_RateLimit_Requests_Remaining": "0", "X_RateLimit_Requests_Reset": str(int((now + seconds) * 1000))}
            return answers(400, _error("Rate limit exceeded", "RATELIMITED"), Date=formatdate(now, usegmt=True), **headers)(asked, onward)

        return fault

    def forbidden(self) -> Fault:
        return answers(200, _error("You do not have permission", "FORBIDDEN"))

    def bad_parameter(self) -> Fault:
        return answers(400, _error('Unknown argument "frist" on field "Query.issues".', "GRAPHQL_VALIDATION_FAILED"))


def _error(message: str, code: str) -> str:
    return json.dumps({"errors": [{"message": message, "extensions": {"code": code, "userPresentableMessage": message}}]})
