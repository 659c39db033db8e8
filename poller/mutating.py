"""Writes on their way to vendors: claimed, sent, and ended together with the object that the vendor answered.

A write is never done twice: it is repeated only with the key of its first attempt, and only while the vendor recognises that key. What may
have been done and cannot be repeated ends as `unknown`.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from pgsluice.db import leases, rows, secrets, writes
from pgsluice.db.errors import DatabaseUnavailable, SluiceError, make
from pgsluice.db.writes import ClaimedItem
from pgsluice.poller.asking import Stopped, wait
from pgsluice.poller.page import Batch
from pgsluice.poller.pull import opened
from pgsluice.poller.session import Connection, Session, unexpected
from pgsluice.poller.storing import bounded
from pgsluice.poller.transport import Transport
from pgsluice.providers import registry
from pgsluice.providers.base import Change, Credential, Hint, Provider, Write, Written
from pgsluice.providers.errors import Forbidden, Malformed, Missing, ProviderError, RateLimited, Refused4xx, Unauthorized
from pgsluice.providers.limits import Backoff

AT_ONCE: Final = 8
# Items of a poller that died, and of syncs that were resumed, are found this often; nothing announces them.
LONGEST_SLEEP: Final = 2.0
BETWEEN: Final = Backoff(base=0.5, cap=120.0)
# 60 attempts with these pauses are about an hour, and so is the limit on the clock for what may have been done.
ATTEMPTS: Final = 60
PATIENCE: Final = timedelta(hours=1)
# `poll --once` waits for its own next attempts if they are no further away, in seconds.
SOON: Final = 10.0
# Our side cannot do it, however often it tries.
_LASTING: Final = frozenset({"SL104", "SL209"})
_STORE_TRIES: Final = 4

log: structlog.stdlib.BoundLogger = structlog.get_logger("pgsluice.poller")
Failure = ProviderError | SluiceError


class Writer:
    """The writes of one session of a poller. `tasks`: those under way."""

    def __init__(self, session: Session, transport: Transport, key: secrets.MasterKey | None, stopping: asyncio.Event) -> None:
        self.tasks: set[asyncio.Task[None]] = set()
        self._session = session
        self._transport = transport
        self._key = key
        self._stopping = stopping
        self._later: list[float] = []  # when what was put back is due, by the monotonic clock

    async def serve(self) -> None:
        """Sends what there is to send, for ever. Raises DatabaseUnavailable."""
        async with self._session.connection() as conn:
            while True:
                full = await self._begin(conn)
                await self._until_news(None if full else LONGEST_SLEEP)

    async def drain(self) -> None:
        """Sends what there is to send now, and what it puts back for a moment. Raises DatabaseUnavailable."""
        async with self._session.connection() as conn:
            while True:
                await self._begin(conn)
                if not self.tasks and not any(due < time.monotonic() + SOON for due in self._later):
                    return
                await self._until_news(LONGEST_SLEEP)

    async def _begin(self, conn: Connection) -> bool:
        """Starts as many as are free; whether all are busy now."""
        now = time.monotonic()
        self._session.wanted.clear()
        self._later = [due for due in self._later if due > now]
        free = AT_ONCE - len(self.tasks)
        for item in await writes.claim(conn, self._session.poller_id, free) if free else ():
            self.tasks.add(asyncio.ensure_future(self._item(item)))
        return len(self.tasks) == AT_ONCE

    async def _until_news(self, seconds: float | None) -> None:
        """Until one ends, something new is to be sent or is due, or `seconds` have passed. None: all are busy. Raises what one raised."""
        woken = asyncio.ensure_future(self._session.wanted.wait())
        listening = set() if seconds is None else {woken}
        if seconds is not None and self._later:
            seconds = min(seconds, max(min(self._later) - time.monotonic(), 0.01))
        try:
            done, _ = await asyncio.wait({*self.tasks, *listening}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
        for task in done & self.tasks:
            self.tasks.discard(task)
            task.result()

    async def _item(self, item: ClaimedItem) -> None:
        async with self._session.connection() as conn:
            attempt = Attempt(item, conn, self._session.poller_id, self._transport, self._key, self._stopping)
            try:
                pause = await attempt.run()
            except DatabaseUnavailable:
                raise
            except SluiceError as exc:
                # What became of it is not stored. A new session, under a new id, takes the item over.
                raise make(exc.message, code="SL401", details=exc.details, hint=exc.hint) from exc
        if pause is not None:
            self._later.append(time.monotonic() + pause)


class Attempt:
    """One item, sent once."""

    def __init__(  # noqa: PLR0917  what one attempt needs, each once
        self,
        item: ClaimedItem,
        conn: Connection,
        poller_id: str,
        transport: Transport,
        key: secrets.MasterKey | None,
        stopping: asyncio.Event,
    ) -> None:
        self._item = item
        self._conn = conn
        self._poller_id = poller_id
        self._transport = transport
        self._key = key
        self._stopping = stopping
        self._begun = time.monotonic()
        self._maybe_done = item.sent_before  # the vendor may have acted on this or an earlier attempt
        self._read_from: datetime = item.clock

    async def run(self) -> float | None:
        """Seconds until the next attempt, None if the item has ended or another poller has it. Raises only DatabaseUnavailable."""
        try:
            return await self._send_and_store()
        except Stopped:
            return await self._put_back(0.0, None)
        except DatabaseUnavailable:
            raise
        except (ProviderError, SluiceError) as exc:
            return await self._failed(exc)
        except Exception as exc:  # noqa: BLE001  a bug concerns one item, not the poller
            return await self._failed(unexpected(exc))

    async def _send_and_store(self) -> float | None:
        item = self._item
        provider = registry.get(item.provider)
        secret = opened(item.sync_id, item.credential_id, item.sealed, item.key_version, item.credential_kind, item.base_url, self._key)
        await self._pace()
        if self._maybe_done and not self._recognised(provider):
            await self._end("unknown", error=_out_of_window(provider).as_dict())
            return None
        written = await self._written(provider, secret)
        if written.change is None:
            written = await self._fetched(provider, secret, written)
        await self._store(written)
        return None

    async def _pace(self) -> None:
        """Waits as the sync's rate limit says."""
        seconds = await leases.rate_take(self._conn, self._item.sync_id)
        if seconds or self._stopping.is_set():
            await wait(seconds or 0.0, self._stopping)
            self._read_from = await leases.clock(self._conn)

    def _age(self) -> timedelta:
        """How long ago the first attempt was, at most."""
        return self._item.clock - self._item.first_sent_at + timedelta(seconds=time.monotonic() - self._begun)

    def _recognised(self, provider: Provider) -> bool:
        return provider.key_window is not None and self._age() < provider.key_window

    async def _written(self, provider: Provider, secret: Credential) -> Written:
        item = self._item
        data = None if item.data is None else item.data.encode()
        write = Write(item.kind, item.collection_id, item.upstream_id, data, item.vendor_key)
        request = provider.write([write], secret)
        before, self._maybe_done = self._maybe_done, True
        try:
            (written,) = provider.read_written([write], await self._transport.send(request))
            if isinstance(written, ProviderError):
                raise written
        except Missing:
            if item.kind != "delete" or not before or item.upstream_id is None:
                raise
            # An earlier attempt deleted it.
            return Written(item.upstream_id, None)
        except ProviderError as exc:
            # Whoever lacks the right was refused before the key was looked at: an earlier attempt may still have gone through.
            was_done = before or not (_is_refusal(exc) or not exc.sent)
            self._maybe_done = was_done and not (isinstance(exc, Refused4xx) and not exc.retryable)
            raise
        except SluiceError:
            self._maybe_done = before
            raise
        return written

    async def _fetched(self, provider: Provider, secret: Credential, written: Written) -> Written:
        """The object where the answer did not have it. What cannot be read now comes with the next poll."""
        hint = Hint(self._item.collection_id, written.upstream_id)
        with suppress(ProviderError, Stopped):
            await self._pace()
            found = provider.read_fetched(hint, await self._transport.send(provider.fetch(hint, secret)))
            if isinstance(found, Change):
                return Written(written.upstream_id, found)
        return written

    # ------------------------------------------------------------ what became of it

    async def _store(self, written: Written) -> None:
        """Succeeded, with the object; without it where Postgres cannot store it: the next poll puts it into quarantine."""
        changes = [] if written.change is None else [written.change]
        try:
            await self._end("succeeded", upstream_id=written.upstream_id, records=Batch(changes).records())
        except SluiceError as exc:
            if not changes or not (exc.code == "SL001" or exc.code[:2] in {"22", "54"}):
                raise
            await self._end("succeeded", upstream_id=written.upstream_id)

    async def _failed(self, exc: Failure) -> float | None:
        item = self._item
        retryable = exc.retryable if isinstance(exc, ProviderError) else exc.code not in _LASTING
        tired = item.attempt >= ATTEMPTS or (self._maybe_done and self._age() > PATIENCE)
        if retryable and not tired:
            asked = exc.retry_after if isinstance(exc, RateLimited) else None
            chance = random.random()  # noqa: S311  jitter
            return await self._put_back(BETWEEN.delay(item.attempt - 1, chance, asked), _advised(exc, item))
        error = _advised(exc, item)
        if self._maybe_done:
            error["hint"] = "whether the vendor did it cannot be known: look there, and decide with mutation_resolve"
        await self._end("unknown" if self._maybe_done else "failed", error=error)
        return None

    async def _end(
        self, status: str, *, upstream_id: str | None = None, records: bytes = b"[]", error: Mapping[str, Any] | None = None
    ) -> None:
        for attempt in range(1, _STORE_TRIES + 1):
            try:
                done = await bounded(
                    writes.complete(
                        self._conn,
                        self._poller_id,
                        self._item,
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
                _log(self._item, status if done else "lost", error)
                return

    async def _put_back(self, seconds: float, error: Mapping[str, Any] | None) -> float | None:
        pause = timedelta(seconds=seconds)
        if await writes.retry(self._conn, self._poller_id, self._item, retry_in=pause, was_sent=self._maybe_done, error=error):
            _log(self._item, "put back", error)
            return seconds
        _log(self._item, "lost", error)
        return None


def _is_refusal(exc: ProviderError) -> bool:
    """Whether the vendor said that it did not do it."""
    if isinstance(exc, RateLimited):
        return True
    return isinstance(exc, Refused4xx | Unauthorized | Forbidden | Malformed) and not exc.retryable


def _out_of_window(provider: Provider) -> SluiceError:
    if provider.key_window is None:
        why = f"{provider.name} recognises no repetition"
    else:
        why = f"{provider.name} recognises a repetition for {provider.key_window.total_seconds() / 3600:g} hours only"
    return make(
        f"the write may have been done, and may not be repeated: {why}",
        code="SL205",
        hint="look at the vendor whether it was done, and decide with mutation_resolve",
    )


def _advised(exc: Failure, item: ClaimedItem) -> dict[str, Any]:
    """The error as people get it: the vendor's own as JSON, and where a new secret is wanted, the command that stores it."""
    error: dict[str, Any] = dict(exc.as_dict())
    if isinstance(exc, Unauthorized | Malformed) and item.credential_id is not None:
        command = f"pgsluice credential update {item.credential_id}"
        error["hint"] = f"{error['hint']}: {command}" if error["hint"] else command
    if isinstance(error["details"], str) and error["details"].startswith("{"):
        with suppress(ValueError):
            error["details"] = rows.decode(error["details"])
    return error


def _log(item: ClaimedItem, outcome: str, error: Mapping[str, Any] | None) -> None:
    facts = {"sync": item.sync_id, "collection": item.collection_id, "kind": item.kind, "outcome": outcome, "attempt": item.attempt}
    if error is None:
        log.debug("write", **facts)
    else:
        log.warning("write", **facts, code=error["code"], error=error["message"])
