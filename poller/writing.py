"""One request of writes: sent, read item by item, and each item ended together with the object that the vendor answered.

A write is never done twice: it is repeated only with the key of its first attempt, and only while the vendor recognises that key. What may
have been done and cannot be repeated ends as `unknown`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from pgsluice.db import leases, writes
from pgsluice.db.errors import DatabaseUnavailable, SluiceError, make
from pgsluice.db.writes import ClaimedItem
from pgsluice.poller.asking import SHORT_PAUSE, Account, Stopped, Vendor
from pgsluice.poller.failing import Failure, advised
from pgsluice.poller.page import Batch
from pgsluice.poller.session import unexpected
from pgsluice.poller.sharing import Desk, opened
from pgsluice.poller.storing import bounded
from pgsluice.poller.transport import Transport
from pgsluice.providers import registry
from pgsluice.providers.base import Change, Hint, Write, Written
from pgsluice.providers.errors import Forbidden, Malformed, Missing, ProviderError, RateLimited, Refused4xx, Unauthorized
from pgsluice.providers.limits import Backoff
from pgsluice.providers.protocol import Provider

BETWEEN: Final = Backoff(base=0.5, cap=120.0)
# 60 attempts with these pauses are about an hour, and so is the limit on the clock for what may have been done.
ATTEMPTS: Final = 60
PATIENCE: Final = timedelta(hours=1)
# A request that waited longer for its turn is asked the clock anew: what is read between two clocks counts as read at the same time.
STALE: Final = 0.5
# Our side cannot do it, however often it tries.
_LASTING: Final = frozenset({"SL104", "SL209"})
_STORE_TRIES: Final = 4

log: structlog.stdlib.BoundLogger = structlog.get_logger("pgsluice.poller")


class _OutOfWindow(Exception):
    """The vendor no longer recognises an item that it may have done already: nothing was sent."""


class _RefusedTogether(Exception):
    """The vendor did none of several items, and does not say which of them it would not do."""


@dataclass
class _Held:
    """An item under way. `before`: an earlier attempt may have reached the vendor; `maybe_done`: this or an earlier one may have."""

    item: ClaimedItem
    before: bool
    maybe_done: bool


class Attempt:
    """Items of one kind and collection of one sync, in one request."""

    def __init__(
        self,
        items: Sequence[ClaimedItem],
        desk: Desk,
        transport: Transport,
        stopping: asyncio.Event,
        *,
        ended: Counter[str],
        begun: float | None = None,
    ) -> None:
        """`ended`: how many items ended in which way is added to it."""
        self._open = [_Held(item, item.sent_before, item.sent_before) for item in items]
        self._first = items[0]
        self._desk = desk
        self._transport = transport
        self._stopping = stopping
        self._ended = ended
        self._begun = time.monotonic() if begun is None else begun  # when the items were claimed
        self._read_from: datetime = self._first.clock
        self._pauses: list[float] = []

    async def run(self) -> list[float]:
        """Seconds until the next attempts of the items that were put back. Raises DatabaseUnavailable, and what storing an end raises."""
        answered: list[tuple[_Held, Written | ProviderError]] = []
        try:
            answered = await self._asked()
        except _RefusedTogether:
            await self._in_halves()
        except Stopped:
            # Only ever while waiting: what was about to leave did not.
            for held in self._open:
                held.maybe_done = held.before
                await self._put_back(held, 0.0, None)
        except DatabaseUnavailable:
            raise
        except (ProviderError, SluiceError) as exc:
            await self._all_failed(exc)
        except Exception as exc:  # noqa: BLE001  a bug concerns one request, not the poller
            await self._all_failed(unexpected(exc))
        for held, answer in answered:
            await self._conclude(held, answer)
        return self._pauses

    async def _in_halves(self) -> None:
        """One unsound item makes some vendors refuse all that come with it: so the others get through, and it is refused by itself."""
        items = [held.item for held in self._open]
        for half in (items[: len(items) // 2], items[len(items) // 2 :]):
            self._pauses += await Attempt(half, self._desk, self._transport, self._stopping, ended=self._ended, begun=self._begun).run()

    async def _all_failed(self, exc: Failure) -> None:
        for held in self._open:
            await self._failed(held, exc)

    async def _asked(self) -> list[tuple[_Held, Written | ProviderError]]:
        item = self._first
        provider = registry.get(item.provider)
        secret = opened(f"sync {item.sync_id}", item.credential, self._desk.key)
        account = Account(self._desk, item.sync_id, item.credential, item.clock)
        vendor = Vendor(provider, secret, self._transport, self._stopping, SHORT_PAUSE, account=account, writes=True)
        while self._open:
            try:
                answers = await self._answers(vendor, provider)
            except _OutOfWindow:
                await self._end_unrecognised(provider)
                continue
            break
        else:
            return []
        return await self._with_objects(vendor, list(zip(self._open, answers, strict=True)))

    async def _answers(self, vendor: Vendor, provider: Provider) -> list[Written | ProviderError]:
        """What the vendor said of each. Raises what it said of all."""

        async def sending() -> None:
            if self._stopping.is_set():
                raise Stopped
            if any(held.before and not self._recognised(held, provider) for held in self._open):
                raise _OutOfWindow
            if time.monotonic() - self._begun > STALE:
                self._read_from = await leases.clock(self._desk.database)
            for held in self._open:
                held.maybe_done = True

        try:
            answers = await vendor.write([as_write(held.item) for held in self._open], sending)
        except ProviderError as exc:
            if len(self._open) > 1 and isinstance(exc, Refused4xx) and not exc.retryable:
                raise _RefusedTogether from exc
            return [self._judged(held, exc) for held in self._open]
        except SluiceError:
            for held in self._open:
                held.maybe_done = held.before
            raise
        return [self._judged(held, answer) for held, answer in zip(self._open, answers, strict=True)]

    def _judged(self, held: _Held, answer: Written | ProviderError) -> Written | ProviderError:
        """The answer, and in `held` what it means for a repetition."""
        if isinstance(answer, Written):
            return answer
        if isinstance(answer, Missing) and held.item.kind == "delete" and held.before and held.item.upstream_id is not None:
            # An earlier attempt deleted it.
            return Written(held.item.upstream_id, None)
        # Whoever lacks the right was refused before the key was looked at: an earlier attempt may still have gone through.
        was_done = held.before or (held.maybe_done and not (_is_refusal(answer) or not answer.sent))
        held.maybe_done = was_done and not (isinstance(answer, Refused4xx) and not answer.retryable)
        return answer

    async def _with_objects(
        self, vendor: Vendor, done: list[tuple[_Held, Written | ProviderError]]
    ) -> list[tuple[_Held, Written | ProviderError]]:
        """Fetches the objects that the answer lacked. What cannot be read now comes with the next poll."""
        collection_id = self._first.collection_id
        hints = [Hint(collection_id, answer.upstream_id) for _, answer in done if isinstance(answer, Written) and answer.change is None]
        if not hints:
            return done
        found: dict[str, Change] = {}
        with suppress(ProviderError, Stopped):
            for change in await vendor.objects(hints):
                if isinstance(change, Change) and change.collection_id == collection_id:
                    found[change.upstream_id] = change
        return [
            (held, Written(answer.upstream_id, answer.change or found.get(answer.upstream_id)) if isinstance(answer, Written) else answer)
            for held, answer in done
        ]

    # ------------------------------------------------------------ how old

    def _age(self, held: _Held) -> timedelta:
        """How long ago the first attempt was, at most."""
        return held.item.clock - held.item.first_sent_at + timedelta(seconds=time.monotonic() - self._begun)

    def _recognised(self, held: _Held, provider: Provider) -> bool:
        window = provider.key_window_of(self._first.kind, self._first.collection_id)
        return window is not None and self._age(held) < window

    def _out_of_window(self, provider: Provider) -> SluiceError:
        window = provider.key_window_of(self._first.kind, self._first.collection_id)
        if window is None:
            why = f"{provider.name} recognises no repetition"
        else:
            why = f"{provider.name} recognises a repetition for {window.total_seconds() / 3600:g} hours only"
        return make(
            f"the write may have been done, and may not be repeated: {why}",
            code="SL205",
            hint="look at the vendor whether it was done, and decide with mutation_resolve",
        )

    async def _end_unrecognised(self, provider: Provider) -> None:
        for held in [held for held in self._open if held.before and not self._recognised(held, provider)]:
            self._open.remove(held)
            await self._end(held, "unknown", error=self._out_of_window(provider).as_dict())

    # ------------------------------------------------------------ what became of it

    async def _conclude(self, held: _Held, answer: Written | ProviderError) -> None:
        try:
            if isinstance(answer, ProviderError):
                await self._failed(held, answer)
            else:
                await self._store(held, answer)
        except DatabaseUnavailable:
            raise
        except SluiceError as exc:
            await self._failed(held, exc)

    async def _store(self, held: _Held, written: Written) -> None:
        """Succeeded, with the object; without it where Postgres cannot store it: the next poll puts it into quarantine."""
        changes = [] if written.change is None else [written.change]
        try:
            await self._end(held, "succeeded", upstream_id=written.upstream_id, records=Batch(changes).records())
        except SluiceError as exc:
            if not changes or not (exc.code == "SL001" or exc.code[:2] in {"22", "54"}):
                raise
            await self._end(held, "succeeded", upstream_id=written.upstream_id)

    async def _failed(self, held: _Held, exc: Failure) -> None:
        item = held.item
        retryable = exc.retryable if isinstance(exc, ProviderError) else exc.code not in _LASTING
        tired = item.attempt >= ATTEMPTS or (held.maybe_done and self._age(held) > PATIENCE)
        if retryable and not tired:
            asked = exc.retry_after if isinstance(exc, RateLimited) else None
            chance = random.random()  # noqa: S311  jitter
            await self._put_back(held, BETWEEN.delay(item.attempt - 1, chance, asked), advised(exc, item.credential_id))
            return
        error = advised(exc, item.credential_id)
        if held.maybe_done:
            error["hint"] = "whether the vendor did it cannot be known: look there, and decide with mutation_resolve"
        await self._end(held, "unknown" if held.maybe_done else "failed", error=error)

    async def _end(
        self,
        held: _Held,
        status: str,
        *,
        upstream_id: str | None = None,
        records: bytes = b"[]",
        error: Mapping[str, Any] | None = None,
    ) -> None:
        for attempt in range(1, _STORE_TRIES + 1):
            try:
                done = await bounded(
                    writes.complete(
                        self._desk.database,
                        self._desk.poller_id,
                        held.item,
                        status=status,
                        upstream_id=upstream_id,
                        records=records,
                        read_from=self._read_from,
                        error=error,
                    )
                )
            except SluiceError as exc:
                if exc.code not in {"40001", "40P01"} or attempt == _STORE_TRIES:
                    raise
            else:
                _log(held.item, status if done else "lost", error)
                self._ended[status] += done
                return

    async def _put_back(self, held: _Held, seconds: float, error: Mapping[str, Any] | None) -> None:
        pause, poller_id = timedelta(seconds=seconds), self._desk.poller_id
        if await writes.retry(self._desk.database, poller_id, held.item, retry_in=pause, was_sent=held.maybe_done, error=error):
            _log(held.item, "put back", error)
            self._pauses.append(seconds)
        else:
            _log(held.item, "lost", error)


def as_write(item: ClaimedItem) -> Write:
    """An item as providers take it."""
    data = None if item.data is None else item.data.encode()
    return Write(item.kind, item.collection_id, item.upstream_id, data, item.vendor_key, item.match_on, item.if_match)


def _is_refusal(exc: ProviderError) -> bool:
    """Whether the vendor said that it did not do it."""
    if isinstance(exc, RateLimited):
        return True
    return isinstance(exc, Refused4xx | Unauthorized | Forbidden | Malformed) and not exc.retryable


def _log(item: ClaimedItem, outcome: str, error: Mapping[str, Any] | None) -> None:
    facts = {"sync": item.sync_id, "collection": item.collection_id, "kind": item.kind, "outcome": outcome, "attempt": item.attempt}
    if error is None:
        log.debug("write", **facts)
    else:
        log.warning("write", **facts, code=error["code"], error=error["message"])
