"""LinearFake: the server with everything that a test may do to it. The package's docstring lists it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fakes.hooked import Hook
from fakes.linear.graphql import BadQuery, Query, Selected
from fakes.serving import Answer, Asked
from fakes.shelves import Box, Doc, Refusal, Shelves, answer, bearer, moment, sealed, unsealed

# Type -> the name of its connection, what a new one needs, its fields besides id and times; (x) is a reference.
KINDS: Mapping[str, tuple[str, tuple[str, ...], str]] = {
    "Issue": ("issues", ("teamId",), "identifier number title description priority priorityLabel estimate sortOrder dueDate url branchName startedAt completedAt canceledAt trashed (team) (state) (assignee) (creator) (project) (projectMilestone) (cycle) (parent) labelIds"),
    "Project": ("projects", ("name", "teamIds"), "name description slugId url color icon priority progress scope startDate targetDate startedAt completedAt canceledAt trashed (status) (lead) (creator)"),
    "Team": ("teams", ("name",), "key name description color icon private timezone cyclesEnabled"),
    "User": ("users", (), "name displayName email active admin guest avatarUrl timezone url"),
    "Comment": ("comments", ("body",), "body url editedAt resolvedAt (issue) (user) (parent)"),
    "IssueLabel": ("issueLabels", ("name",), "name description color isGroup (team) (parent)"),
    "Cycle": ("cycles", ("teamId", "startsAt", "endsAt"), "number name description startsAt endsAt completedAt progress (team)"),
    "WorkflowState": ("workflowStates", ("teamId", "name", "type", "color"), "name type description color position (team)"),
    "ProjectMilestone": ("projectMilestones", ("name", "projectId"), "name description targetDate sortOrder (project)"),
    "Attachment": ("attachments", ("title", "url", "issueId"), "title subtitle url sourceType metadata (issue)"),
    "Document": ("documents", ("title",), "title content slugId color icon trashed (project) (creator)"),
    "Webhook": ("webhooks", ("url", "resourceTypes"), "label url enabled secret resourceTypes allPublicTeams (team)"),
    "Initiative": ("initiatives", ("name",), "name description status targetDate trashed (owner)"),
}  # fmt: skip
BY_CONNECTION = {many: kind for kind, (many, _, _) in KINDS.items()}
BY_NAME = {kind[0].lower() + kind[1:]: kind for kind in KINDS}


class LinearFake(Shelves):
    token = "lin_api_fake00000000000000000000000001"
    token_path = "/oauth/token"
    lasts = 86_399

    # -- objects

    def fresh(self, kind: str, number: int, fields: Doc) -> Doc:
        doc: Doc = {"id": f"{number:08}-0000-4000-8000-000000000000"}
        for name in KINDS[kind][2].split():
            doc[name.strip("()")] = None
        doc |= {"createdAt": moment(self.clock.now()), "updatedAt": "", "archivedAt": None}
        if kind == "Issue":
            doc |= {"number": number, "identifier": f"ENG-{number}", "labelIds": [], "priority": 0}
        if kind == "Webhook":
            doc |= {"enabled": True}
        return {**doc, **self._written(doc, fields)}

    @property
    def hooks(self) -> list[Hook]:
        """https://linear.app/developers/webhooks: of workspace admins"""
        docs = [box.doc for box in self.all("Webhook")]
        return [Hook(doc["id"], doc["url"], doc["secret"], "", doc["resourceTypes"], doc["enabled"]) for doc in docs]

    def stamped(self, kind: str, doc: Doc, now: float) -> Doc:
        return {**doc, "updatedAt": moment(now)}

    def drop(self, kind: str, box: Box) -> None:
        if "trashed" not in box.doc:
            super().drop(kind, box)
            return
        self.touch(kind, box, {"trashed": True, "archivedAt": moment(self.clock.now())})
        box.gone = True

    @staticmethod
    def _written(doc: Doc, fields: Doc) -> Doc:
        found: Doc = {}
        for name, value in fields.items():
            reference = name.removesuffix("Id")
            if name in doc:
                found[name] = value
            elif name.endswith("Id") and reference in doc:
                found[reference] = None if value is None else {"id": value}
        return found

    # -- requests

    def authorise(self, header: str) -> None:
        token = bearer(header)
        if token not in self.tokens or header.startswith("Bearer ") == token.startswith("lin_api_"):
            raise _refused(401, "Authentication required, not authenticated", "AUTHENTICATION_ERROR")

    def routed(self, asked: Asked) -> Answer:
        if asked.path != "/graphql" or asked.method != "POST":
            return answer({"error": "Not found"}, 404)
        try:
            given = json.loads(asked.body)
            query = Query(given["query"], given.get("variables") or {})
        except (ValueError, KeyError, BadQuery) as exc:
            raise _refused(400, str(exc), "GRAPHQL_PARSE_FAILED") from None
        for name, kind in query.types.items():
            if kind.endswith("!") and (given.get("variables") or {}).get(name) is None:
                raise _refused(400, f'Variable "${name}" of required type "{kind}" was not provided.', "BAD_USER_INPUT")
        try:
            return answer({"data": {one.name: self._field(query, one) for one in query.fields}}, **_left())
        except BadQuery as exc:
            raise _refused(400, str(exc), "GRAPHQL_VALIDATION_FAILED") from None

    def _field(self, query: Query, one: Selected) -> Any:
        if query.kind == "mutation":
            return query.shown(self._mutated(one), one.below)
        if one.name == "organization":
            return query.shown({"id": "org-1", "name": "Acme", "urlKey": "acme"}, one.below)
        if one.name == "viewer":
            return query.shown({"id": "me", "name": "Me", "email": "me@example.com"}, one.below)
        if one.name in BY_CONNECTION:
            return query.shown(self._connection(BY_CONNECTION[one.name], one.arguments), one.below)
        if one.name in BY_NAME:
            return query.shown(self._found(BY_NAME[one.name], one.arguments.get("id")).doc, one.below)
        raise BadQuery(f'Cannot query field "{one.name}" on type "Query".')

    def _connection(self, kind: str, given: Doc) -> Doc:
        """https://linear.app/developers/pagination"""
        first = given.get("first") or 50
        if first > 250:
            raise _refused(400, "first must not be greater than 250", "INVALID_INPUT")
        by = given.get("orderBy") or "createdAt"
        boxes = [box for box in self.all(kind) if given.get("includeArchived") or box.doc["archivedAt"] is None]
        boxes = [box for box in boxes if _passes(box.doc, given.get("filter") or {})]
        boxes.sort(key=lambda box: (str(box.doc[by]), box.number), reverse=True)
        if given.get("after") is not None:
            place = unsealed(given["after"])
            if place is None:
                raise _refused(400, "Invalid cursor", "INVALID_INPUT")
            boxes = [box for box in boxes if [str(box.doc[by]), box.number] < place]
        size = min(first, self.page_cap)
        shown = boxes[:size]
        end = sealed(str(shown[-1].doc[by]), shown[-1].number) if shown else None
        return {
            "nodes": [box.doc for box in shown],
            "pageInfo": {"hasNextPage": len(boxes) > size, "hasPreviousPage": False, "endCursor": end, "startCursor": None},
        }

    def _found(self, kind: str, id_: Any) -> Box:
        # Deleted ones are still there, by their id, for thirty days.
        box = next((box for box in self.all(kind) if box.doc["id"] == id_), None)
        if box is None:
            raise Refusal(
                200, {"errors": [_error(f"Entity not found: {kind}", "INPUT_ERROR", "Could not find referenced entity.")], "data": None}
            )
        return box

    def _mutated(self, one: Selected) -> Doc:
        action = next((word for word in ("Create", "Update", "Delete") if one.name.endswith(word)), "")
        name = one.name.removesuffix(action)
        if not action or name not in BY_NAME:
            raise BadQuery(f'Cannot query field "{one.name}" on type "Mutation".')
        kind, given = BY_NAME[name], one.arguments
        if action == "Create":
            for needed in KINDS[kind][1]:
                if given["input"].get(needed) is None:
                    words = f'Variable "$input" got invalid value; Field "{needed}" of required type "String!" was not provided.'
                    raise _refused(400, words, "BAD_USER_INPUT")
            return {"success": True, "lastSyncId": 1, name: self.create(kind, **given["input"])}
        box = self._found(kind, given["id"])
        if action == "Delete":
            self.drop(kind, box)
            return {"success": True, "lastSyncId": 1, "entityId": box.doc["id"]}
        self.touch(kind, box, self._written(box.doc, given["input"]))
        return {"success": True, "lastSyncId": 1, name: box.doc}


def _passes(doc: Doc, conditions: Doc) -> bool:
    """https://linear.app/developers/filtering: comparators on times"""
    for name, wanted in conditions.items():
        value = datetime.fromisoformat(doc[name])
        for word, text in wanted.items():
            limit = datetime.fromisoformat(text)
            if not {"gte": value >= limit, "gt": value > limit, "lte": value <= limit, "lt": value < limit}[word]:
                return False
    return True


def _error(message: str, code: str, said: str | None = None) -> Doc:
    return {
        "message": message,
        "extensions": {"type": "invalid input", "code": code, "userError": True, "userPresentableMessage": said or message},
    }


def _refused(status: int, message: str, code: str) -> Refusal:
    return Refusal(status, {"errors": [_error(message, code)]})


def _left() -> dict[str, str]:
    return {"X_RateLimit_Requests_Limit": "5000", "X_RateLimit_Requests_Remaining": "4990", "X_Complexity": "12",
            "X_RateLimit_Complexity_Limit": "3000000", "X_RateLimit_Complexity_Remaining": "2999000"}  # fmt: skip
