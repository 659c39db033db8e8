"""Replies of vendors: recorded ones (the JSON files beside this), and others made up on the spot."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from pgsluice.providers.base import Response

# 2024-07-03T09:51:40Z, a little after the recorded events.
NOW = 1_720_000_300
# What our own clock says; nowhere near the vendor's, so that a test fails where the wrong one is read.
OURS = datetime(2031, 1, 1, tzinfo=UTC)


def recorded(vendor: str, name: str) -> bytes:
    return (Path(__file__).parent / vendor / f"{name}.json").read_bytes()


def reply_of(body: Any, status: int = 200, at: float | None = NOW, **headers: str) -> Response:
    """A reply with this body (bytes, or a value to be written as JSON), sent at the vendor's time `at`."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    date = {} if at is None else {"date": format_datetime(datetime.fromtimestamp(at, UTC), usegmt=True)}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, {"content-type": "application/json", **date, **named}, raw, "https://api.stripe.com/v1/customers", OURS)


def customers(*ids: str, more: bool) -> dict[str, Any]:
    """A page of Stripe's list of customers."""
    return {"object": "list", "data": [{"id": i, "object": "customer"} for i in ids], "has_more": more, "url": "/v1/customers"}


def gone(cursor_id: str) -> dict[str, Any]:
    """What Stripe answers where the object to go on behind was deleted."""
    return {"error": {"code": "resource_missing", "message": f"No such customer: '{cursor_id}'", "param": "starting_after"}}
