"""Answers that are not errors."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response


def raw(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON text as the database made it."""
    return Response(body, status, dict(headers or {}), "application/json")


def nothing() -> Response:
    return Response(status_code=204)
