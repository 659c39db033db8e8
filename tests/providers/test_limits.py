from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgsluice.providers import limits
from pgsluice.providers.base import Response
from pgsluice.providers.errors import Forbidden, RateLimited, Unauthorized, Unavailable
from pgsluice.providers.limits import MAX_RETRY_AFTER, Backoff

CHANCE = st.floats(0, 1)
Reply = Callable[..., Response]


@given(st.integers(0, 10_000), CHANCE)
def test_a_delay_is_between_nothing_and_the_doubled_ceiling(attempt: int, chance: float) -> None:
    delay = Backoff(base=2.0, cap=300.0).delay(attempt, chance)
    assert 0 <= delay <= min(300.0, 2.0 * 2 ** min(attempt, 20))


def test_the_whole_range_is_used() -> None:
    backoff = Backoff(base=1.0, cap=60.0)
    assert [backoff.delay(3, chance) for chance in (0.0, 0.5, 1.0)] == [0.0, 4.0, 8.0]


@given(st.integers(0, 50), CHANCE, st.floats(0, MAX_RETRY_AFTER))
def test_what_the_vendor_asked_for_is_kept_to_the_full(attempt: int, chance: float, asked: float) -> None:
    assert limits.next_delay(RateLimited("slow", retry_after=asked), attempt, chance) >= asked


def test_who_needs_a_person_is_asked_more_rarely() -> None:
    temporary, lasting = Unavailable("down"), Unauthorized("no")
    assert limits.next_delay(lasting, 0, 1.0) > limits.next_delay(temporary, 0, 1.0)
    assert limits.next_delay(Forbidden("no"), 99, 1.0) == 3600.0
    assert limits.next_delay(Unavailable("no", retryable=False), 0, 1.0) == 60.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("-5", 0.0),
        ("31536000000", MAX_RETRY_AFTER),
        ("inf", MAX_RETRY_AFTER),
        ("1e999", MAX_RETRY_AFTER),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("Wed, 99 Foo 2024 99:99:99 GMT", None),
        ("Wed, 03 Jul 2024 09:52:40 GMT", 60.0),
        ("Wed, 03 Jul 2024 09:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_RETRY_AFTER),
    ],
)
def test_retry_after(reply: Reply, header: str, seconds: float | None) -> None:
    # The reply's own Date is 2024-07-03 09:51:40.
    assert limits.retry_after(reply(b"", 429, retry_after=header)) == seconds


def test_a_date_is_read_against_our_clock_where_the_vendor_gives_none(reply: Reply) -> None:
    response: Any = reply(b"", 429, at=None, retry_after="x")
    response.headers["retry-after"] = format_datetime(response.received_at + timedelta(seconds=30), usegmt=True)
    assert limits.retry_after(response) == 30.0


def test_no_header_no_wish(reply: Reply) -> None:
    assert limits.retry_after(reply(b"", 429)) is None
