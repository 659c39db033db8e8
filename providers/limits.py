"""How long to wait before asking a vendor again. Pure: the caller brings the random number and, in the response, the clocks."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pgsluice.providers.base import Response
from pgsluice.providers.errors import Paced, ProviderError, RateLimited
from pgsluice.providers.replies import http_date, vendor_clock

# A vendor that asks for more (a year has been seen, from a date in the wrong unit) is asked once an hour instead.
MAX_RETRY_AFTER = 3600.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full jitter: a random part of a ceiling that doubles with each attempt. Seconds.

    The whole range, not a band around its middle: many syncs that failed at one moment must not come back at one moment.
    See https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    base: float
    cap: float

    def delay(self, attempt: int, chance: float, retry_after: float | None = None) -> float:
        """Seconds to wait after failure number `attempt` (from 0). `chance` is a random number from 0 to 1.

        What the vendor asked for is kept to the full, and the jitter comes on top.
        """
        ceiling = min(self.cap, self.base * 2.0 ** min(attempt, 60))
        return (retry_after or 0.0) + chance * ceiling


RATE_LIMITED = Backoff(base=1.0, cap=60.0)  # the account works, only too fast
TRANSIENT = Backoff(base=1.0, cap=600.0)  # down, unreadable: likely to pass by itself
LASTING = Backoff(base=60.0, cap=3600.0)  # a refused key or request: a person has to act


def next_delay(error: ProviderError, attempt: int, chance: float) -> float:
    """Seconds until a sync that met `error` for the `attempt`-th time in a row (from 0) is tried again."""
    if isinstance(error, Paced):
        # Nobody refused anything: no reason to come later each time.
        return RATE_LIMITED.delay(0, chance, error.retry_after)
    if isinstance(error, RateLimited):
        return RATE_LIMITED.delay(attempt, chance, error.retry_after)
    return (TRANSIENT if error.retryable else LASTING).delay(attempt, chance)


def retry_after(response: Response) -> float | None:
    """Seconds that the Retry-After header asks for, from 0 to MAX_RETRY_AFTER; None where it is missing or makes no sense.

    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after: seconds, or a date (read against the vendor's own clock).
    """
    asked = response.headers.get("retry-after", "").strip()
    try:
        seconds = float(asked)
    except ValueError:
        moment = http_date(asked)
        if moment is None:
            return None
        seconds = (moment - vendor_clock(response)).total_seconds()
    return None if math.isnan(seconds) else min(max(seconds, 0.0), MAX_RETRY_AFTER)
