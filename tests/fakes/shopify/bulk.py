"""Bulk operations: a query that the shop carries out by itself, and the file with its result, on another host."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable
from typing import Any

import graphql

from fakes.serving import Answer, Asked, Serving
from fakes.shopify.engine import SCHEMA, Engine, prepared
from fakes.shopify.store import Doc

_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


class Files(Serving):
    """What the vendor keeps elsewhere. `headers`: those of each request."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, bytes] = {}
        self.headers: list[dict[str, str]] = []
        self.ranges = True

    def answer(self, asked: Asked) -> Answer:
        self.headers.append(dict(asked.headers))
        body = self.kept.get(asked.path)
        if body is None or asked.params.get("signature") != "good":
            return Answer(403, b"<Error><Code>ExpiredToken</Code></Error>", {"Content-Type": "application/xml"})
        given = _RANGE.fullmatch(asked.headers.get("range", ""))
        if given is None or not self.ranges:
            return Answer(200, body, {"Content-Type": "application/jsonl"})
        begin, end = int(given[1]), min(int(given[2]) + 1, len(body))
        if begin >= len(body):
            return Answer(416, b"", {"Content-Range": f"bytes */{len(body)}"})
        kind = {"Content-Type": "application/jsonl", "Content-Range": f"bytes {begin}-{end - 1}/{len(body)}"}
        return Answer(206, body[begin:end], kind)


class Bulk:
    """`looks`: how often an operation says that it runs. `ends`: as what it ends. `lasts`: seconds after which
    it does not run any more, though nobody looked. `grouped`: whether children follow their parents."""

    def __init__(self, engine: Engine, files: Files, create: Callable[..., Doc]) -> None:
        self.engine, self.files, self._create = engine, files, create
        self.operations: dict[str, Doc] = {}
        self.looks = 1
        self.ends = "COMPLETED"
        self.grouped = True
        self.busy = 0  # operations of somebody else's
        self.lasts = 3.0

    def fields(self) -> dict[str, Callable[..., Any]]:
        return {"bulkOperationRunQuery": self._start, "bulkOperation": self._look}

    def _start(self, _info: graphql.GraphQLResolveInfo, query: str, *, groupObjects: bool) -> Doc:  # noqa: N803 (the vendor's)
        begun = time.monotonic() - self.lasts
        running = sum(one["status"] in {"CREATED", "RUNNING"} and one["begun"] > begun for one in self.operations.values()) + self.busy
        if running >= 5:
            words = "A bulk query operation for this app and shop is already in progress"
            return {"bulkOperation": None, "userErrors": [{"field": None, "message": words, "code": "LIMIT_REACHED"}]}
        document, errors = prepared(query)
        said = [error.message for error in errors] or _against(document)
        if said or document is None:
            return {"bulkOperation": None, "userErrors": [{"field": ["query"], "message": said[0], "code": "INVALID"}]}
        self.engine.whole = True
        try:
            result = self.engine.run(document, {})
        finally:
            self.engine.whole = False
        assert not result.errors, result.errors
        number = len(self.operations) + 1
        id_ = f"gid://shopify/BulkOperation/{number}"
        lines = _lines(result.data or {}, grouped=groupObjects and self.grouped)
        path = f"/bulk/{number}.jsonl"
        self.files.kept[path] = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
        self.operations[id_] = {"__typename": "BulkOperation", "id": id_, "status": "CREATED", "left": self.looks, "path": path,
                                "objectCount": str(len(lines)), "errorCode": None, "begun": time.monotonic()}  # fmt: skip
        return {"bulkOperation": dict(self.operations[id_]), "userErrors": []}

    def _look(self, _info: graphql.GraphQLResolveInfo, id: str) -> Doc | None:  # noqa: A002 (the vendor's)
        operation = self.operations.get(id)
        if operation is None:
            return None
        operation["left"] -= 1
        operation["status"] = "RUNNING" if operation["left"] >= 0 else self.ends
        done = operation["status"] == "COMPLETED" and operation["objectCount"] != "0"
        url = f"{self.files.url}{operation['path']}?signature=good" if done else None
        return {**operation, "url": url, "fileSize": str(len(self.files.kept[operation["path"]])) if done else None}


def _against(document: graphql.DocumentNode | None) -> list[str]:
    """https://shopify.dev/docs/api/usage/bulk-operations/queries#operation-restrictions"""
    found: list[int] = []
    bad: list[str] = []

    def walk(selected: Any, parent: Any, depth: int, *, in_list: bool) -> None:
        for node in selected.selections if selected else ():
            if isinstance(node, graphql.InlineFragmentNode):
                walk(node.selection_set, SCHEMA.type_map[node.type_condition.name.value], depth, in_list=in_list)  # type: ignore[union-attr]
                continue
            field = getattr(parent, "fields", {}).get(node.name.value)
            if field is None:
                continue
            kind = graphql.get_named_type(field.type)
            is_connection = kind.name.endswith("Connection")
            if is_connection:
                found.append(depth)
                if in_list:
                    bad.append("Queries that contain a connection field within a list field are not currently supported.")
            a_list = isinstance(graphql.get_nullable_type(field.type), graphql.GraphQLList) and node.name.value != "edges"
            walk(node.selection_set, kind, depth + is_connection, in_list=in_list or a_list)

    operation: Any = document.definitions[0] if document else None
    walk(operation.selection_set, SCHEMA.query_type, 0, in_list=False)
    if len(found) > 5:
        bad.append("Bulk queries cannot contain more than 5 connections.")
    if max(found, default=0) > 2:
        bad.append("Bulk queries cannot contain connections with a nesting depth greater than 2.")
    return bad if found else ["Bulk queries must contain at least one connection."]


def _lines(data: Doc, *, grouped: bool) -> list[Doc]:
    (root,) = data.values()
    groups = [_group(edge["node"]) for edge in root["edges"]]
    if grouped:
        return [line for group in groups for line in group]
    children = [line for group in groups for line in group[1:]]
    random.Random(7).shuffle(children)
    return [*children[: len(children) // 2], *(group[0] for group in groups), *children[len(children) // 2 :]]


def _group(node: Doc) -> list[Doc]:
    children = [
        {**edge["node"], "__parentId": node["id"]}
        for value in node.values()
        if isinstance(value, dict) and "edges" in value
        for edge in value["edges"]
    ]
    return [{name: value for name, value in node.items() if not (isinstance(value, dict) and "edges" in value)}, *children]
