"""JiraFake: the server with everything that a test may do to it. The package's docstring lists it."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fakes.hooked import Hook
from fakes.serving import Answer, Asked
from fakes.shelves import Box, Doc, Refusal, Shelves, answer, sealed, unsealed

EMAIL = "dev@example.com"
API, AGILE, HOOKS = "/rest/api/3/", "/rest/agile/1.0/", "/rest/webhooks/1.0/webhook"
# Kind -> what a new one has besides its id.
KINDS: Mapping[str, Doc] = {
    "issue": {}, "comment": {"body": {}}, "worklog": {"timeSpentSeconds": 60, "comment": {}},
    "project": {"key": "", "name": "", "projectTypeKey": "software", "description": "", "lead": {"accountId": "u"}},
    "version": {"name": "", "archived": False, "released": False, "description": ""}, "component": {"name": "", "description": ""},
    "user": {"accountType": "atlassian", "displayName": "", "active": True}, "board": {"name": "", "type": "scrum"},
    "sprint": {"name": "", "state": "future", "goal": ""}, "issue_type": {"name": "", "description": "", "subtask": False},
    "status": {"name": "", "statusCategory": "DONE", "description": ""}, "priority": {"name": "", "description": "", "isDefault": False},
    "field": {"name": "", "custom": True},
}  # fmt: skip
_JQL = re.compile(r'(created|updated) >= "([0-9-]+(?: [0-9:]+)?)" ORDER BY (created|updated) (ASC|DESC), id (?:ASC|DESC)')


class JiraFake(Shelves):
    email = EMAIL
    token = "ATATTfake00000000000000000000000001"
    token_path = "/oauth/token"
    zone = 9  # hours before UTC, of whoever asks

    def __init__(self) -> None:
        super().__init__()
        self.above: dict[str, str] = {}  # id -> that of what it is in
        self.deleted_worklogs: list[tuple[int, int]] = []
        self.hooks: list[Hook] = []

    # -- objects

    def fresh(self, kind: str, number: int, fields: Doc) -> Doc:
        now = _moment(self.clock.now())
        head: Doc = {"id": number if kind in {"board", "sprint"} else str(number)}
        if kind == "user":
            head = {"accountId": f"5b10a{number}"}
        if kind == "field":
            head = {"id": f"customfield_{number}", "key": f"customfield_{number}"}
        if kind == "issue":
            return {"expand": "", **head, "self": f"https://acme.atlassian.net{API}issue/{number}", "key": f"ENG-{number}",
                    "fields": {"summary": "", "created": now, "updated": now, "labels": [], **fields}}  # fmt: skip
        above = next((str(fields.pop(name)) for name in ("issue", "project", "board") if name in fields), None)
        if above is not None:
            self.above[str(number)] = above
        if kind in {"comment", "worklog"}:
            head |= {"created": now, "updated": now, **({"issueId": above} if kind == "worklog" else {})}
            self._issue_touched(str(above))
        if kind == "sprint":
            head["originBoardId"] = int(above or 0)
        if kind == "project":
            fields = {"key": f"P{number}", **fields}
        return {**head, **KINDS[kind], **fields}

    def _issue_touched(self, id_: str) -> None:
        box = self.box("issue", id_)
        assert box is not None
        self.touch("issue", box, {})

    def touch(self, kind: str, box: Box, fields: Doc) -> None:
        if kind == "issue":
            fields = {"fields": {**box.doc["fields"], **fields.get("fields", fields)}}
        super().touch(kind, box, fields)
        if kind in {"comment", "worklog"}:
            self._issue_touched(self.above[box.doc["id"]])

    def stamped(self, kind: str, doc: Doc, now: float) -> Doc:
        if kind == "issue":
            return {**doc, "fields": {**doc["fields"], "updated": _moment(now)}}
        return {**doc, "updated": _moment(now)} if kind in {"comment", "worklog"} else doc

    def drop(self, kind: str, box: Box) -> None:
        super().drop(kind, box)
        if kind in {"comment", "worklog"}:
            self._issue_touched(self.above[box.doc["id"]])
        if kind == "worklog":
            # one a millisecond: the vendor pages by that time alone, a thousand at once, and so cannot show more of one moment
            last = max((at for _, at in self.deleted_worklogs), default=0)
            self.deleted_worklogs.append((int(box.doc["id"]), max(int(self.clock.now() * 1000), last + 1)))

    def identity(self, kind: str, doc: Doc) -> Any:
        if kind == "comment":
            return f"{self.above[doc['id']]}#{doc['id']}"
        return doc["accountId"] if kind == "user" else doc["id"]

    # -- requests

    def authorise(self, header: str) -> None:
        scheme, _, token = header.partition(" ")
        if scheme == "Basic":
            login, _, token = b64decode(token).decode().partition(":")
            token = token if login == EMAIL else ""
        if token not in self.tokens:
            raise Refusal(401, {"message": "Client must be authenticated to access this resource.", "status-code": 401})

    def routed(self, asked: Asked) -> Answer:
        given = json.loads(asked.body) if asked.body else {}
        path = asked.path
        if path.startswith(AGILE):
            return self._agile(asked, path.removeprefix(AGILE).split("/"), given)
        if path.startswith(HOOKS):
            return self._webhooks(asked, path.removeprefix(HOOKS), given)
        if not path.startswith(API):
            raise _refused(404, "null for uri")
        steps = path.removeprefix(API).split("/")
        found = self._of_issues(asked, steps, given) or self._of_projects(asked, steps, given) or self._of_site(asked, steps, given)
        if found is None:
            raise _refused(404, "null for uri")
        return found

    def _of_issues(self, asked: Asked, steps: list[str], given: Doc) -> Answer | None:
        match steps:
            case ["search", "jql"]:
                return self._search(given if asked.method == "POST" else asked.params)
            case ["issue"] if asked.method == "POST":
                return self._new_issue(given)
            case ["issue", id_]:
                return self._issue(asked, self._found("issue", id_), given)
            case ["issue", id_, ("comment" | "worklog") as kind]:
                return self._below(asked, kind, self._found("issue", id_).doc["id"], given)
            case ["issue", id_, ("comment" | "worklog") as kind, own]:
                box = self._found(kind, f"{id_}#{own}" if kind == "comment" else own)
                return self._one(asked, kind, box, given)
            case ["worklog", "list"]:
                wanted = {str(id_) for id_ in given["ids"]}
                return answer([box.doc for box in self.all("worklog") if box.doc["id"] in wanted])
            case ["worklog", "deleted"]:
                return self._deleted(int(asked.params["since"]))
        return None

    def _of_projects(self, asked: Asked, steps: list[str], given: Doc) -> Answer | None:
        match steps:
            case ["project", "search"]:
                only = asked.params.get("id")
                return self._values(asked, [box for box in self.all("project") if only in {None, box.doc["id"]}], 50)
            case ["project", id_, ("version" | "component") as kind]:
                self._found("project", id_)
                return self._values(asked, [box for box in self.all(kind) if self.above[box.doc["id"]] == id_], 50)
            case [("project" | "version" | "component") as kind] if asked.method == "POST":
                return self._made(kind, given)
            case [("project" | "version" | "component") as kind, id_]:
                return self._one(asked, kind, self._found(kind, id_), given)
        return None

    def _of_site(self, asked: Asked, steps: list[str], given: Doc) -> Answer | None:
        match steps:
            case ["users", "search"]:
                start = int(asked.params.get("startAt", 0))
                return answer([box.doc for box in self.all("user")[start : start + self.size(asked.params.get("maxResults"), 1000)]])
            case ["user"]:
                return answer(self._found("user", asked.params["accountId"]).doc)
            case ["myself"]:
                return answer({"accountId": "me", "emailAddress": EMAIL, "displayName": "Me"})
            case ["serverInfo"]:
                return answer(
                    {
                        "baseUrl": "https://acme.atlassian.net",
                        "version": "1001.0.0",
                        "versionNumbers": [1001, 0, 0],
                        "deploymentType": "Cloud",
                    }
                )
            case [("issuetype" | "field") as name] if asked.method == "POST":
                return self._made("issue_type" if name == "issuetype" else "field", given)
            case ["issuetype", id_]:
                return self._one(asked, "issue_type", self._found("issue_type", id_), given)
            case ["field", id_] if asked.method == "PUT":
                self.touch("field", self._found("field", id_), given)
                return answer(None, 204)
            case [("issuetype" | "field") as name]:
                return answer([box.doc for box in self.all("issue_type" if name == "issuetype" else "field")])
            case [("statuses" | "priority") as name, "search"]:
                return self._values(asked, self.all("status" if name == "statuses" else "priority"), 200)
        return None

    def _agile(self, asked: Asked, steps: list[str], given: Doc) -> Answer:
        match steps:
            case ["board"] if asked.method == "GET":
                return self._values(asked, self.all("board"), 50)
            case ["board", id_, "sprint"]:
                if self._found("board", id_).doc["type"] == "kanban":
                    raise _refused(400, "The board does not support sprints")
                return self._values(asked, [box for box in self.all("sprint") if str(box.doc["originBoardId"]) == id_], 50)
            case [("board" | "sprint") as kind] if asked.method == "POST":
                return self._made(kind, given)
            case [("board" | "sprint") as kind, id_]:
                return self._one(asked, kind, self._found(kind, id_), given)
        raise _refused(404, "null for uri")

    def _webhooks(self, asked: Asked, rest: str, given: Doc) -> Answer:
        """https://developer.atlassian.com/cloud/jira/platform/webhooks/: of administrators, and not by OAuth"""
        if not asked.headers["authorization"].startswith("Basic "):
            raise _refused(403, "OAuth 2.0 is not enabled for this method.")
        hook = next((hook for hook in self.hooks if rest == f"/{hook.id}"), None)
        match (asked.method, hook):
            case ("GET", None):
                return answer([_shown(hook) for hook in self.hooks])
            case ("POST", None):
                if not given.get("name") or not given.get("events"):
                    raise _refused(400, "name and events are needed")
                self.hooks.append(Hook(str(len(self.hooks) + 72), given["url"], given.get("secret", ""), "", given["events"]))
                return answer(_shown(self.hooks[-1]), 201)
            case ("DELETE", Hook()):
                self.hooks.remove(hook)
                return answer(None, 204)
        raise _refused(404, "null for uri")

    def _search(self, given: Any) -> Answer:
        jql = given.get("jql", "")
        if jql.startswith("id = "):
            id_ = jql.removeprefix("id = ")
            if self.box("issue", id_) is None:
                raise _refused(400, f"The value '{id_}' does not exist for the field 'id'.")
            return answer({"issues": [self._found("issue", id_).doc], "isLast": True})
        query = _JQL.fullmatch(jql)
        if query is None:
            raise _refused(400, "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
        field, since, by, direction = query.groups()
        boxes = [box for box in self.all("issue") if self._local(box.doc["fields"][field]) >= since]
        boxes.sort(key=lambda box: (box.doc["fields"][by], box.number), reverse=direction == "DESC")
        token = given.get("nextPageToken")
        if token is not None:
            place = unsealed(token)
            if place is None:
                raise _refused(400, "The provided next page token is invalid or expired.")
            behind = [place[0], place[1]]
            boxes = [
                box
                for box in boxes
                if ([box.doc["fields"][by], box.number] < behind if direction == "DESC" else [box.doc["fields"][by], box.number] > behind)
            ]
        size = self.size(given.get("maxResults"), 100)
        more = {"nextPageToken": sealed(boxes[size - 1].doc["fields"][by], boxes[size - 1].number)} if len(boxes) > size else {}
        return answer({"issues": [box.doc for box in boxes[:size]], "isLast": not more, **more})

    def _local(self, text: str) -> str:
        """A time as JQL compares it: minutes of the asker's zone."""
        seconds = datetime.fromisoformat(text).timestamp() + self.zone * 3600
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")

    def _new_issue(self, given: Doc) -> Answer:
        fields = given.get("fields", {})
        lacking = {name: f"{name.title()} is required." for name in ("summary", "project", "issuetype") if not fields.get(name)}
        if lacking:
            raise Refusal(400, {"errorMessages": [], "errors": lacking})
        made = self.create("issue", **fields)
        return answer({"id": made["id"], "key": made["key"], "self": made["self"]}, 201)

    def _issue(self, asked: Asked, box: Box, given: Doc) -> Answer:
        if asked.method == "GET":
            return answer({**box.doc, "expand": "renderedFields,names,schema,operations"})
        if asked.method == "PUT":
            self.touch("issue", box, given)
        elif asked.method == "DELETE":
            self.drop("issue", box)
        return answer(None, 204)

    def _below(self, asked: Asked, kind: str, id_: str, given: Doc) -> Answer:
        if asked.method == "POST":
            return answer(self.create(kind, issue=id_, **given), 201)
        boxes = [box for box in self.all(kind) if self.above[box.doc["id"]] == id_]
        start, size = int(asked.params.get("startAt", 0)), self.size(asked.params.get("maxResults"), 5000)
        return answer(
            {f"{kind}s": [box.doc for box in boxes[start : start + size]], "startAt": start, "maxResults": size, "total": len(boxes)}
        )

    def _deleted(self, since: int) -> Answer:
        found = sorted((at, id_) for id_, at in self.deleted_worklogs if at >= since)
        size = self.size(None, 1000)
        shown = found[:size]
        values = [{"worklogId": id_, "updatedTime": at, "properties": []} for at, id_ in shown]
        return answer({"values": values, "since": since, "until": shown[-1][0] if shown else since, "lastPage": len(found) <= size})

    def _values(self, asked: Asked, boxes: list[Box], largest: int) -> Answer:
        start, size = int(asked.params.get("startAt", 0)), self.size(asked.params.get("maxResults"), largest)
        page = boxes[start : start + size]
        return answer(
            {
                "maxResults": size,
                "startAt": start,
                "total": len(boxes),
                "isLast": start + len(page) >= len(boxes),
                "values": [box.doc for box in page],
            }
        )

    def _made(self, kind: str, given: Doc) -> Answer:
        if not given.get("name"):
            raise Refusal(400, {"errorMessages": [], "errors": {"name": "The name must be given."}})
        above = {"version": "projectId", "component": "project", "sprint": "originBoardId"}.get(kind)
        fields = {name: value for name, value in given.items() if name in KINDS[kind]}
        if above is not None:
            fields["board" if kind == "sprint" else "project"] = given[above]
        made = self.create(kind, **fields)
        return answer({"id": int(made["id"]), "key": made["key"]} if kind == "project" else made, 201)

    def _one(self, asked: Asked, kind: str, box: Box, given: Doc) -> Answer:
        if asked.method == "DELETE":
            self.drop(kind, box)
            return answer(None, 204)
        if asked.method in {"PUT", "POST"}:
            self.touch(kind, box, {name: value for name, value in given.items() if name in KINDS[kind]})
        return answer(box.doc)

    def _found(self, kind: str, id_: str) -> Box:
        box = self.box(kind, id_)
        if box is None:
            raise _refused(404, f"{kind.title()} does not exist or you do not have permission to see it.")
        return box


def _shown(hook: Hook) -> Doc:
    address = f"https://acme.atlassian.net{HOOKS}/{hook.id}"
    return {"name": "a webhook", "url": hook.url, "excludeBody": False, "events": hook.topics, "enabled": hook.active, "self": address}


def _refused(status: int, message: str) -> Refusal:
    return Refusal(status, {"errorMessages": [message], "errors": {}})


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:23] + "+0000"
