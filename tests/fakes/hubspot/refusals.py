"""HubSpot's errors. https://developers.hubspot.com/docs/api-reference/error-handling"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from fakes.hubspot.kinds import Doc
from fakes.serving import Answer

CORRELATION = str(UUID(int=0x4711))
PAGE = '<html>\n<head>\n<meta http-equiv="Content-Type" content="text/html;charset=ISO-8859-1"/>\n<title>Error 404 Not Found</title>\n</head>\n'


class Refusal(Exception):
    """An error answer, of a request or of one input of a batch."""

    def __init__(self, status: int, category: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body: Doc = {"status": "error", "message": message, "correlationId": CORRELATION, "category": category, **more}

    def answer(self) -> Answer:
        return Answer(self.status, json.dumps(self.body).encode())

    def item(self, **context: list[str]) -> Doc:
        """As it stands among the errors of a batch."""
        return {
            "status": "error",
            "category": self.body["category"],
            "message": self.body["message"],
            "context": {**self.body.get("context", {}), **context},
        }


def missing(what: str = "resource") -> Refusal:
    return Refusal(
        404, "OBJECT_NOT_FOUND", f"Object not found.  objectId are usually numeric. ({what})", subCategory="crm.object.NOT_FOUND"
    )


def invalid(message: str, code: str = "INVALID", name: str = "") -> Refusal:
    more = {"errors": [{"message": message, "code": code, "context": {"propertyName": [name]}}]} if name else {}
    return Refusal(400, "VALIDATION_ERROR", message, **more)


def not_json() -> Refusal:
    return Refusal(400, "VALIDATION_ERROR", "Invalid input JSON on line 1, column 1: Unrecognized token")


def expired() -> Refusal:
    return Refusal(401, "EXPIRED_AUTHENTICATION", "The OAuth token used to make this call expired 12 minute(s) ago.")


def unauthenticated() -> Refusal:
    return Refusal(
        401,
        "INVALID_AUTHENTICATION",
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at "
        "https://developers.hubspot.com/docs/methods/auth/oauth-overview",
    )


def scopes(*names: str) -> Refusal:
    return Refusal(
        403,
        "MISSING_SCOPES",
        "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.",
        errors=[{"message": "One or more of the following scopes are required.", "context": {"requiredGranularScopes": list(names)}}],
        links={"scopes": "https://developers.hubspot.com/scopes"},
    )


def limited(policy: str) -> Doc:
    return {
        "status": "error",
        "message": f"You have reached your {policy.lower()} limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": CORRELATION,
        "policyName": policy,
    }


def no_such_address() -> Answer:
    return Answer(404, PAGE.encode(), {"Content-Type": "text/html;charset=iso-8859-1"})
