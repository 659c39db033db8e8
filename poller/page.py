"""From a provider's page to what the database takes: records and quarantine as JSON, the vendor's bytes untouched."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pgsluice.providers import rawjson
from pgsluice.providers.base import Change, Refused

# Answers why Postgres cannot store this JSON text, None if it can.
Refusal = Callable[[str], Awaitable[str | None]]

# Bytes of records in one commit. Postgres refuses a jsonb array of 256 MB, and a statement is in memory several times, on both sides.
MAX_COMMIT: Final = 8 * 1024 * 1024


@dataclass
class Batch:
    """What one commit writes."""

    changes: list[Change] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def add(self, answers: Sequence[Change | Refused]) -> None:
        for answer in answers:
            if isinstance(answer, Change):
                self.changes.append(answer)
            else:
                self.refused.append(answer)

    def stated(self) -> list[bytes]:
        """Each record for the database. `data` is the vendor's own text: nothing is parsed and printed again."""
        return [rawjson.stated(change) for change in self.changes]

    def records(self) -> bytes:
        """All of them as a JSON array."""
        return b"[" + b",".join(self.stated()) + b"]"

    @property
    def size(self) -> int:
        """Bytes of the vendor's."""
        return sum(len(change.raw or b"") for change in self.changes)

    def quarantine(self) -> list[dict[str, Any]]:
        return [
            {
                "collection_id": item.collection_id,
                # An id that is no text for Postgres would make the quarantine refuse what it is there to keep.
                "upstream_id": None if item.upstream_id is None or "\0" in item.upstream_id else item.upstream_id,
                "raw": base64.b64encode(item.raw).decode(),
                "reason": item.reason.replace("\0", " "),
            }
            for item in self.refused
        ]

    def parts(self, limit: int = MAX_COMMIT) -> Iterator[Batch]:
        """The batch in pieces of about `limit` bytes, one at least; only the last one carries the quarantine."""
        part, size = Batch(), 0
        for change in self.changes:
            length = len(change.raw or b"")
            if part.changes and size + length > limit:
                yield part
                part, size = Batch(), 0
            part.changes.append(change)
            size += length
        part.refused = self.refused
        yield part

    def halves(self) -> tuple[Batch, Batch]:
        middle = len(self.changes) // 2
        return Batch(self.changes[:middle]), Batch(self.changes[middle:], self.refused)

    async def sift(self, refusal: Refusal) -> bool:
        """Moves what Postgres cannot store from the changes into quarantine; whether there was any."""
        kept: list[Change] = []
        for change in self.changes:
            reason = await refusal(change.raw.decode()) if change.raw is not None else None
            if reason is None:
                kept.append(change)
            else:
                self.refused.append(_refused(change, reason))
        sifted = len(kept) < len(self.changes)
        self.changes = kept
        return sifted

    def refuse_all(self, reason: str) -> None:
        """Moves every change into quarantine."""
        self.refused.extend(_refused(change, reason) for change in self.changes)
        self.changes = []


def _refused(change: Change, reason: str) -> Refused:
    return Refused(change.collection_id, change.upstream_id, change.raw or b"", reason)
