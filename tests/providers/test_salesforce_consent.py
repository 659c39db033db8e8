"""How a person's consent opens an organization: the address to send him to, the code, the tokens, which organization it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fakes.salesforce import SalesforceFake

from pgsluice.providers.base import Client, Credential, Request, Response
from pgsluice.providers.consent import Signin
from pgsluice.providers.errors import Malformed, Refused4xx, Unauthorized, Unavailable
from pgsluice.providers.salesforce import Salesforce

CALLBACK = "https://us.example/callback"
SALESFORCE = Salesforce()


@pytest.fixture
def fake() -> Iterator[SalesforceFake]:
    with SalesforceFake() as fake:
        yield fake


@pytest.fixture
def signin(fake: SalesforceFake) -> Signin:
    client = Client(fake.tokens.client_id, fake.tokens.client_secret)
    return Signin("salesforce_oauth2", client, CALLBACK, "state-1", verifier="v" * 43, base_url=fake.url)


def send(request: Request) -> Response:
    with httpx.Client(trust_env=False, timeout=60) as client:
        reply = client.request(request.method, request.url, params=list(request.params), headers=request.headers, content=request.body)
    return Response(reply.status_code, dict(reply.headers), reply.content, request.url, datetime.now(UTC))


def consented(signin: Signin) -> dict[str, str]:
    """The query that the person comes back with."""
    with httpx.Client(trust_env=False, timeout=60) as client:
        back = client.get(SALESFORCE.authorize(signin)).headers["location"]
    assert back.startswith(f"{CALLBACK}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}


def test_from_the_consent_to_a_record(fake: SalesforceFake, signin: Signin) -> None:
    answer = consented(signin)
    assert answer["state"] == "state-1"
    granted = SALESFORCE.read_exchanged(signin, answer, send(SALESFORCE.exchange(signin, answer)))
    assert (granted.account, granted.base_url, granted.expires_in) == ("00DRO0000008aXzYAI", fake.url, None)
    assert granted.scopes == ("api", "refresh_token")
    assert granted.secret.keys() == {"access_token", "refresh_token", "instance_url", "login_url"}
    credential = Credential("salesforce_oauth2", granted.secret, granted.base_url, client=signin.client)
    identify = SALESFORCE.identify(credential)
    assert identify is not None
    assert SALESFORCE.read_identified(send(identify)) == granted.account
    renew = SALESFORCE.renew(credential)
    assert renew is not None
    assert SALESFORCE.read_renewed(credential, send(renew)).secret["refresh_token"] == granted.secret["refresh_token"]
    # A code is good once.
    with pytest.raises(Refused4xx, match="invalid_grant"):
        SALESFORCE.read_exchanged(signin, answer, send(SALESFORCE.exchange(signin, answer)))


def test_a_code_of_another_browser_is_worth_nothing(signin: Signin) -> None:
    answer = consented(signin)
    other = replace(signin, verifier="w" * 43)
    with pytest.raises(Refused4xx, match="verifier"):
        SALESFORCE.read_exchanged(other, answer, send(SALESFORCE.exchange(other, answer)))


def test_without_a_refresh_token_the_access_would_end(signin: Signin) -> None:
    narrow = replace(signin, scopes=("api",))
    answer = consented(narrow)
    with pytest.raises(Refused4xx, match="no refresh token"):
        SALESFORCE.read_exchanged(narrow, answer, send(SALESFORCE.exchange(narrow, answer)))


def test_who_says_no(signin: Signin) -> None:
    with pytest.raises(Refused4xx, match="end-user denied authorization"):
        SALESFORCE.exchange(signin, {"error": "access_denied", "error_description": "end-user denied authorization"})


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ("", "login.salesforce.com"),
        ("test.salesforce.com", "test.salesforce.com"),
        ("https://acme--dev.sandbox.my.salesforce.com/", "acme--dev.sandbox.my.salesforce.com"),
    ],
)
def test_where_the_person_signs_in(signin: Signin, given: str, host: str) -> None:
    url = urlsplit(SALESFORCE.authorize(replace(signin, base_url=None, values={"login_url": given})))
    assert (url.scheme, url.netloc, url.path) == ("https", host, "/services/oauth2/authorize")
    assert parse_qs(url.query)["code_challenge_method"] == ["S256"]


@pytest.mark.parametrize("given", ["evil.example", "http://login.salesforce.com", "https://salesforce.com.evil.example", "https://x@y", "a b",
                                   "https://evil.example/.salesforce.com", "login.salesforce.com:8443"])  # fmt: skip
def test_nobody_else_gets_the_secret_of_the_app(signin: Signin, given: str) -> None:
    with pytest.raises(Malformed):
        SALESFORCE.exchange(replace(signin, base_url=None, values={"login_url": given}), {"code": "c"})


@pytest.mark.parametrize(
    ("instance_url", "base_url", "sent"),
    [
        ("https://a.my.salesforce.com", None, True),
        ("https://a.my.salesforce.com", "https://proxy.example", True),
        ("https://stand-in.example:8443", "https://stand-in.example:8443/", True),
        ("https://evil.example", None, False),
        ("http://a.my.salesforce.com", None, False),
        ("https://a.my.salesforce.com:8443", None, False),
        ("https://a.my.salesforce.com.evil.example", "https://proxy.example", False),
    ],
)
def test_an_imported_token_takes_the_secret_of_the_app_nowhere_else(instance_url: str, base_url: str | None, sent: bool) -> None:
    secret = {"refresh_token": "5Aep861x", "instance_url": instance_url}
    credential = Credential("salesforce_oauth2", secret, base_url, Client("i", "s"))
    if not sent:
        with pytest.raises(Malformed, match="no host of Salesforce's"):
            SALESFORCE.renew(credential)
        return
    request = SALESFORCE.renew(credential)
    assert request is not None
    assert request.url.startswith(instance_url)


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (400, "invalid_grant", Unauthorized),
        (401, "invalid_client", Unauthorized),
        (400, "unknown_error", Unavailable),
        (503, "", Unavailable),
    ],
)
def test_renewals_that_fail(status: int, error: str, expected: type[Exception]) -> None:
    secret = {"refresh_token": "5Aep861x", "instance_url": "https://a.my.salesforce.com"}
    credential = Credential("salesforce_oauth2", secret, client=Client("i", "s"))
    body = json.dumps({"error": error, "error_description": "words"}).encode()
    with pytest.raises(expected):
        SALESFORCE.read_renewed(credential, Response(status, {}, body, "https://a.my.salesforce.com/x", datetime.now(UTC)))


@pytest.mark.parametrize(
    ("kind", "secret"),
    [
        ("salesforce_oauth2", {"instance_url": "acme", "refresh_token": "5Aep861x"}),
        ("salesforce_oauth2", {"instance_url": "https://a.my.salesforce.com", "refresh_token": "a b\n"}),
        ("salesforce_client_credentials", {"instance_url": "https://a.my.salesforce.com", "client_id": "3MVG9x"}),
        ("salesforce_password", {}),
    ],
)
def test_what_cannot_be_a_secret(kind: str, secret: dict[str, str]) -> None:
    with pytest.raises(Malformed) as caught:
        SALESFORCE.seal_check(kind, secret)
    assert all(value not in str(caught.value.as_dict()) for value in secret.values() if len(value) > 8)
