"""Secrets as answers show them, and what it means when one comes back like that: it is to stay as it is."""

from __future__ import annotations

from typing import Any, Final

MASK: Final = "********"


def is_masked(value: Any) -> bool:
    return bool(value == MASK)
