"""What Stripe is told to write, and what its answers to it mean."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from fakes.stripe.forms import decode
from hypothesis import given
from hypothesis import strategies as st
from samples.replies import reply_of

from pgsluice.providers.base import Change, Credential, Write, Written
from pgsluice.providers.errors import Missing, RateLimited, Refused4xx, UnknownCollection, Unreadable
from pgsluice.providers.stripe import Stripe
from pgsluice.providers.stripe_writes import form

STRIPE = Stripe()
CREATE = Write("create", "stripe:customer", None, b'{"name": "A"}', "key-1")
DELETE = Write("delete", "stripe:customer", "cus_1", None, "key-1")


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        (b'{"a": {"b": [{"c": 1}, "x"]}}', {"a": {"b": [{"c": "1"}, "x"]}}),
        (b'{"n": 0.12345678901234567890123, "t": true, "f": false}', {"n": "0.12345678901234567890123", "t": "true", "f": "false"}),
        (b'{"gone": null, "empty": "", "none": [], "map": {}}', {"gone": "", "empty": "", "none": "", "map": ""}),
    ],
)
def test_json_as_form_fields(data: bytes, fields: Any) -> None:
    assert decode(form(data).decode()) == fields


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="[]"), min_size=1).filter(lambda name: not name.isdigit())
VALUES = st.recursive(
    st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, min_size=1, max_size=12) | st.dictionaries(NAMES, inner, min_size=1, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, VALUES))
def test_what_is_sent_is_what_arrives(data: dict[str, Any]) -> None:
    assert decode(form(msgspec.json.encode(data)).decode()) == data


@pytest.mark.parametrize("data", [b'{"a][b": 1}', b'{"metadata": {"": 1}}', b"[1]", b'{"a":' * 20000 + b"1" + b"}" * 20000])
def test_what_has_no_form_is_refused(data: bytes) -> None:
    with pytest.raises(Refused4xx):
        form(data)


def test_requests(credential: Credential) -> None:
    made = STRIPE.write([CREATE], credential)
    assert (made.method, made.url, made.body) == ("POST", "https://api.stripe.com/v1/customers", b"name=A")
    assert made.headers["Idempotency-Key"] == "key-1"
    gone = STRIPE.write([DELETE], credential)
    assert (gone.method, gone.url, gone.body) == ("DELETE", "https://api.stripe.com/v1/customers/cus_1", None)
    with pytest.raises(UnknownCollection):
        STRIPE.write([Write("delete", "stripe:price", "price_1", None, "k")], credential)
    with pytest.raises(Refused4xx):
        STRIPE.write([Write("delete", "stripe:customer", "..", None, "k")], credential)


def test_answers() -> None:
    (written,) = STRIPE.read_written([CREATE], reply_of({"id": "cus_1", "created": 1}))
    assert isinstance(written, Written)
    assert (written.upstream_id, isinstance(written.change, Change)) == ("cus_1", True)
    (gone,) = STRIPE.read_written([DELETE], reply_of({"id": "cus_1", "object": "customer", "deleted": True}))
    assert isinstance(gone, Written)
    assert gone.change is not None
    assert gone.change.deleted


def test_a_refusal_carries_the_vendors_own_error() -> None:
    own = {"type": "invalid_request_error", "code": "email_invalid", "message": "Invalid email", "param": "email"}
    with pytest.raises(Refused4xx) as caught:
        STRIPE.read_written([CREATE], reply_of({"error": own}, 400))
    assert msgspec.json.decode(caught.value.details or "") == {"status": 400, "error": own}
    with pytest.raises(Missing):
        STRIPE.read_written([DELETE], reply_of({"error": {"code": "resource_missing", "message": "No such customer: 'cus_1'"}}, 404))
    with pytest.raises(RateLimited):
        STRIPE.read_written([CREATE], reply_of({"error": {"code": "rate_limit"}}, 429))


def test_a_key_that_the_vendor_has_seen_with_something_else() -> None:
    """What came of it then nobody knows: neither is it refused, nor is it sent again."""
    own = {"type": "idempotency_error", "message": "Keys for idempotent requests can only be used with the same parameters"}
    with pytest.raises(Unreadable) as caught:
        STRIPE.read_written([CREATE], reply_of({"error": own}, 400))
    assert not caught.value.retryable
    with pytest.raises(RateLimited):
        STRIPE.read_written([CREATE], reply_of({"error": own | {"code": "idempotency_key_in_use"}}, 409))


def test_a_key_is_used_for_less_than_the_day_that_it_is_kept() -> None:
    window = STRIPE.key_window_of("create", "stripe:customer")
    assert window is not None
    assert timedelta(hours=12) < window < timedelta(hours=24)


def test_an_oauth_token_is_a_bearer_too() -> None:
    request = STRIPE.write([CREATE], Credential("stripe_oauth2", {"access_token": "sk_test_token"}))
    assert request.headers["Authorization"] == "Bearer sk_test_token"
