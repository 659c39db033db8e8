"""What travels: a request as it arrived, a reply as it will be sent, and a line of the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Request:
    method: str
    path: str
    query: str
    body: bytes
    headers: Mapping[str, str]  # names in lower case
    id: str = ""
    params: dict[str, Any] = field(default_factory=dict)


@dataclass
class Reply:
    """`sent`: only so many bytes of the body go out, then the connection ends. `reset`: nothing goes out, the connection is reset."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    sent: int | None = None
    reset: bool = False


@dataclass
class Logged:
    """One request: for assertions. `params`: nested, as sent (strings). `headers`: lower case, keys masked. `status` 0: reset."""

    number: int
    method: str
    path: str
    params: dict[str, Any]
    headers: dict[str, str]
    request_id: str = ""
    status: int | None = None
    fault: str | None = None
