"""Work that pollers take one piece at a time, and that falls due: what a look for it finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from pgsluice.db.rows import Row
from pgsluice.db.statements import Database, run

T = TypeVar("T")


@dataclass(frozen=True)
class Look(Generic[T]):
    """Something to do, or in how many seconds there will be something (None: nothing is planned)."""

    claimed: T | None = None
    next_in: float | None = None


async def look(conn: Database, function: str, poller_id: str, busy_providers: Sequence[str], read: Callable[[Row], T | None]) -> Look[T]:
    """What `function`, a claim, finds: no row, one that says only `next_in`, or one that `read` understands. `busy_…`: none of these."""
    found = await run(conn, f"select * from sluice_internal.{function}(%s, %s)", poller_id, list(busy_providers) or None)
    if not found:
        return Look()
    row = found[0]
    next_in: timedelta | None = row.pop("next_in")
    return Look(read(row), None if next_in is None else next_in.total_seconds())
