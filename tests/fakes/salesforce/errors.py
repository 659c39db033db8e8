"""Answers that say no: an array of {message, errorCode}."""

from __future__ import annotations

import json
from typing import Any

from fakes.serving import Answer


class Fault(Exception):
    def __init__(self, status: int, code: str, message: str, *fields: str) -> None:
        super().__init__(message)
        error: dict[str, Any] = {"message": message, "errorCode": code}
        if fields:
            error["fields"] = list(fields)
        self.answer = json_answer(status, [error])


def json_answer(status: int, found: Any, **headers: str) -> Answer:
    return Answer(status, json.dumps(found).encode(), {name.replace("_", "-"): value for name, value in headers.items()})
