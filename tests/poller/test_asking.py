from __future__ import annotations

import asyncio
import dataclasses
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from pgsluice.db.errors import SluiceError
from pgsluice.poller import asking
from pgsluice.poller.asking import Stopped, Vendor
from pgsluice.poller.transport import Transport
from pgsluice.providers.base import Change, Credential, Feed, Hint, Limit, Page, Partial, Request, Response, Signals
from pgsluice.providers.errors import ProviderError, RateLimited, Refused4xx, Unauthorized, Unavailable, Unreadable
from pgsluice.providers.limits import Backoff

FEED = Feed("list", "backfill", ("c",))


class Answers:
    """A transport and a provider in one: what it answers is what `script(path)` returns or raises."""

    def __init__(self, script: Callable[[str], Any], size: int = 0) -> None:
        self.script = script
        self.size = size
        self.asked: list[str] = []
        self.at_once = self.most_at_once = 0
        self.readers: set[int] = set()

    def signals(self, _response: Response) -> None:
        return None

    async def send(self, request: Request) -> Response:
        self.asked.append(request.url)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        return Response(200, {}, b"x" * self.size, request.url, datetime.now(UTC))

    def request(self, *_: object) -> Request:
        return Request("GET", "page")

    def fetch(self, hint: Hint, _credential: Credential) -> Request:
        return Request("GET", hint.upstream_id)

    def read(self, _feed: Feed, _cursor: object, response: Response) -> Page:
        self.readers.add(threading.get_ident())
        self.script(response.url)
        return Page({"at": 1}, done=True, more=False)

    def read_fetched(self, hint: Hint, response: Response) -> Change:
        self.script(response.url)
        return Change("c", hint.upstream_id, b"{}")


def vendor(answers: Answers, stopping: asyncio.Event | None = None) -> Vendor:
    return Vendor(answers, Credential("k", {}), answers, stopping or asyncio.Event())


def failing(times: int, error: ProviderError) -> Callable[[str], None]:
    left = [times]

    def script(_url: str) -> None:
        if left[0]:
            left[0] -= 1
            raise error

    return script


def page(answers: Answers) -> Page:
    async def main() -> Page:
        return await vendor(answers).page(FEED, None)

    return asyncio.run(main())


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "BETWEEN", Backoff(base=0.001, cap=0.002))


@pytest.mark.parametrize("error", [Unavailable("x"), RateLimited("x"), RateLimited("x", retry_after=0.001)])
def test_a_page_is_asked_for_twice_more(error: ProviderError) -> None:
    answers = Answers(failing(2, error))
    assert page(answers).done
    assert len(answers.asked) == 3
    answers = Answers(failing(3, error))
    with pytest.raises(type(error)):
        page(answers)
    assert len(answers.asked) == 3


@pytest.mark.parametrize("error", [Unauthorized("x"), Unavailable("x", retryable=False), RateLimited("x", retry_after=60)])
def test_what_no_short_wait_helps_is_handed_on(error: ProviderError) -> None:
    answers = Answers(failing(1, error))
    with pytest.raises(type(error)) as caught:
        page(answers)
    assert caught.value is error
    assert len(answers.asked) == 1


def test_what_the_vendor_asks_for_is_waited_for() -> None:
    begun = time.monotonic()
    page(Answers(failing(1, RateLimited("x", retry_after=0.2))))
    assert time.monotonic() - begun >= 0.2


def test_a_wait_ends_when_the_poller_stops() -> None:
    async def main() -> None:
        stopping = asyncio.Event()
        asyncio.get_running_loop().call_later(0.05, stopping.set)
        await vendor(Answers(failing(1, RateLimited("x", retry_after=4))), stopping).page(FEED, None)

    begun = time.monotonic()
    with pytest.raises(Stopped):
        asyncio.run(main())
    assert time.monotonic() - begun < 2


def objects(answers: Answers, count: int) -> list[Any]:
    async def main() -> list[Any]:
        return await vendor(answers).objects([Hint("c", str(number)) for number in range(count)])

    return asyncio.run(main())


def test_objects_come_in_the_order_of_their_hints_a_few_at_once() -> None:
    answers = Answers(lambda _url: None)
    assert [item.upstream_id for item in objects(answers, 50)] == [str(number) for number in range(50)]
    assert 1 < answers.most_at_once <= asking.FETCHES


def test_a_limited_object_is_asked_for_again_and_the_others_wait_too() -> None:
    answers = Answers(failing(20, RateLimited("x")))
    assert len(objects(answers, 30)) == 30
    assert len(answers.asked) == 50


def test_one_object_that_cannot_be_read_fails_all() -> None:
    def script(url: str) -> None:
        if url == "7":
            raise Unauthorized("x")

    with pytest.raises(Unauthorized):
        objects(Answers(script), 30)


def test_no_hints_no_requests() -> None:
    answers = Answers(failing(1, Unavailable("x")))
    assert objects(answers, 0) == []
    assert answers.asked == []


def test_a_large_reply_is_read_beside_the_loop() -> None:
    large, small = Answers(lambda _url: None, asking.LARGE_REPLY + 1), Answers(lambda _url: None, 10)
    page(large)
    page(small)
    assert threading.get_ident() not in large.readers
    assert small.readers == {threading.get_ident()}


class Pieces(Answers):
    """An object that takes `count` replies, each of which brings another object besides."""

    def __init__(self, count: int) -> None:
        super().__init__(lambda _url: None)
        self.count = count

    def fetch(self, hint: Hint, _credential: Credential) -> Request:
        return Request("GET", f"{hint.upstream_id}/{len(hint.held or b'')}")

    def read_fetched(self, hint: Hint, _response: Response) -> Change | Partial:  # type: ignore[override]
        held = (hint.held or b"") + b"x"
        if len(held) == self.count:
            return Change("c", hint.upstream_id, held)
        return Partial(Hint("c", hint.upstream_id, held), (Change("d", f"{hint.upstream_id}.{len(held)}", b"{}"),))


def test_an_object_in_pieces_is_asked_for_until_it_is_whole() -> None:
    answers = Pieces(3)
    found = objects(answers, 2)
    assert [item.upstream_id for item in found] == ["0.1", "0.2", "0", "1.1", "1.2", "1"]
    assert found[2].raw == b"xxx"
    assert sorted(answers.asked) == ["0/0", "0/1", "0/2", "1/0", "1/1", "1/2"]


def test_pieces_without_end_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MOST_PIECES", 5)
    answers = Pieces(6)
    with pytest.raises(Unreadable):
        objects(answers, 1)
    assert len(answers.asked) == 5


# ---------------------------------------------------------------- a file on another host


class Files(Answers):
    """A list whose second page is a file somewhere else."""

    file = Request("GET", "https://files.example/result", (("signature", "x"),), {"Range": "bytes=0-9"}, elsewhere=True)

    def budget(self, _credential: Credential) -> tuple[Limit, ...]:
        return (Limit("requests", 1, 1.0),)

    def request(self, _feed: object, cursor: object, _credential: Credential) -> Request:
        return Request("GET", "https://api.example/list", headers={"Authorization": "Bearer x"}) if cursor is None else self.file

    def signals(self, response: Response) -> None:
        assert "files.example" not in response.url, "what a file's host says is nothing of the vendor's budget"


def second_page(answers: Answers) -> Page:
    async def main() -> Page:
        return await vendor(answers).page(FEED, {"at": 1})

    return asyncio.run(main())


def test_a_file_may_be_elsewhere() -> None:
    answers = Files(lambda _url: None)
    assert second_page(answers).done
    assert answers.asked == ["https://files.example/result"]


@pytest.mark.parametrize("name", ["Authorization", "X-Shopify-Access-Token", "x-api-key", "Cookie"])
def test_a_file_elsewhere_is_asked_for_without_a_secret(name: str) -> None:
    answers = Files(lambda _url: None)
    answers.file = dataclasses.replace(Files.file, headers={"Range": "bytes=0-9", name: "secret-value"})
    with pytest.raises(Refused4xx) as caught:
        second_page(answers)
    assert name in str(caught.value.details)
    assert "secret-value" not in str(caught.value.as_dict())
    assert answers.asked == []


@pytest.mark.parametrize("given", [{"method": "POST"}, {"body": b"{}"}])
def test_a_file_elsewhere_is_only_looked_at(given: dict[str, Any]) -> None:
    answers = Files(lambda _url: None)
    answers.file = dataclasses.replace(Files.file, **given)
    with pytest.raises(Refused4xx):
        second_page(answers)
    assert answers.asked == []


def test_a_page_elsewhere_that_is_no_file_is_refused() -> None:
    answers = Files(lambda _url: None)
    answers.file = dataclasses.replace(Files.file, elsewhere=False)
    with pytest.raises(Refused4xx, match="is said to be at"):
        second_page(answers)
    assert answers.asked == []


def test_a_file_elsewhere_draws_from_no_budget() -> None:
    """Neither a place among the sync's requests nor a point of the vendor's budget."""
    answers = Files(lambda _url: None)
    asked = vendor(answers)

    class Closed:
        def request(self, cost: float) -> None:
            raise AssertionError(f"drawn: {cost}")

    asked._account = "an account"  # type: ignore[assignment]
    asked._gates = {None: Closed()}  # type: ignore[dict-item]
    assert asyncio.run(asked.page(FEED, {"at": 1})).done


def test_a_file_at_a_private_address_is_refused() -> None:
    """The check of addresses is the transport's, and knows no exception."""

    async def main() -> None:
        async with Transport() as transport:
            await transport.send(dataclasses.replace(Files.file, url="https://127.0.0.1:4443/result"))

    with pytest.raises(SluiceError) as caught:
        asyncio.run(main())
    assert caught.value.code == "SL209"


def test_what_has_a_limit_of_its_own_draws_from_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each such limit has its own grants; word of a pause holds for all."""

    class Recorded:
        def __init__(self, _account: object, limits: tuple[Limit, ...], *_: object, **__: object) -> None:
            self.limits = limits
            self.closed = 0.0

        def close(self, seconds: float) -> None:
            self.closed = seconds

        async def heard(self, signals: Signals) -> None:
            assert signals.wait == 3.0

    whole, one, two = Limit("requests", 100, 1.0), Limit("endpoint a", 25, 1.0), Limit("endpoint b", 25, 1.0)
    asked = vendor(Files(lambda _url: None))
    monkeypatch.setattr(asking, "Gate", Recorded)
    asked._account, asked._budget = "an account", (whole,)  # type: ignore[assignment]
    gates: list[Any] = [asked._gate(limit) for limit in (None, one, two, one)]
    assert [gate.limits for gate in gates] == [(whole,), (whole, one), (whole, two), (whole, one)]
    assert gates[1] is gates[3]
    asyncio.run(asked._heard(gates[0], Signals(wait=3.0)))
    assert [gate.closed for gate in gates] == [3.0] * 4
