"""An organization of Salesforce at the stand-in, and a reader of it: what the tests of the provider share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fakes.salesforce import SalesforceFake
from providers.reading import Reader

from pgsluice.providers.base import Credential, Feed
from pgsluice.providers.salesforce import Salesforce

CONTACT, INVOICE = "salesforce:contact", "salesforce:invoice__c"
Make = Callable[..., Reader]


@pytest.fixture
def fake() -> Iterator[SalesforceFake]:
    with SalesforceFake() as fake:
        fake.page_cap = 3
        yield fake


@pytest.fixture
def credential(fake: SalesforceFake) -> Credential:
    return Credential("salesforce_oauth2", {"access_token": fake.tokens.token, "instance_url": fake.url})


@pytest.fixture
def reader(fake: SalesforceFake, credential: Credential) -> Iterator[Make]:
    made: list[Reader] = []

    def make(*collections: str) -> Reader:
        made.append(Reader(Salesforce(), credential, list(collections or (CONTACT,))))
        return made[-1]

    yield make
    for one in made:
        one.close()


def contacts(fake: SalesforceFake, count: int = 7) -> list[str]:
    return [fake.create("Contact", FirstName="Paul", LastName=f"A{number}")["Id"] for number in range(count)]


def assert_equal(fake: SalesforceFake, one: Reader, name: str = "Contact") -> None:
    assert one.records.get(f"salesforce:{name.lower()}", {}) == fake.objects(name)


def feed_of(one: Reader, name: str) -> Feed:
    return next(feed for feed in one.feeds if feed.name == name)


def asked(one: Reader, word: str) -> int:
    return sum(word in request.url + str(request.params) for request in one.requests)
