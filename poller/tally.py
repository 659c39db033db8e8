"""What a turn did, for progress, summaries and logs."""

from __future__ import annotations

from dataclasses import dataclass

from pgsluice.db.leases import PageResult


@dataclass
class Tally:
    """What a turn did so far. `refused`: older than what is stored. `seconds` since the turn began."""

    sync_id: str
    feed: str = ""
    pages: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    quarantined: int = 0
    seconds: float = 0.0
    outcome: str = "running"  # then: caught_up, partial (some collections fail), rate_limited, error, stopped, lost
    error: dict[str, str | None] | None = None
    notice: str | None = None

    def add(self, result: PageResult, quarantined: int) -> None:
        self.new += result.new
        self.changed += result.changed
        self.unchanged += result.unchanged
        self.refused += result.refused
        self.quarantined += quarantined
