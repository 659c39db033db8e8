"""HubSpot's ways of writing: alone and in batches, 207 told apart, values as texts, what may be repeated."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from fakes.hubspot import HubSpotFake
from providers.hubspot_driving import KEY, Driver, write

from pgsluice.providers.base import Response, Write, Written
from pgsluice.providers.errors import Forbidden, Missing, ProviderError, Refused4xx, UnknownCollection, Unreadable
from pgsluice.providers.hubspot import HubSpot

HUBSPOT = HubSpot()


@pytest.fixture
def fake() -> HubSpotFake:
    return HubSpotFake()


def send(fake: HubSpotFake, *writes: Write) -> tuple[Written | ProviderError, ...]:
    return HUBSPOT.read_written(writes, Driver(fake).send(HUBSPOT.write(writes, KEY)))


def body(*writes: Write) -> Any:
    return json.loads(HUBSPOT.write(writes, KEY).body or b"null")


def answered(writes: Sequence[Write], status: int, answer: object) -> tuple[Written | ProviderError, ...]:
    raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return HUBSPOT.read_written(writes, Response(status, {}, raw, "https://api.hubapi.com/crm/v3/objects/contacts", datetime.now(UTC)))


def test_create_update_delete_one_by_one(fake: HubSpotFake) -> None:
    (made,) = send(fake, write("create", {"properties": {"email": "a@example.com"}}))
    assert isinstance(made, Written)
    send(fake, write("update", {"properties": {"firstname": "Anna"}}, upstream_id=made.upstream_id))
    assert fake.objects("contacts")[made.upstream_id]["properties"]["firstname"] == "Anna"
    send(fake, write("delete", upstream_id=made.upstream_id))
    assert fake.objects("contacts") == {}


def test_a_hundred_at_once(fake: HubSpotFake) -> None:
    writes = [write("create", {"properties": {"email": f"{number}@example.com"}}, key=f"k{number}") for number in range(100)]
    assert HUBSPOT.batch_size("create", "hubspot:contact") == 100
    done = send(fake, *writes)
    ids = [one.upstream_id for one in done if isinstance(one, Written)]
    assert [fake.objects("contacts")[key]["properties"]["email"] for key in ids] == [f"{number}@example.com" for number in range(100)]
    send(fake, *(write("update", {"city": "Bonn"}, upstream_id=key, key=f"u{key}") for key in ids))
    assert {doc["properties"]["city"] for doc in fake.objects("contacts").values()} == {"Bonn"}
    send(fake, *(write("delete", upstream_id=key) for key in ids))
    assert fake.objects("contacts") == {}


def test_207_is_told_apart_by_the_trace(fake: HubSpotFake) -> None:
    """Results come without those that failed: by their place each would get another's answer."""
    taken = fake.create("contacts", email="taken@example.com")
    done = send(
        fake,
        write("create", {"email": "no address"}, key="one"),
        write("create", {"email": "b@example.com"}, key="two"),
        write("create", {"email": "taken@example.com"}, key="three"),
        write("create", {"email": "d@example.com"}, key="four"),
    )
    assert [type(one) for one in done] == [Refused4xx, Written, Refused4xx, Written]
    emails = {key: doc["properties"]["email"] for key, doc in fake.objects("contacts").items()}
    assert [emails[one.upstream_id] for one in done if isinstance(one, Written)] == ["b@example.com", "d@example.com"]
    assert isinstance(done[2], Refused4xx)
    own = json.loads(done[2].details or "")
    assert (own["status"], own["error"]["category"]) == (409, "CONFLICT")
    assert f"Existing ID: {taken}" in own["error"]["message"]


def test_a_part_of_the_updates_has_no_object(fake: HubSpotFake) -> None:
    known = fake.create("contacts", email="a@example.com")
    done = send(
        fake,
        write("update", {"city": "Bonn"}, upstream_id="4711", key="one"),
        write("update", {"city": "Bonn"}, upstream_id=known, key="two"),
    )
    assert isinstance(done[0], Missing)
    assert done[1] == Written(known, None)


def test_answers_without_traces() -> None:
    """Older versions echo none: then the id says whose answer it is, the unique value, or, where none failed, the place."""
    updates = [write("update", {"city": "x"}, upstream_id=key, key=f"k{key}") for key in ("1", "2")]
    error = {"category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": ["1"]}}
    done = answered(updates, 207, {"status": "COMPLETE", "results": [{"id": "2"}], "errors": [error]})
    assert isinstance(done[0], Missing)
    assert done[1] == Written("2", None)
    creates = [write("create", {"email": f"{key}@x"}, key=key) for key in "ab"]
    assert answered(creates, 201, {"results": [{"id": "7"}, {"id": "8"}]}) == (Written("7", None), Written("8", None))
    upserts = [write("upsert", {"email": f"{key}@x"}, key=key, match_on="email") for key in "ab"]
    found = [{"id": "8", "properties": {"email": "B@X"}}, {"id": "7", "properties": {"email": "a@x"}}]
    assert answered(upserts, 200, {"results": found}) == (Written("7", None), Written("8", None))


def test_what_an_answer_does_not_say_may_have_been_done() -> None:
    creates = [write("create", {"email": f"{key}@x"}, key=key) for key in "abc"]
    done = answered(creates, 207, {"results": [{"id": "7"}], "errors": [{"category": "VALIDATION_ERROR", "message": "one of them"}]})
    assert all(isinstance(one, Unreadable) and not one.retryable for one in done)
    with pytest.raises(Unreadable):
        answered(creates, 207, b"<html>")
    with pytest.raises(Unreadable):
        answered(creates[:1], 201, {"properties": {}})


def test_a_batch_that_is_refused_whole_may_be_sent_in_parts(fake: HubSpotFake) -> None:
    """HubSpot names the property, and not whose it is: no input of the batch was done."""
    creates = [write("create", {"email": "a@example.com"}, key="one"), write("create", {"nonsense": "1"}, key="two")]
    with pytest.raises(Refused4xx, match="nonsense"):
        send(fake, *creates)
    assert fake.objects("contacts") == {}
    assert isinstance(send(fake, creates[0])[0], Written)
    with pytest.raises(Refused4xx):
        send(fake, creates[1])


def test_upserts_by_a_unique_property(fake: HubSpotFake) -> None:
    known = fake.create("contacts", email="a@example.com")
    fake.add_property("contacts", "customer_no", unique=True)
    other = fake.create("contacts", customer_no="7")
    done = send(
        fake,
        write("upsert", {"properties": {"email": "A@example.com", "city": "Bonn"}}, key="one", match_on="properties.email"),
        write("upsert", {"email": "new@example.com"}, key="two", match_on="email"),
    )
    assert done[0] == Written(known, None)
    assert len(fake.objects("contacts")) == 3
    assert fake.objects("contacts")[known]["properties"]["city"] == "Bonn"
    assert send(fake, write("upsert", {"customer_no": 7, "city": "Ulm"}, match_on="customer_no")) == (Written(other, None),)


def test_an_upsert_may_be_repeated_and_a_create_may_not() -> None:
    assert HUBSPOT.key_window_of("upsert", "hubspot:contact") is not None
    assert {HUBSPOT.key_window_of(kind, "hubspot:contact") for kind in ("create", "update", "delete")} == {None}


def test_values_are_texts() -> None:
    data = '{"amount": 12345678901234567890.1200, "yes": true, "no": false, "clear": null, "several": ["a", "b"], "text": "1e400"}'
    given = Write("create", "hubspot:deal", None, data.encode(), "k")
    assert body(given)["properties"] == {
        "amount": "12345678901234567890.1200", "yes": "true", "no": "false", "clear": "", "several": "a;b", "text": "1e400",
    }  # fmt: skip


def test_associations_of_a_new_object(fake: HubSpotFake) -> None:
    acme = fake.create("companies", name="Acme")
    links = [{"to": {"id": acme}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]}]
    data = {"properties": {"email": "a@example.com"}, "associations": links}
    assert body(write("create", data))["associations"] == links
    (made,) = send(fake, write("create", data))
    assert isinstance(made, Written)
    linked = fake.objects("contacts", ("companies",))[made.upstream_id]["associations"]["companies"]
    assert linked[0]["associationTypes"][0]["typeId"] == 279


@pytest.mark.parametrize(
    "bad",
    [
        write("create", [1]),
        write("create", {"properties": {"a": {"b": 1}}}),
        write("create", {"properties": {}, "id": "1"}),
        write("update", {"properties": {}, "associations": []}, upstream_id="1"),
        write("update", {"a": "b"}, upstream_id=".."),
        write("update", {"a": "b"}, upstream_id="1", if_match="x"),
        write("upsert", {"city": "x"}, match_on="email"),
    ],
)
def test_what_cannot_be_said(bad: Write) -> None:
    with pytest.raises(Refused4xx):
        HUBSPOT.write([bad], KEY)


def test_owners_are_not_written() -> None:
    with pytest.raises(UnknownCollection):
        HUBSPOT.write([write("create", {}, of="hubspot:owner")], KEY)


def test_an_id_is_no_path() -> None:
    request = HUBSPOT.write([write("delete", upstream_id="1/../../owners")], KEY)
    assert request.url == "https://api.hubapi.com/crm/v3/objects/contacts/1%2F..%2F..%2Fowners"


def test_refusals_in_the_vendors_words(fake: HubSpotFake) -> None:
    with pytest.raises(Refused4xx, match="does not exist") as caught:
        send(fake, write("create", {"nonsense": "1"}))
    assert json.loads(caught.value.details or "")["error"]["errors"][0]["code"] == "PROPERTY_DOESNT_EXIST"
    with pytest.raises(Missing):
        send(fake, write("update", {"city": "x"}, upstream_id="4711"))
    fake.closed.add("contacts")
    with pytest.raises(Forbidden) as forbidden:
        send(fake, write("create", {"city": "x"}))
    assert "crm.objects.contacts.read" in (forbidden.value.details or "")
