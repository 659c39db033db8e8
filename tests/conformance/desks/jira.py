"""Jira: searches by JQL with the minutes of another zone; comments and worklogs of issues that changed; deleted worklogs are listed."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from fakes.faults import Fault, answers
from fakes.jira import JiraFake
from fakes.serving import Asked

from conformance.desks.base import Doc
from conformance.desks.document import DocumentDesk

_TEXT = {"issue": "summary", "comment": "body", "worklog": "comment", "user": "displayName"}
_KINDS = (
    "issue",
    "comment",
    "worklog",
    "project",
    "version",
    "component",
    "user",
    "board",
    "sprint",
    "issue_type",
    "status",
    "priority",
    "field",
)


class JiraDesk(DocumentDesk):
    provider = "jira"
    made_by = JiraFake
    kinds: ClassVar = {f"jira:{name}": (name, _TEXT.get(name, "name")) for name in _KINDS}
    collections = tuple(kinds)
    dear = ("jira:issue",)
    place = ("issues",)
    incremental = frozenset(("jira:issue", "jira:comment", "jira:worklog"))
    deletable = ("jira:worklog",)
    swept = ("jira:issue", "jira:comment", "jira:sprint")
    believes_empty_pages = True
    written = "jira:issue"
    refused: ClassVar[Doc] = {"fields": {"summary": "without a project"}}
    words = "Project is required"

    def credential(self) -> tuple[str, dict[str, str]]:
        return "jira_key", {"site": "acme", "email": self.made_by.email, "token": self.token()}

    def within(self, kind: str) -> Doc:
        if kind in {"comment", "worklog"}:
            return {"issue": self.base("issue")}
        if kind in {"version", "component"}:
            return {"project": self.base("project")}
        return {"board": self.base("board")} if kind == "sprint" else {}

    def new(self, text: str) -> Doc:
        return {"fields": {"summary": text, "project": {"key": "ENG"}, "issuetype": {"name": "Task"}}}

    def changed(self, text: str) -> Doc:
        return {"fields": {"summary": text}}

    def path(self, collection_id: str) -> str:
        return "/rest/api/3/search/jql"

    def sent(self, asked: Asked) -> str | None:
        return asked.params.get("nextPageToken")

    def cursor(self, page: Any, given: str | None) -> None:
        page["nextPageToken"] = given

    def limited(self, retry_after: str | None = None) -> Fault:
        """https://developer.atlassian.com/cloud/jira/platform/rate-limiting/"""
        headers = {} if retry_after is None else {"Retry_After": retry_after}
        return answers(429, json.dumps({"errorMessages": ["Rate limit exceeded."], "errors": {}}), **headers)

    def forbidden(self) -> Fault:
        return answers(403, json.dumps({"errorMessages": ["You do not have permission to view this."], "errors": {}}))

    def bad_parameter(self) -> Fault:
        return answers(400, json.dumps({"errorMessages": ["The value for maxResults is invalid."], "errors": {}}))
