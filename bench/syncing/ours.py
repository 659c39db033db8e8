"""Reads every sync of a database once: what `pgsluice poll --once` does."""

from __future__ import annotations

import asyncio
import sys
import time

from pgsluice.bench.syncing.said import say
from pgsluice.db.secrets import parse_key
from pgsluice.poller.loop import Poller, Settings

KEY = "5a" * 32


def main(conninfo: str) -> None:
    poller = Poller(conninfo, parse_key(KEY), Settings(allow_private_addresses=True))
    begun = time.monotonic()
    tallies = asyncio.run(poller.run_once())
    say(time.monotonic() - begun)
    assert all(tally.outcome == "caught_up" for tally in tallies), tallies


if __name__ == "__main__":
    main(sys.argv[1])
