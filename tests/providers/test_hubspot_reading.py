"""HubSpot's traps in reading, each with what would go wrong without its cure. No poller, no database: the provider at its fake."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from fakes.hubspot import HubSpotFake, search
from providers.hubspot_driving import KEY, Driver, begun

from pgsluice.providers import hubspot_lists, hubspot_search
from pgsluice.providers.base import Cursor, Hint, Response
from pgsluice.providers.errors import ListBroken
from pgsluice.providers.hubspot import HubSpot
from pgsluice.providers.hubspot_types import OWNER, SOURCES

CONTACT, COMPANY, DEAL = "hubspot:contact", "hubspot:company", "hubspot:deal"
HUBSPOT = HubSpot()


@pytest.fixture
def fake() -> HubSpotFake:
    made = HubSpotFake()
    made.clock.freeze()
    made.clock.advance(-30 * 86_400)
    return made


def test_every_type_is_read_whole(fake: HubSpotFake) -> None:
    fake.page_cap = 3
    for path in fake.things:
        for number in range(7):
            fake.create(path, **({"email": f"{number}@example.com"} if path == "contacts" else {}))
    for number in range(7):
        fake.create("owners", firstName=f"Owner {number}")
    driver = begun(fake, *SOURCES)
    for collection_id, source in SOURCES.items():
        assert driver.docs(collection_id) == fake.objects(source.path, source.links), collection_id
        assert len(driver.docs(collection_id)) == 7


def test_ids_of_different_length_are_in_order(fake: HubSpotFake) -> None:
    """As text, "1000" goes before "996"."""
    driver = begun(fake, COMPANY)
    fake.search_cap = 2
    made = [fake.create("companies", name=f"{number}") for number in range(9)]
    assert (min(map(len, made)), max(map(len, made))) == (3, 4)
    driver.read_all("changes")
    assert driver.docs(COMPANY) == fake.objects("companies")


# ---------------------------------------------------------------- equal timestamps


def test_more_objects_of_one_timestamp_than_a_search_shows(fake: HubSpotFake) -> None:
    """A bulk update. By `after` the search ends at 10,000; by the time alone it goes in circles, or loses the rest."""
    many = search.MOST + 50
    ids = [fake.create("companies", name="old") for _ in range(many)]
    driver = Driver(fake, COMPANY)
    driver.read(f"{COMPANY}.changes")
    fake.clock.advance(86_400)
    driver.read(f"{COMPANY}.changes")
    for upstream_id in ids:
        fake.change("companies", upstream_id, name="new")
    pages = driver.read(f"{COMPANY}.changes")
    assert len(pages) == -(-many // hubspot_search.PAGE)
    assert driver.docs(COMPANY).keys() == set(ids)
    assert {doc["properties"]["name"] for doc in driver.docs(COMPANY).values()} == {"new"}
    # The window has moved: behind the overlap they are not asked for again.
    assert driver.cursors[f"{COMPANY}.changes"] == {"since": int(fake.clock.now()) - hubspot_search.OVERLAP}


def test_the_window_stands_still_while_it_is_read(fake: HubSpotFake) -> None:
    """What changes behind our back, at a lower id than we are at, belongs to the next window."""
    driver = begun(fake, COMPANY)
    fake.search_cap = 3
    ids = [fake.create("companies", name="one") for _ in range(9)]
    name = f"{COMPANY}.changes"
    driver.page(name)
    driver.page(name)
    fake.clock.advance(60)
    fake.change("companies", ids[0], name="two")
    fake.change("companies", ids[8], name="two")
    while driver.page(name).more:
        fake.clock.advance(60)
    driver.read(name)
    assert driver.docs(COMPANY) == fake.objects("companies")


def test_the_borders_of_a_window() -> None:
    """Frozen with its first page, asked for with every other one, and moved when it is drained, to before its end."""
    feed = next(feed for feed in HUBSPOT.feeds([COMPANY]) if feed.name == f"{COMPANY}.changes")

    def page(cursor: Cursor | None, at: int, *ids: int, total: int = 0) -> Cursor:
        body = json.dumps({"total": total, "results": [{"id": str(upstream_id), "properties": {}} for upstream_id in ids]}).encode()
        return HUBSPOT.read(feed, cursor, Response(200, {}, body, "https://x", datetime.fromtimestamp(at, UTC))).cursor

    def asked(cursor: Cursor) -> dict[str, str]:
        (group,) = json.loads(HUBSPOT.request(feed, cursor, KEY).body or b"")["filterGroups"]
        return {f"{one['propertyName']} {one['operator']}": one["value"] for one in group["filters"]}

    start = page(None, 10_000)
    assert start == {"since": 10_000 - hubspot_search.OVERLAP}
    since = {"hs_lastmodifieddate GTE": str(start["since"] * 1000)}
    assert asked(start) == since
    first = page(start, 20_000, 5, 7, total=4)
    assert first == {**start, "until": 20_000, "above": 7}
    # The second in which it was frozen is in it as a whole.
    frozen = {**since, "hs_lastmodifieddate LTE": "20000999"}
    assert asked(first) == {**frozen, "hs_object_id GT": "7"}
    second = page(first, 30_000, 8, total=2)
    assert second == {**first, "above": 8}
    assert page(second, 40_000, 9, total=1) == {"since": 20_000 - hubspot_search.OVERLAP}


def test_an_index_that_lags(fake: HubSpotFake) -> None:
    fake.index_lag = 200.0
    driver = begun(fake, COMPANY)
    late = fake.create("companies", name="late")
    for _ in range(5):
        fake.clock.advance(60)
        driver.read_all("changes")
    assert driver.docs(COMPANY)[late]["properties"]["name"] == "late"


def test_what_the_index_shows_is_not_believed(fake: HubSpotFake) -> None:
    """The object is read itself: its last change is not in the index yet."""
    driver = begun(fake, COMPANY)
    upstream_id = fake.create("companies", name="first")
    fake.index_lag = 30.0
    fake.clock.advance(40)
    fake.change("companies", upstream_id, name="second")
    driver.read_all("changes")
    assert driver.docs(COMPANY)[upstream_id]["properties"]["name"] == "second"


def test_contacts_call_their_time_otherwise(fake: HubSpotFake) -> None:
    driver = begun(fake, CONTACT)
    upstream_id = fake.create("contacts", email="a@example.com")
    driver.read_all("changes")
    assert upstream_id in driver.docs(CONTACT)


def test_a_search_that_does_not_get_on(fake: HubSpotFake) -> None:
    driver = begun(fake, COMPANY)
    fake.search_cap = 2
    for _ in range(5):
        fake.create("companies")
    driver.page(name := f"{COMPANY}.changes")
    feed, cursor = driver.feed(name), driver.cursors[name]
    first = driver.provider.request(feed, {"since": cursor["since"]} if cursor else None, KEY)
    with pytest.raises(ListBroken, match="does not get on") as caught:
        driver.provider.read(feed, cursor, driver.send(first))
    assert caught.value.cursor == {"since": cursor["since"] if cursor else 0}


def test_no_news_cost_one_search(fake: HubSpotFake) -> None:
    driver = begun(fake, COMPANY)
    driver.read(f"{COMPANY}.changes")
    assert driver.log == ["POST /crm/v3/objects/companies/search"]
    assert len(json.dumps(driver.cursors[f"{COMPANY}.changes"])) < 40


# ---------------------------------------------------------------- properties


def test_hundreds_of_properties_overflow_no_address(fake: HubSpotFake) -> None:
    """An address takes 8 kB. What is too long for it is read by POST, with the same result."""
    fake.add_property("companies", *(f"a_property_with_a_long_name_{number}" for number in range(700)))
    ids = [fake.create("companies", name=f"{number}", a_property_with_a_long_name_699="here") for number in range(5)]
    driver = begun(fake, COMPANY)
    assert driver.docs(COMPANY) == fake.objects("companies")
    assert len(driver.docs(COMPANY)[ids[0]]["properties"]) > 700
    fake.change("companies", ids[1], a_property_with_a_long_name_0="changed")
    driver.read_all("changes")
    assert driver.docs(COMPANY) == fake.objects("companies")


def test_a_new_property_appears(fake: HubSpotFake) -> None:
    upstream_id = fake.create("companies", name="x")
    driver = begun(fake, COMPANY)
    fake.add_property("companies", "tier")
    fake.change("companies", upstream_id, tier="gold")
    driver.read_all("changes")
    assert driver.docs(COMPANY)[upstream_id]["properties"]["tier"] == "gold"


def test_a_new_property_appears_in_the_middle_of_a_long_list(fake: HubSpotFake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubspot_lists, "REFRESH", 2)
    fake.page_cap = 1
    ids = [fake.create("companies", name="x") for _ in range(6)]
    driver = Driver(fake, COMPANY)
    driver.page(COMPANY)
    driver.page(COMPANY)
    fake.add_property("companies", "tier")
    fake.change("companies", ids[-1], tier="gold")
    driver.read(COMPANY)
    assert driver.docs(COMPANY)[ids[-1]]["properties"]["tier"] == "gold"


def test_values_are_as_sent(fake: HubSpotFake) -> None:
    upstream_id = fake.create("deals", amount="12345678901234567890.12300", dealname="1e400")
    driver = begun(fake, DEAL)
    raw = driver.records[DEAL][upstream_id].raw
    assert raw is not None
    assert b'"12345678901234567890.12300"' in raw


# ---------------------------------------------------------------- associations


def test_associations_are_in_the_record(fake: HubSpotFake) -> None:
    acme, contact = fake.create("companies", name="Acme"), fake.create("contacts", email="a@example.com")
    alone = fake.create("contacts", email="b@example.com")
    fake.associate("contacts", contact, "companies", acme, 279)
    driver = begun(fake, CONTACT)
    entry = {"toObjectId": int(acme), "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": 279, "label": None}]}
    assert driver.docs(CONTACT)[contact]["associations"] == {"companies": [entry]}
    assert driver.docs(CONTACT)[alone]["associations"] == {"companies": []}


def test_a_changed_association_moves_no_date(fake: HubSpotFake) -> None:
    """The search cannot find it. The sweep does, and a webhook's hint."""
    acme, contact = fake.create("companies"), fake.create("contacts", email="a@example.com")
    driver = begun(fake, CONTACT)
    fake.associate("contacts", contact, "companies", acme)
    driver.read_all("changes")
    assert driver.docs(CONTACT)[contact]["associations"] == {"companies": []}
    driver.read(f"{CONTACT}.sweep")
    assert driver.docs(CONTACT) == fake.objects("contacts", ("companies",))
    fake.dissociate("contacts", contact, "companies", acme)
    driver.fetch(Hint(CONTACT, contact))
    assert driver.docs(CONTACT) == fake.objects("contacts", ("companies",))


def test_more_associations_than_one_reply_shows(fake: HubSpotFake) -> None:
    deal = fake.create("deals", dealname="large")
    for number in range(23):
        fake.associate("deals", deal, "contacts", fake.create("contacts", email=f"{number}@example.com"))
    fake.link_cap = 5
    driver = begun(fake, DEAL)
    assert driver.docs(DEAL) == fake.objects("deals", ("contacts", "companies"))
    assert len(driver.docs(DEAL)[deal]["associations"]["contacts"]) == 23


def test_a_type_that_may_not_be_seen_is_left_out_of_the_associations(fake: HubSpotFake) -> None:
    deal = fake.create("deals", dealname="x")
    fake.closed.add("companies")
    driver = begun(fake, DEAL)
    assert driver.docs(DEAL)[deal]["associations"] == {"contacts": []}


# ---------------------------------------------------------------- what is gone


def test_archived_objects(fake: HubSpotFake) -> None:
    fake.page_cap = 3
    before = [fake.create("companies", name="long gone") for _ in range(7)]
    ids = [fake.create("companies", name="x") for _ in range(7)]
    for upstream_id in before:
        fake.archive("companies", upstream_id)
    fake.clock.advance(3600)
    driver = begun(fake, COMPANY)
    fake.archive("companies", ids[1])
    pages = driver.read(f"{COMPANY}.archived")
    # Those from before we came were never here.
    assert driver.gone(COMPANY) == {ids[1]}
    assert pages[-1].wait == hubspot_lists.PAUSE + 3 * hubspot_lists.PAUSE_A_PAGE
    tombstone = driver.records[COMPANY][ids[1]]
    fake.clock.advance(10)
    fake.restore("companies", ids[1])
    driver.read_all("changes")
    back = driver.records[COMPANY][ids[1]]
    assert not back.deleted
    assert back.upstream_updated_at is not None
    assert tombstone.upstream_updated_at is not None
    assert back.upstream_updated_at > tombstone.upstream_updated_at


def test_what_is_gone_for_good_is_found_by_the_sweep(fake: HubSpotFake) -> None:
    ids = [fake.create("companies", name="x") for _ in range(3)]
    driver = begun(fake, COMPANY)
    fake.purge("companies", ids[1])
    driver.read_all("changes")
    assert driver.gone(COMPANY) == set()
    seen = {change.upstream_id for page in driver.read(f"{COMPANY}.sweep") for change in page.changes}
    assert seen == {ids[0], ids[2]}


def test_a_merge_makes_one_id_vanish(fake: HubSpotFake) -> None:
    """No list of archived objects has it, and asked for it, HubSpot answers with the other one."""
    winner, loser = fake.create("contacts", email="w@example.com"), fake.create("contacts", email="l@example.com", city="Bonn")
    driver = begun(fake, CONTACT)
    fake.clock.advance(5)
    fake.merge("contacts", winner, loser)
    driver.read_all("changes")
    assert driver.gone(CONTACT) == {loser}
    assert driver.docs(CONTACT) == fake.objects("contacts", ("companies",))
    again = Driver(fake, CONTACT)
    again.fetch(Hint(CONTACT, loser))
    assert again.gone(CONTACT) == {loser}
    assert again.docs(CONTACT).keys() == {winner}


def test_an_object_that_goes_between_search_and_reading(fake: HubSpotFake) -> None:
    driver = begun(fake, COMPANY)
    ids = [fake.create("companies", name="x") for _ in range(3)]
    name = f"{COMPANY}.changes"
    feed, cursor = driver.feed(name), driver.cursors[name]
    page = driver.provider.read(feed, cursor, driver.send(driver.provider.request(feed, cursor, KEY)))
    fake.archive("companies", ids[1])
    for hint in page.hints:
        driver.fetch(hint)
    assert (driver.gone(COMPANY), driver.docs(COMPANY).keys()) == ({ids[1]}, {ids[0], ids[2]})


def test_one_that_nobody_has(fake: HubSpotFake) -> None:
    driver = Driver(fake, COMPANY, OWNER)
    for collection_id in (COMPANY, OWNER):
        driver.fetch(Hint(collection_id, "123456"))
        assert driver.gone(collection_id) == {"123456"}
