"""Deliveries of Stripe's: whose they are, and what they say; and endpoints that are wanted no more."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fakes.stripe.hooks import signature
from samples.replies import reply_of

from pgsluice.providers import stripe_webhooks
from pgsluice.providers.base import Credential, Cursor, Response
from pgsluice.providers.errors import Forged
from pgsluice.providers.stripe import Stripe
from pgsluice.providers.webhooks import Delivery

STRIPE = Stripe()
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SECRET, OTHER = "whsec_abcdefgh12345678", "whsec_zyxwvuts87654321"
EVENT = {
    "id": "evt_1",
    "object": "event",
    "created": 1,
    "type": "customer.updated",
    "data": {"object": {"id": "cus_1", "object": "customer"}},
}
ADDRESS = "https://us.example/webhooks/s?tag=0001"


def delivery(*secrets: str, age: float = 0, ours: str | None = None, **more: Any) -> Delivery:
    body = json.dumps({**EVENT, **more}).encode()
    signed = signature(body, secrets, int((NOW - timedelta(seconds=age)).timestamp()))
    return Delivery("POST", ADDRESS, {"stripe-signature": signed}, body, NOW, ours)


def test_a_delivery_is_a_hint() -> None:
    said = STRIPE.receive(delivery(SECRET), [SECRET])
    assert (said.delivery_id, said.changes) == ("evt_1", ())
    assert [(hint.collection_id, hint.upstream_id) for hint in said.hints] == [("stripe:customer", "cus_1")]


@pytest.mark.parametrize("age", [299, -299])
def test_a_clock_that_differs_a_little(age: float) -> None:
    assert STRIPE.receive(delivery(SECRET, age=age), [SECRET]).hints


@pytest.mark.parametrize("age", [301, -301, 86_400])
def test_too_old_or_from_the_future(age: float) -> None:
    with pytest.raises(Forged):
        STRIPE.receive(delivery(SECRET, age=age), [SECRET])


def test_several_signatures_while_a_secret_is_rolled() -> None:
    rolled = delivery(OTHER, SECRET)
    for known in ([SECRET], [OTHER], ["whsec_unknown1234567", SECRET]):
        assert STRIPE.receive(rolled, known).hints
    with pytest.raises(Forged):
        STRIPE.receive(rolled, ["whsec_unknown1234567"])


def test_the_key_is_the_whole_secret() -> None:
    with pytest.raises(Forged):
        STRIPE.receive(delivery(SECRET.removeprefix("whsec_")), [SECRET])


def test_the_scheme_for_tests_signs_nothing() -> None:
    given = delivery(SECRET)
    header = given.headers["stripe-signature"].replace("v1=", "v0=")
    with pytest.raises(Forged):
        STRIPE.receive(Delivery("POST", ADDRESS, {"stripe-signature": header}, given.body, NOW), [SECRET])


def test_what_an_endpoint_is_asked_to_send_of_what_lies_below_others() -> None:
    ended = "account.application.deauthorized"
    persons = ["person.created", "person.deleted", "person.updated"]
    assert stripe_webhooks.event_types(["stripe:person"]) == [ended, *persons]
    assert set(stripe_webhooks.event_types(["stripe:account"])) > {ended, *persons, "account.updated"}
    assert "customer.updated" in stripe_webhooks.event_types(["stripe:customer_balance_transaction"])


def test_events_of_another_account_are_left_alone() -> None:
    assert STRIPE.receive(delivery(SECRET, ours="acct_ours"), [SECRET]).hints
    assert STRIPE.receive(delivery(SECRET, ours="acct_ours", account="acct_ours"), [SECRET]).hints
    said = STRIPE.receive(delivery(SECRET, ours="acct_ours", account="acct_other"), [SECRET])
    assert (said.delivery_id, said.hints, said.ended) == ("evt_1", (), None)


def removed(credential: Credential, cursor: Cursor | None, answer: Response) -> tuple[str | None, Cursor | None]:
    """Which endpoint goes next, and the cursor behind that."""
    known = STRIPE.read_subscribed(cursor, answer).cursor
    request = STRIPE.subscribe(known, ADDRESS, (), credential)
    return (None if request is None else f"{request.method} {request.url.rpartition('/')[2]}"), known


def test_endpoints_that_are_wanted_no_more(credential: Credential) -> None:
    addresses = [ADDRESS, "https://us.example/webhooks/s?tag=0002", "https://us.example/webhooks/s2?tag=0001", "https://other.example/"]
    listed = [{"id": f"we_{number}", "url": address} for number, address in enumerate(addresses)]
    following, known = removed(credential, None, reply_of({"object": "list", "data": listed, "has_more": False}))
    assert following == "DELETE we_0"
    following, known = removed(credential, known, reply_of({"id": "we_0", "object": "webhook_endpoint", "deleted": True}))
    assert following == "DELETE we_1"
    # Somebody else was quicker.
    missing = {"error": {"code": "resource_missing", "message": "No such webhook endpoint: 'we_1'", "type": "invalid_request_error"}}
    answer = reply_of(missing, 404)
    gone = Response(404, answer.headers, answer.body, "https://api.stripe.com/v1/webhook_endpoints/we_1", answer.received_at)
    assert removed(credential, known, gone)[0] is None
