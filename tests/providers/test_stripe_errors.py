from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from samples.replies import reply_of

from pgsluice.providers.base import Credential
from pgsluice.providers.errors import Forbidden, Malformed, ProviderError, RateLimited, Refused4xx, Unauthorized, Unavailable, Unreadable
from pgsluice.providers.stripe import Stripe

STRIPE = Stripe()
EVENTS, CUSTOMERS = STRIPE.feeds(["stripe:customer"])
Sample = Callable[[str], bytes]


def error(body: Any, status: int, **headers: str) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        STRIPE.read(CUSTOMERS, None, reply_of(body, status, **headers))
    with pytest.raises(type(caught.value)):
        STRIPE.read(EVENTS, None, reply_of(body, status, **headers))
    return caught.value


def test_a_refused_key_says_what_to_do(sample: Sample) -> None:
    given = error(sample("error_401"), 401, request_id="req_1")
    assert type(given) is Unauthorized
    assert (given.code, given.retryable) == ("SL201", False)
    assert "Invalid API Key provided" in given.message
    assert "https://dashboard.stripe.com/apikeys" in (given.hint or "")
    assert "request req_1" in (given.details or "")
    # Even the masked key is cut out.
    assert "dqM1" not in str(given.as_dict())


def test_a_missing_right_names_the_path(sample: Sample) -> None:
    given = error(sample("error_403"), 403)
    assert type(given) is Forbidden
    assert (given.code, given.retryable) == ("SL202", False)
    assert "/v1/customers" in given.message
    assert "rak_invoice_read" in given.message
    assert "rk_test" not in str(given.as_dict())


def test_a_refused_parameter_is_named(sample: Sample) -> None:
    given = error(sample("error_parameter"), 400, request_id="req_2")
    assert type(given) is Refused4xx
    assert (given.code, given.retryable) == ("SL203", False)
    assert "Received unknown parameter: created_after" in given.message
    assert given.details == ("type invalid_request_error, code parameter_unknown, param created_after, request req_2, path /v1/customers")


@pytest.mark.parametrize("status", [402, 404, 422])
def test_other_refusals_in_json(status: int, sample: Sample) -> None:
    assert type(error(sample("error_parameter"), status)) is Refused4xx


def test_too_fast(sample: Sample) -> None:
    given = error(sample("error_rate_limit"), 429, retry_after="12", stripe_rate_limited_reason="endpoint-rate")
    assert type(given) is RateLimited
    assert (given.code, given.retryable, given.retry_after) == ("SL206", True, 12.0)
    assert "reason endpoint-rate" in (given.details or "")


def test_a_locked_object_is_not_about_speed(sample: Sample) -> None:
    given = error(sample("error_lock_timeout"), 429)
    assert isinstance(given, RateLimited)
    assert given.retry_after is None
    assert "another request on the same object" in given.message


def test_a_429_needs_no_json() -> None:
    assert type(error(b"<html>slow down", 429)) is RateLimited
    assert type(error(b"", 409)) is RateLimited


@pytest.mark.parametrize("status", [500, 502, 503, 504, 529, 408])
@pytest.mark.parametrize("body", [b"<html>Bad Gateway</html>", b"", b'{"error":{"message":"An unknown error occurred"}}'])
def test_trouble_over_there(status: int, body: bytes) -> None:
    given = error(body, status)
    assert type(given) is Unavailable
    assert (given.code, given.retryable) == ("SL205", True)
    assert f"status {status}" in given.message


@pytest.mark.parametrize(("wish", "retryable"), [("true", True), ("false", False), ("TRUE", True), ("", None), ("maybe", None)])
@pytest.mark.parametrize(("status", "usually"), [(400, False), (401, False), (429, True), (500, True)])
def test_should_retry_is_obeyed(sample: Sample, wish: str, retryable: bool | None, status: int, usually: bool) -> None:
    given = error(sample("error_500"), status, stripe_should_retry=wish)
    assert given.retryable is (usually if retryable is None else retryable)


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, b"<html>login", Unauthorized, "refused the key"),
        (403, b"<html>blocked by a firewall", Forbidden, "does not let this key"),
        (404, b"404: Not Found", Unreadable, "status 404"),
        (400, b"<html>", Unreadable, "status 400"),
        (301, b"", Unreadable, "sends the request on to evil.example"),
        (204, b"", Unreadable, "status 204"),
        (201, b'{"object":"list","data":[],"has_more":false}', Unreadable, "status 201"),
    ],
)
def test_replies_without_the_shape_of_an_error(status: int, body: bytes, kind: type[ProviderError], words: str) -> None:
    given = error(body, status, location="https://evil.example/v1/customers")
    assert type(given) is kind
    assert words in given.message
    assert given.details
    assert given.hint
    assert ("leave the collection out" in given.hint) == (status == 404)


@pytest.mark.parametrize(
    "body", [{"error": 7}, {"error": {"message": 7, "code": []}}, {"error": {}}, [], {"error": {"message": "x" * 9000}}]
)
def test_an_error_of_another_shape_is_survived(body: Any) -> None:
    given = error(body, 400)
    assert len(given.message) < 500
    assert given.code in {"SL203", "SL204"}


def test_no_secret_and_no_control_character_gets_out() -> None:
    body = b"<html>\x00\x1b[31m Authorization: Bearer abc.def sk_live_51HxyzSECRET whsec_abc rk_test_abcd\n\n" + b"x" * 5000
    given = error(body, 400)
    told = str(given.as_dict()) + str(given) + repr(given)
    for secret in ("abc.def", "51HxyzSECRET", "whsec_abc", "rk_test_abcd", "\\x1b", "\\x00"):
        assert secret not in told
    assert len(told) < 1500


# -- keys


@pytest.mark.parametrize("prefix", ["sk_test_", "sk_live_", "rk_test_", "rk_live_"])
def test_keys_that_pass(prefix: str) -> None:
    STRIPE.seal_check("stripe_key", {"secret": f"{prefix}51Hxyz"})


@pytest.mark.parametrize(
    ("key", "details", "advice"),
    [
        ("", "0 characters, with no beginning that Stripe uses", "give a key"),
        ("hunter2hunter2", "14 characters, with no beginning that Stripe uses", "a key begins with"),
        ("pk_live_51Hxyz", "14 characters, beginning with pk_live_", "publishable"),
        ("whsec_51Hxyz", "12 characters, beginning with whsec_", "webhook"),
        ("sk_test_", "8 characters, beginning with sk_test_", "a key begins with"),
        ("sk_test_51Hx yz", "15 characters, beginning with sk_test_", "spaces or a line break"),
        ("sk_test_51Hxyz\n", "15 characters, beginning with sk_test_", "spaces or a line break"),
        ("sk_test_****51Hx", "16 characters, beginning with sk_test_", "masked"),
        ("sk_test_51Hx…", "13 characters, beginning with sk_test_", "masked"),
        ("sk_test_51Hxÿz", "14 characters, beginning with sk_test_", "a key begins with"),
        ("sk_test_51Hxyz\r\nX-Evil: 1", "25 characters, beginning with sk_test_", "spaces or a line break"),
        ("sk_prod_51Hxyz", "14 characters, beginning with sk_", "a key begins with"),
    ],
)
def test_keys_that_cannot_be(key: str, details: str, advice: str) -> None:
    with pytest.raises(Malformed) as caught:
        STRIPE.seal_check("stripe_key", {"secret": key})
    given = caught.value
    assert given.code == "SL208"
    assert given.details == details
    assert advice in (given.hint or "")
    assert "51Hx" not in str(given.as_dict())
    assert "hunter2" not in str(given.as_dict())


def test_a_kind_of_credential_that_stripe_lacks() -> None:
    with pytest.raises(Malformed, match="'hubspot_key'") as caught:
        STRIPE.seal_check("hubspot_key", {"secret": "sk_test_x"})
    assert "stripe_key" in (caught.value.hint or "")
    assert [field.name for field in STRIPE.credential_kinds["stripe_key"]] == ["secret"]


def test_a_secret_without_its_value(credential: Credential) -> None:
    with pytest.raises(Malformed):
        STRIPE.seal_check("stripe_key", {})
    assert credential.secret["secret"] not in repr(credential)
