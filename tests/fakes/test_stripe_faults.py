"""Idempotency keys of the fake, and everything that can be made to go wrong."""

from __future__ import annotations

import gzip
import http.client
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe

from fakes.fixtures import Sdk
from fakes.plain import ask
from fakes.stripe import StripeFake, faults

DAY = 86400


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK waits between its retries."""
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0.001)
    monkeypatch.setattr(stripe.HTTPClient, "MAX_DELAY", 0.001)


def test_a_key_replays_the_first_result(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    made = stripe_client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k1"})
    again = stripe_client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k1"})
    assert again.id == made.id
    assert again.last_response is not None
    headers: Any = again.last_response.headers
    assert (headers["idempotent-replayed"], headers["original-request"]) == ("true", stripe_fake.requests[0].request_id)
    assert len(stripe_fake.objects("customer")) == 1
    assert len(stripe_fake.events()) == 1
    stripe_fake.update("customer", made.id, name="Eve")
    assert stripe_client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k1"}).name == "Ada"  # the result of then


def test_a_key_stands_for_one_request_only(stripe_client: stripe.StripeClient) -> None:
    stripe_client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k1"})
    with pytest.raises(stripe.IdempotencyError, match="same parameters they were first used with") as caught:
        stripe_client.v1.customers.create({"name": "Eve"}, {"idempotency_key": "k1"})
    assert caught.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        stripe_client.v1.products.create({"name": "Ada"}, {"idempotency_key": "k1"})


def test_keys_are_kept_for_a_day_and_for_each_api_key(stripe_fake: StripeFake) -> None:
    first = ask(stripe_fake, "POST", "/v1/customers", {"name": "a"}, Idempotency_Key="k").json["id"]
    stripe_fake.clock.advance(DAY - 60)
    assert ask(stripe_fake, "POST", "/v1/customers", {"name": "a"}, Idempotency_Key="k").json["id"] == first
    stripe_fake.clock.advance(61)
    assert ask(stripe_fake, "POST", "/v1/customers", {"name": "a"}, Idempotency_Key="k").json["id"] != first
    live = f"Bearer {stripe_fake.live_key}"
    assert ask(stripe_fake, "POST", "/v1/customers", {"name": "b"}, Idempotency_Key="k", Authorization=live).status == 200
    assert ask(stripe_fake, "POST", "/v1/customers", {"name": "b"}, Idempotency_Key="k" * 256).status == 400
    assert ask(stripe_fake, "GET", "/v1/customers", Idempotency_Key="k").status == 200  # of no effect there


def test_refused_parameters_are_not_a_result(stripe_fake: StripeFake) -> None:
    assert ask(stripe_fake, "POST", "/v1/customers", {"nonsense": "1"}, Idempotency_Key="k").status == 400
    assert ask(stripe_fake, "POST", "/v1/customers", {"name": "right"}, Idempotency_Key="k").status == 200


def test_a_server_error_is_a_result(stripe_fake: StripeFake) -> None:
    stripe_fake.fail(faults.ServerError(500))
    first = ask(stripe_fake, "POST", "/v1/customers", {"name": "a"}, Idempotency_Key="k")
    assert (first.status, first.error["type"]) == (500, "api_error")
    again = ask(stripe_fake, "POST", "/v1/customers", {"name": "a"}, Idempotency_Key="k")
    assert (again.status, again.headers["idempotent-replayed"], again.body) == (500, "true", first.body)
    assert stripe_fake.objects("customer") == {}


def test_a_key_in_flight(stripe_fake: StripeFake) -> None:
    rule = stripe_fake.fail(faults.Hold(), method="POST")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(ask, stripe_fake, "POST", "/v1/customers", {"name": "a"}, Idempotency_Key="k")
        assert rule.wait()
        busy = ask(stripe_fake, "POST", "/v1/customers", {"name": "a"}, Idempotency_Key="k")
        assert (busy.status, busy.error["code"], busy.error["type"]) == (409, "idempotency_key_in_use", "idempotency_error")
        rule.release()
        made = waiting.result()
    assert ask(stripe_fake, "POST", "/v1/customers", {"name": "a"}, Idempotency_Key="k").json["id"] == made.json["id"]


def test_an_answer_that_waits_after_the_deed(stripe_fake: StripeFake) -> None:
    rule = stripe_fake.fail(faults.Hold(executed=True), method="POST")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(ask, stripe_fake, "POST", "/v1/customers", {"name": "a"})
        assert rule.wait()
        while not stripe_fake.objects("customer"):  # it is under way; nothing else is to be waited for
            pass
        assert not waiting.done()
        rule.release()
        assert waiting.result().status == 200


def test_rate_limits(stripe_fake: StripeFake, stripe_client: stripe.StripeClient, stripe_sdk: Sdk) -> None:
    stripe_fake.fail(faults.RateLimited(retry_after=2))
    limited = ask(stripe_fake, "GET", "/v1/customers")
    assert (limited.status, limited.error["code"], limited.headers["retry-after"]) == (429, "rate_limit", "2")
    assert limited.headers["stripe-rate-limited-reason"] == "global-rate"
    stripe_fake.fail(faults.lock_timeout())
    locked = ask(stripe_fake, "POST", "/v1/customers", {"name": "a"})
    assert (locked.status, locked.error["code"], "stripe-rate-limited-reason" in locked.headers) == (429, "lock_timeout", False)
    stripe_fake.fail(faults.RateLimited())
    with pytest.raises(stripe.RateLimitError):
        stripe_client.v1.customers.list()

    patient = stripe_sdk(stripe_fake.url, stripe_fake.key, max_network_retries=2)
    stripe_fake.fail(faults.RateLimited(should_retry="true"), times=2)
    stripe_fake.forget_requests()
    assert patient.v1.customers.list().data == []
    assert [entry.status for entry in stripe_fake.requests] == [429, 429, 200]
    stripe_fake.fail(faults.RateLimited(should_retry="false"))
    with pytest.raises(stripe.RateLimitError):
        patient.v1.customers.list()


def test_a_limited_post_has_no_effect_and_no_result(stripe_fake: StripeFake) -> None:
    stripe_fake.fail("rate_limited", method="POST")
    assert ask(stripe_fake, "POST", "/v1/customers", {"name": "a"}, Idempotency_Key="k").status == 429
    assert stripe_fake.objects("customer") == {}
    assert ask(stripe_fake, "POST", "/v1/customers", {"name": "a"}, Idempotency_Key="k").status == 200


def test_the_sdk_retries_a_server_error_to_the_same_object(stripe_fake: StripeFake, stripe_sdk: Sdk) -> None:
    patient = stripe_sdk(stripe_fake.url, stripe_fake.key, max_network_retries=2)
    stripe_fake.fail(faults.Reset(executed=True), method="POST")
    made = patient.v1.customers.create({"name": "Ada"})
    assert set(stripe_fake.objects("customer")) == {made.id}  # carried out before the connection broke, then replayed
    assert [entry.status for entry in stripe_fake.requests] == [0, 200]
    stripe_fake.fail("server_error", status=503)
    assert len(patient.v1.customers.list().data) == 1


def test_a_reset_without_effect(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    stripe_fake.fail(faults.Reset())
    with pytest.raises(ConnectionResetError):
        ask(stripe_fake, "POST", "/v1/customers", {"name": "a"})
    stripe_fake.fail("reset")
    with pytest.raises(stripe.APIConnectionError):
        stripe_client.v1.customers.list()
    assert stripe_fake.objects("customer") == {}


@pytest.mark.parametrize(("status", "kind"), [(200, "text/html"), (404, "text/html"), (502, "text/html")])
def test_html(stripe_fake: StripeFake, status: int, kind: str) -> None:
    stripe_fake.fail(faults.html(status))
    answer = ask(stripe_fake, "GET", "/v1/customers")
    assert (answer.status, answer.headers["content-type"], answer.body[:6]) == (status, kind, b"<html>")


def test_empty_and_other_bodies(stripe_fake: StripeFake) -> None:
    stripe_fake.fail(faults.empty())
    answer = ask(stripe_fake, "GET", "/v1/customers")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "0")
    stripe_fake.fail(faults.Body('{"name": "\ud800"}', 418, "text/plain"))
    assert ask(stripe_fake, "GET", "/v1/customers").body == b'{"name": "\xed\xa0\x80"}'


def test_a_truncated_page(stripe_fake: StripeFake) -> None:
    stripe_fake.seed(customers=3)
    stripe_fake.fail(faults.Truncated(keep=0.4))
    with pytest.raises(http.client.IncompleteRead) as caught:
        ask(stripe_fake, "GET", "/v1/customers")
    whole = ask(stripe_fake, "GET", "/v1/customers").body
    assert caught.value.partial == whole[: len(caught.value.partial)]
    assert len(caught.value.partial) == int(len(whole) * 0.4)


def test_a_parameter_that_is_no_longer_taken(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    stripe_fake.fail(faults.BadParameter("created"), path="/v1/events", times=None)
    assert stripe_client.v1.customers.list().data == []
    with pytest.raises(stripe.InvalidRequestError) as caught:
        stripe_client.v1.events.list()
    assert (caught.value.code, caught.value.param) == ("parameter_unknown", "created")


def test_a_key_revoked_in_the_middle(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    ids = stripe_fake.seed(customers=5)["customer"][::-1]
    stripe_fake.fail(faults.Revoke(), skip=2)
    pages = stripe_client.v1.customers.list({"limit": 2}).auto_paging_iter()
    assert [next(pages).id for _ in range(4)] == ids[:4]
    with pytest.raises(stripe.AuthenticationError):
        next(pages)
    assert ask(stripe_fake, "GET", "/v1/customers").status == 401


def test_slow_replies(stripe_fake: StripeFake) -> None:
    stripe_fake.fail(faults.Slow(30))
    parts = urlsplit(stripe_fake.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=0.2)
    connection.request("GET", "/v1/customers", headers={"Authorization": f"Bearer {stripe_fake.key}"})
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    stripe_fake.set(latency=30)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=0.2)
    connection.request("GET", "/v1/customers", headers={"Authorization": f"Bearer {stripe_fake.key}"})
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()  # and the fixture's stop() does not wait 30 s


def test_marks_and_compression(stripe_fake: StripeFake) -> None:
    stripe_fake.fail("bom")
    assert ask(stripe_fake, "GET", "/v1/customers").body.startswith(b'\xef\xbb\xbf{\n  "object": "list"')
    stripe_fake.fail("gzip")
    answer = ask(stripe_fake, "GET", "/v1/customers")
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(answer.body).startswith(b'{\n  "object": "list"')
    stripe_fake.fail(faults.Rewrite(lambda body: body.replace(b"list", b"tsil")))
    assert ask(stripe_fake, "GET", "/v1/customers").json["object"] == "tsil"


def test_which_requests_a_fault_strikes(stripe_fake: StripeFake) -> None:
    rule = stripe_fake.fail("empty", method="GET", path="/v1/cust*", params={"limit": "5"}, times=2, skip=1)
    assert ask(stripe_fake, "GET", "/v1/products", {"limit": "5"}).body
    assert ask(stripe_fake, "GET", "/v1/customers").body
    assert ask(stripe_fake, "GET", "/v1/customers", {"limit": "5"}).body  # skipped
    assert [ask(stripe_fake, "GET", "/v1/customers", {"limit": "5"}).body for _ in range(2)] == [b"", b""]
    assert ask(stripe_fake, "GET", "/v1/customers", {"limit": "5"}).body
    assert rule.hits == 2
    assert [entry.fault for entry in stripe_fake.requests] == [None, None, None, "empty", "empty", None]
    lasting = stripe_fake.fail("empty", times=None)
    assert not ask(stripe_fake, "GET", "/v1/customers").body
    lasting.remove()
    assert ask(stripe_fake, "GET", "/v1/customers").body
    stripe_fake.fail("empty", times=None)
    stripe_fake.heal()
    assert ask(stripe_fake, "GET", "/v1/customers").body


def test_two_faults_at_once(stripe_fake: StripeFake) -> None:
    stripe_fake.seed(customers=3)
    stripe_fake.fail("short_page", entries=1)
    stripe_fake.fail("truncated")
    with pytest.raises(http.client.IncompleteRead):
        ask(stripe_fake, "GET", "/v1/customers")


def test_clear_leaves_an_empty_account(stripe_fake: StripeFake) -> None:
    stripe_fake.create("customer")
    ask(stripe_fake, "POST", "/v1/customers", {"name": "a"}, Idempotency_Key="k")
    stripe_fake.fail("empty", times=None)
    stripe_fake.clear()
    assert ask(stripe_fake, "POST", "/v1/customers", {"name": "b"}, Idempotency_Key="k").status == 200
    assert len(stripe_fake.objects("customer")) == len(stripe_fake.events()) == len(stripe_fake.requests) == 1


def test_many_writers_at_once(stripe_fake: StripeFake) -> None:
    def work(number: int) -> str:
        return str(ask(stripe_fake, "POST", "/v1/customers", {"name": str(number)}).json["id"])

    with ThreadPoolExecutor(16) as pool:
        ids = set(pool.map(work, range(200)))
    assert set(stripe_fake.objects("customer")) == ids
    assert len(ids) == len(stripe_fake.events()) == 200


def test_the_same_seed_gives_the_same_account() -> None:
    one, two, other = StripeFake(seed=1), StripeFake(seed=1), StripeFake(seed=2)
    assert one.seed(customers=3) == two.seed(customers=3) != other.seed(customers=3)


def test_stopping_ends_open_connections_and_threads(stripe_sdk: Sdk) -> None:
    with StripeFake() as fake:
        stripe_sdk(fake.url, fake.key).v1.customers.list()  # the SDK keeps its connection
        url = fake.url
    with pytest.raises(RuntimeError):
        _ = fake.url
    with pytest.raises(stripe.APIConnectionError):
        stripe_sdk(url, fake.key).v1.customers.list()
    assert not [thread for thread in threading.enumerate() if thread.name == "stripe-fake"]


def test_a_fault_of_the_fake_itself_fails_the_test() -> None:
    fake = StripeFake().start()
    fake.fail(faults.Rewrite(lambda body: 1 // 0))
    with pytest.raises(http.client.RemoteDisconnected):
        ask(fake, "GET", "/v1/customers")
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        fake.stop()
    with pytest.raises(TypeError):
        StripeFake(no_such_setting=1)
