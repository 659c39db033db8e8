"""Reads every sync of a database once: what `pgsluice poll --once` does.

The vendor is in the shape of Stripe's lists and without Stripe's allowance (100 requests a second): with it, it would be the allowance that
is measured.
"""

from __future__ import annotations

import asyncio
import sys
import time

from pgsluice.bench.syncing.said import say
from pgsluice.db.secrets import parse_key
from pgsluice.poller.loop import Poller, Settings
from pgsluice.providers import registry
from pgsluice.providers.base import Credential, Limit
from pgsluice.providers.stripe import Stripe

KEY = "5a" * 32


class Unlimited(Stripe):
    """Stripe, for an account that may ask as often as it likes."""

    def budget(self, credential: Credential) -> tuple[Limit, ...]:  # noqa: ARG002
        return ()


def main(conninfo: str) -> None:
    registry._PROVIDERS["stripe"] = Unlimited()  # noqa: SLF001  there is no other way in, and none is wanted
    poller = Poller(conninfo, parse_key(KEY), Settings(allow_private_addresses=True))
    begun = time.monotonic()
    tallies = asyncio.run(poller.run_once())
    say(time.monotonic() - begun)
    assert all(tally.outcome == "caught_up" for tally in tallies), tallies


if __name__ == "__main__":
    main(sys.argv[1])
