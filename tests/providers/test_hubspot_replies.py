"""What an account of HubSpot has of its own, and replies that are not whole. The provider at its fake."""

from __future__ import annotations

import json

import pytest
from fakes.hubspot import HubSpotFake
from providers.hubspot_driving import KEY, Driver, begun

from pgsluice.providers.base import Change, Hint
from pgsluice.providers.errors import Forbidden, Refused4xx, Unavailable, UnknownCollection, Unreadable
from pgsluice.providers.hubspot import HubSpot
from pgsluice.providers.hubspot_types import SOURCES

CONTACT, COMPANY = "hubspot:contact", "hubspot:company"


@pytest.fixture
def fake() -> HubSpotFake:
    return HubSpotFake()


# ---------------------------------------------------------------- custom objects


def test_custom_objects_are_found_and_read(fake: HubSpotFake) -> None:
    type_id = fake.add_schema("car", "plate", "colour")
    fake.add_property(type_id, "plate", unique=True)
    found = {}
    cursor = None
    driver = Driver(fake)
    while (request := driver.provider.describe(cursor, KEY)) is not None:
        said = driver.provider.read_described(cursor, driver.send(request))
        found |= {one.collection_id: one for one in said.collections}
        cursor = said.cursor
        if cursor is None:
            break
    assert found.keys() == {f"hubspot:{type_id}", *SOURCES}
    car = found[f"hubspot:{type_id}"]
    assert "p4711_car" in car.description
    assert {"properties.plate", "properties.colour"} <= {field.name for field in car.fields}
    assert car.match_on == ("properties.plate", "plate")
    assert "properties.email" in found[CONTACT].match_on
    contact, made = fake.create("contacts", email="a@example.com"), fake.create(type_id, plate="B-4711")
    fake.associate(type_id, made, "contacts", contact)
    for name in (f"hubspot:{type_id}", "hubspot:p4711_car"):
        reader = begun(fake, name)
        assert reader.docs(name)[made]["properties"]["plate"] == "B-4711"
        assert reader.docs(name)[made]["associations"]["contacts"][0]["toObjectId"] == int(contact)


def test_a_type_that_the_token_may_not_see_is_not_described(fake: HubSpotFake) -> None:
    fake.closed.add("tickets")
    driver, cursor, found = Driver(fake), None, []
    while (request := driver.provider.describe(cursor, KEY)) is not None:
        said = driver.provider.read_described(cursor, driver.send(request))
        found += [one.collection_id for one in said.collections]
        cursor = said.cursor
        if cursor is None:
            break
    assert set(found) == SOURCES.keys() - {"hubspot:ticket"}


@pytest.mark.parametrize("name", ["hubspot:nonsense", "hubspot:../x", "hubspot:", "stripe:customer", "hubspot:2-x"])
def test_what_is_no_collection(name: str) -> None:
    with pytest.raises(UnknownCollection):
        HubSpot().feeds([name])


# ---------------------------------------------------------------- replies that are not whole


def test_a_batch_in_part_is_no_deletion(fake: HubSpotFake) -> None:
    """207 with an error of another kind: the object may be there."""
    driver = Driver(fake, COMPANY)
    hint = Hint(COMPANY, fake.create("companies"))
    partial = driver.provider.read_fetched(hint, driver.send(driver.provider.fetch(hint, KEY)))
    following = partial.hint  # type: ignore[union-attr]
    reply = driver.send(driver.provider.fetch(following, KEY))
    error = {"status": "error", "category": "INTERNAL_ERROR", "message": "a shard is away", "context": {}}
    body = json.dumps({"status": "COMPLETE", "results": [], "numErrors": 1, "errors": [error]}).encode()
    with pytest.raises(Unavailable, match="a shard is away"):
        driver.provider.read_fetched(following, type(reply)(207, reply.headers, body, reply.url, reply.received_at))


def test_what_may_not_be_read_leaves_none_of_a_page_out(fake: HubSpotFake) -> None:
    """One hint speaks for a hundred objects: it must not be put aside as if it were one."""
    driver = begun(fake, COMPANY)
    for _ in range(3):
        fake.create("companies")
    name = f"{COMPANY}.changes"
    page = driver.provider.read(
        driver.feed(name), driver.cursors[name], driver.send(driver.provider.request(driver.feed(name), driver.cursors[name], KEY))
    )
    fake.closed.add("companies")
    with pytest.raises(Refused4xx):
        driver.fetch(page.hints[0])
    with pytest.raises(Forbidden):
        driver.fetch(Hint(COMPANY, "1"))


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'{"results": 1}', b'{"message": "x"}', b'{"results": [], "paging": {"next": {}}}'])
def test_a_page_that_is_none(fake: HubSpotFake, body: bytes) -> None:
    driver = Driver(fake, COMPANY)
    driver.page(COMPANY)
    feed, cursor = driver.feed(COMPANY), driver.cursors[COMPANY]
    good = driver.send(driver.provider.request(feed, cursor, KEY))
    with pytest.raises(Unreadable):
        driver.provider.read(feed, cursor, type(good)(200, good.headers, body, good.url, good.received_at))


def test_an_object_in_two_states_on_one_page_is_fetched(fake: HubSpotFake) -> None:
    driver = Driver(fake, COMPANY)
    upstream_id = fake.create("companies", name="now")
    driver.page(COMPANY)
    feed, cursor = driver.feed(COMPANY), driver.cursors[COMPANY]
    good = driver.send(driver.provider.request(feed, cursor, KEY))
    (doc,) = json.loads(good.body)["results"]
    other = {**doc, "properties": {**doc["properties"], "name": "before"}}
    body = json.dumps({"results": [doc, other]}).encode()
    page = driver.provider.read(feed, cursor, type(good)(200, good.headers, body, good.url, good.received_at))
    assert page.changes == ()
    for hint in page.hints:
        driver.fetch(hint)
    assert driver.docs(COMPANY)[upstream_id]["properties"]["name"] == "now"
    assert isinstance(driver.records[COMPANY][upstream_id], Change)
