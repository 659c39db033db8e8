"""Waiting for whichever comes first."""

from __future__ import annotations

import asyncio


async def first(seconds: float, *events: asyncio.Event) -> None:
    """Until one of the events is set or the time is over."""
    tasks = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
