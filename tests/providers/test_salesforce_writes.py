"""Writing to Salesforce, its limits and its tokens, at the stand-in over real HTTP."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from fakes.salesforce import Field, SalesforceFake
from providers.organization import CONTACT, INVOICE, Make, contacts, credential, fake, reader
from providers.reading import Reader

from pgsluice.providers.base import Client, Credential, Request, Response, Write, Written
from pgsluice.providers.errors import (
    Conflict,
    Forbidden,
    Missing,
    ProviderError,
    RateLimited,
    Refused4xx,
    Unauthorized,
)
from pgsluice.providers.salesforce import Salesforce

__all__ = ["credential", "fake", "reader"]


def test_a_used_up_budget_is_a_limit_and_no_broken_credential(fake: SalesforceFake, reader: Make) -> None:
    one = reader()
    fake.exhausted = True
    with pytest.raises(RateLimited) as caught:
        one.begin()
    assert caught.value.retry_after == 600.0
    assert "24 hours" in caught.value.message


def test_what_a_reply_says_of_the_budget(reader: Make, fake: SalesforceFake) -> None:
    fake.limit = (99_990, 100_000)
    one = reader()
    one.begin()
    reply = one.send(one.requests[-1])
    signals = one.provider.signals(reply)
    assert signals is not None
    assert signals.remaining == 10
    assert 1 < (signals.restore_rate or 0) < 1.2


def renewed(one: Reader, credential: Credential) -> Any:
    request = one.provider.renew(credential)
    assert request is not None
    return one.provider.read_renewed(credential, one.send(request))


def test_a_session_ends_without_warning_and_is_renewed(fake: SalesforceFake, reader: Make) -> None:
    one = reader()
    fake.tokens.expire()
    with pytest.raises(Unauthorized) as caught:
        one.begin()
    assert caught.value.expired
    client = Client(fake.tokens.client_id, fake.tokens.client_secret)
    secret = {"refresh_token": next(iter(fake.tokens.refresh)), "instance_url": fake.url}
    old = Credential("salesforce_oauth2", secret, fake.url, client)
    new = renewed(one, old)
    assert new.expires_in is None
    assert new.base_url == fake.url
    assert new.secret["access_token"] in fake.tokens.good
    assert one.provider.renew(Credential("salesforce_oauth2", secret)) is None
    fake.tokens.revoke()
    with pytest.raises(Unauthorized) as dead:
        renewed(one, old)
    assert "sign in again" in (dead.value.hint or "")


def test_an_app_by_itself(fake: SalesforceFake, reader: Make) -> None:
    one = reader()
    secret = {"instance_url": fake.url, "client_id": fake.tokens.client_id, "client_secret": fake.tokens.client_secret}
    one.provider.seal_check("salesforce_client_credentials", secret)
    new = renewed(one, Credential("salesforce_client_credentials", secret))
    assert new.secret == {**secret, "access_token": new.secret["access_token"]}
    one.credential = Credential("salesforce_client_credentials", new.secret, new.base_url)
    one.begin()
    asking = one.provider.identify(one.credential)
    assert isinstance(asking, Request)
    assert one.provider.read_identified(one.send(asking)) == "00DRO0000008aXzYAI"


def write(one: Reader, *writes: Write) -> tuple[Written | ProviderError, ...]:
    return one.provider.read_written(writes, one.send(one.provider.write(writes, one.credential)))


def of(kind: str, data: Any = None, key: str | None = None, collection: str = CONTACT, **more: Any) -> Write:
    return Write(kind, collection, key, None if data is None else json.dumps(data).encode(), "k", **more)


def test_200_records_a_request_each_with_a_result(fake: SalesforceFake, reader: Make) -> None:
    one = reader()
    data = [{"FirstName": str(number)} | ({} if number % 50 == 0 else {"LastName": "x"}) for number in range(200)]
    found = write(one, *[of("create", item) for item in data])
    assert [isinstance(item, Written) for item in found] == [number % 50 != 0 for number in range(200)]
    assert len(fake.objects("Contact")) == 196
    refused = found[50]
    assert isinstance(refused, Refused4xx)
    assert json.loads(refused.details or "")["error"][0] == {
        "statusCode": "REQUIRED_FIELD_MISSING", "message": "Required fields are missing: [LastName]", "fields": ["LastName"],
    }  # fmt: skip
    assert len(one.requests) == 1


def test_null_clears_and_what_is_left_out_stays(fake: SalesforceFake, reader: Make) -> None:
    key = fake.create("Contact", FirstName="Paul", LastName="A", Title="Duke")["Id"]
    (found,) = write(reader(), of("update", {"FirstName": None}, key[:15]))
    assert isinstance(found, Written)
    assert found.upstream_id == key
    doc = fake.objects("Contact")[key]
    assert (doc["FirstName"], doc["LastName"], doc["Title"]) == (None, "A", "Duke")


def test_deletions_and_what_is_not_there(fake: SalesforceFake, reader: Make) -> None:
    one, (first, second) = reader(), contacts(fake, 2)
    found = write(one, of("delete", key=first), of("delete", key="003RO0000000000YAA"))
    assert isinstance(found[0], Written)
    assert found[0].change is not None
    assert found[0].change.deleted
    assert isinstance(found[1], Missing)
    assert isinstance(write(one, of("update", {"Title": "x"}, first))[0], Missing)
    with pytest.raises(Missing):
        write(one, of("update", {"Title": "x"}, "../../x"))
    assert fake.objects("Contact").keys() == {second}


def test_upserts_by_an_external_id(fake: SalesforceFake, reader: Make) -> None:
    one = reader()
    both = [of("upsert", {"Key__c": "k1", "Name": name}, collection=INVOICE, match_on="Key__c") for name in ("a", "b")]
    first = write(one, both[0])
    assert first == write(one, both[1])
    assert [doc["Name"] for doc in fake.objects("Invoice__c").values()] == ["b"]
    (wrong,) = write(one, of("upsert", {"Name": "x"}, collection=INVOICE, match_on="Name"))
    assert isinstance(wrong, Refused4xx)
    assert "not an External ID" in wrong.message
    fake.add_object("Loose__c", [Field("Key__c", external=True)])
    for _ in range(2):
        fake.create("Loose__c", Key__c="same")
    (several,) = write(one, of("upsert", {"Key__c": "same"}, collection="salesforce:loose__c", match_on="Key__c"))
    assert isinstance(several, Refused4xx)
    assert "More than one record" in several.message
    assert one.provider.key_window_of("create", CONTACT) is None
    assert one.provider.key_window_of("upsert", CONTACT) is not None


def test_a_version_that_a_write_is_meant_for(fake: SalesforceFake, reader: Make) -> None:
    one = reader()
    key = fake.create("Contact", LastName="A")["Id"]
    seen = fake.objects("Contact")[key]["SystemModstamp"]
    (mine,) = write(one, of("update", {"LastName": "mine"}, key, if_match=seen))
    assert isinstance(mine, Written)
    fake.clock.advance(5)
    fake.change("Contact", key, LastName="theirs")
    for kind, data in (("update", {"LastName": "mine again"}), ("delete", None)):
        (late,) = write(one, of(kind, data, key, if_match=seen))
        assert isinstance(late, Conflict)
    assert fake.objects("Contact")[key]["LastName"] == "theirs"
    with pytest.raises(Refused4xx, match="no time"):
        write(one, of("update", {}, key, if_match="tag"))


def test_a_locked_row_is_tried_again(fake: SalesforceFake, reader: Make) -> None:
    (key,) = contacts(fake, 1)
    fake.store.locked.add(key)
    (busy,) = write(reader(), of("update", {"Title": "x"}, key))
    assert isinstance(busy, RateLimited)


def test_innocents_of_a_request_that_was_taken_back(fake: SalesforceFake, reader: Make) -> None:
    one = reader()
    writes = [of("create", {"LastName": "x"}), of("create", {})]
    request = one.provider.write(writes, one.credential)
    whole = Request(request.method, request.url, (), request.headers, (request.body or b"").replace(b"false", b"true", 1))
    innocent, guilty = one.provider.read_written(writes, one.send(whole))
    assert isinstance(innocent, Refused4xx)
    assert "another item" in innocent.message
    assert "missing" in str(guilty)


def refused(code: str, message: str) -> object:
    """What becomes of an item that is refused so."""
    body = json.dumps([{"success": False, "errors": [{"statusCode": code, "message": message, "fields": []}]}])
    reply = Response(200, {}, body.encode(), "https://x/services/data/v67.0/composite/sobjects", datetime.now(UTC))
    (found,) = Salesforce().read_written([of("update", {}, "003RO0000035WQgYAM")], reply)
    return found


def test_a_right_that_the_user_lacks() -> None:
    assert isinstance(refused("INSUFFICIENT_ACCESS_OR_READONLY", "no"), Forbidden)


def test_an_item_that_comes_when_the_days_requests_are_used_up() -> None:
    """It waits longer than one that comes while too many are on the way."""
    for message, pause in (
        ("TotalRequests Limit exceeded.", 600.0),
        ("ConcurrentRequests (Concurrent API Requests) Limit exceeded.", None),
    ):
        found = refused("REQUEST_LIMIT_EXCEEDED", message)
        assert isinstance(found, RateLimited)
        assert found.retry_after == pause


def test_an_object_that_the_organization_has_not(reader: Make) -> None:
    one = reader("salesforce:nothing__c")
    with pytest.raises(Refused4xx, match="no such object"):
        one.begin()


def test_what_an_organization_has(fake: SalesforceFake, reader: Make) -> None:
    one, cursor, found = reader(), None, {}
    while True:
        request = one.provider.describe(cursor, one.credential)
        assert request is not None
        said = one.provider.read_described(cursor, one.send(request))
        found |= {collection.collection_id: collection for collection in said.collections}
        cursor = said.cursor
        if cursor is None:
            break
    assert {CONTACT, INVOICE, "salesforce:account"} <= found.keys()
    assert "salesforce:invoice__history" not in found
    invoice = found[INVOICE]
    assert invoice.match_on == ("Key__c",)
    assert set(invoice.mutations) == {"create", "update", "delete", "upsert"}
    assert {field.name: field.type for field in invoice.fields}["Total__c"] == "number"
    assert "Place__c" not in {field.name for field in invoice.fields}
