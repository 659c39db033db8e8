"""What becomes of an error: the words that people get, and how long until the next try."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any, Final

from pgsluice.db import rows
from pgsluice.db.errors import SluiceError
from pgsluice.providers import limits
from pgsluice.providers.errors import Malformed, ProviderError, Unauthorized

Failure = ProviderError | SluiceError

# Ours, or the database's for a moment: a bug and a full disk are likelier to pass than a missing key.
_LASTING: Final = frozenset({"SL002", "SL104", "SL105", "SL106", "SL209", "SL301", "SL302"})


def delay(exc: Failure, attempt: int) -> float:
    """Seconds until the next try, after the `attempt`-th failure in a row (from 0)."""
    chance = random.random()  # noqa: S311  jitter
    if isinstance(exc, ProviderError):
        return limits.next_delay(exc, attempt, chance)
    return (limits.LASTING if exc.code in _LASTING else limits.TRANSIENT).delay(attempt, chance)


def advised(exc: Failure, credential_id: str | None) -> dict[str, Any]:
    """The error as people get it: the vendor's own as JSON, and where a new secret is wanted, the command that stores it."""
    error: dict[str, Any] = dict(exc.as_dict())
    if isinstance(exc, Unauthorized | Malformed) and credential_id is not None:
        error["hint"] = _with_command(error["hint"], f"pgsluice credential update {credential_id}")
    if isinstance(error["details"], str) and error["details"].startswith("{"):
        with suppress(ValueError):
            error["details"] = rows.decode(error["details"])
    return error


def _with_command(hint: str | None, command: str) -> str:
    if not hint:
        return command
    return hint if command in hint else f"{hint}: {command}"
