from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from samples.replies import reply_of

from pgsluice.providers.base import Change, Credential, Hint, Refused
from pgsluice.providers.errors import Refused4xx, Unauthorized, Unavailable, Unreadable
from pgsluice.providers.stripe import Stripe

STRIPE = Stripe()
HINT = Hint("stripe:customer", "cus_NffrFeUfNV2Hib")
Sample = Callable[[str], bytes]


def read(body: Any, status: int = 200, **headers: str) -> Change | Refused:
    return STRIPE.read_fetched(HINT, reply_of(body, status, **headers))


@pytest.mark.parametrize(
    ("hint", "url"),
    [
        (HINT, "https://api.stripe.com/v1/customers/cus_NffrFeUfNV2Hib"),
        # The user chooses the id of a plan.
        (Hint("stripe:plan", "gold plan/ä?x"), "https://api.stripe.com/v1/plans/gold%20plan%2F%C3%A4%3Fx"),
    ],
)
def test_one_object_is_asked_for_by_id(credential: Credential, hint: Hint, url: str) -> None:
    request = STRIPE.fetch(hint, credential)
    assert (request.method, request.url, request.params) == ("GET", url, ())
    assert request.headers["Authorization"].startswith("Bearer sk_test_")


def test_what_is_there_is_a_change(sample: Sample) -> None:
    change = read(sample("customer"))
    assert isinstance(change, Change)
    assert (change.upstream_id, change.deleted) == ("cus_NffrFeUfNV2Hib", False)
    assert change.raw == sample("customer").strip()


@pytest.mark.parametrize(
    ("name", "status"),
    [("customer_deleted", 200), ("error_missing", 404)],
)
def test_what_is_gone_is_a_tombstone_without_data(sample: Sample, name: str, status: int) -> None:
    assert read(sample(name), status) == Change("stripe:customer", "cus_NffrFeUfNV2Hib", None, deleted=True)


def test_a_404_in_json_without_a_code_is_a_tombstone() -> None:
    # localstripe's way.
    change = read({"error": {"type": "invalid_request_error", "message": "Not Found"}}, 404)
    assert isinstance(change, Change)
    assert change.deleted


@pytest.mark.parametrize(
    "body", [b"<html>404 Not Found</html>", b"404: Not Found", b"", b"[]", b'{"message":"no route"}', b'{"error":"gone"}']
)
def test_a_404_of_something_else_deletes_nothing(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read(body, 404)


@pytest.mark.parametrize("name", ["error_unknown_url", "error_other_mode"])
def test_a_404_about_the_request_deletes_nothing(sample: Sample, name: str) -> None:
    with pytest.raises(Refused4xx):
        read(sample(name), 404)


def test_a_404_with_another_code_deletes_nothing() -> None:
    with pytest.raises(Refused4xx):
        read({"error": {"code": "account_invalid", "message": "No such account"}}, 404)


def test_a_missing_object_under_another_status_deletes_nothing(sample: Sample) -> None:
    with pytest.raises(Refused4xx):
        read(sample("error_missing"), 400)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"<html>", "no JSON"),
        (b'{"id":"cus_NffrFeUfNV2Hib"', "cut off"),
        (b'{"id":"cus_other"}', "another object"),
        (b"{}", "another object"),
        (b'{"object":"list","data":[],"has_more":false}', "another object"),
        (b'{"error":{"message":"boom"}}', "an error under status 200: boom"),
        (b'{"error":"boom"}', "an error under status 200"),
    ],
)
def test_something_else_under_200_is_unreadable(body: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        read(body)


def test_a_faulty_object_goes_to_the_quarantine() -> None:
    body = rb'{"id":"cus_NffrFeUfNV2Hib","name":"\ud800"}'
    refused = read(body)
    assert isinstance(refused, Refused)
    assert (refused.upstream_id, refused.raw) == ("cus_NffrFeUfNV2Hib", body)


def test_other_errors_stay_errors(sample: Sample) -> None:
    with pytest.raises(Unauthorized):
        read(sample("error_401"), 401)
    with pytest.raises(Unavailable):
        read(b"Bad Gateway", 502)


def test_a_numeric_id_is_compared_as_text() -> None:
    change = STRIPE.read_fetched(Hint("stripe:customer", "42"), reply_of({"id": 42}))
    assert isinstance(change, Change)
    assert change.upstream_id == "42"
