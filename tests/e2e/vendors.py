"""Accounts at the stand-ins of the four vendors, for tests that do the same with each: somebody works there, and what there is can be told."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import psycopg
from e2e import polling
from e2e.polling import KEY, PROGRAM
from fakes.hubspot import CLIENT, HUB_ID, TOKEN, HubSpotFake
from fakes.salesforce import SalesforceFake
from fakes.shopify import ShopifyFake
from fakes.stripe import StripeFake

from pgsluice.db.client import Client
from pgsluice.providers.hubspot_types import SOURCES as HUBSPOT
from pgsluice.providers.shopify_collections import SOURCES as SHOPIFY
from pgsluice.providers.stripe import API_VERSION

Doc = dict[str, Any]
State = dict[str, dict[str, Doc]]  # collection → id → object


class Account(ABC):
    """One account, read by the sync `acme`. `objects`: the ids that somebody works with, by the stand-in's own name of their type."""

    provider: ClassVar[str]
    collections: ClassVar[tuple[str, ...]]
    main: ClassVar[str]  # the collection of which there is much …
    kind: ClassVar[str]  # … and what the stand-in calls its type
    signs: ClassVar[bool] = True  # whether the vendor sends webhooks
    program: ClassVar[str] = PROGRAM  # of a poller in a process of its own
    # What a deletion is found by is due hours or minutes later: these feeds are made due at once.
    due: ClassVar[str] = "false"
    pause: ClassVar[float] = 0.02  # between two changes

    fake: Any  # the stand-in

    def __init__(self) -> None:
        self.objects: dict[str, list[str]] = {}

    @abstractmethod
    def __enter__(self) -> Self: ...

    @abstractmethod
    def __exit__(self, *_: object) -> None: ...

    @abstractmethod
    def fill(self, many: int) -> None:
        """`many` objects of the main collection, and a few others."""

    @abstractmethod
    def make(self) -> str:
        """One more object of the main collection; its id."""

    @abstractmethod
    def rename(self, upstream_id: str, text: str) -> None: ...

    @abstractmethod
    def name_of(self, data: Mapping[str, Any]) -> str: ...

    @abstractmethod
    def delete(self, upstream_id: str) -> None: ...

    @abstractmethod
    def touch(self, dice: random.Random) -> None:
        """A change of something else than the main collection."""

    @abstractmethod
    def there(self) -> State:
        """What the vendor has now."""

    @abstractmethod
    def connect(self, db: str) -> None:
        """The stream `billing`, the credential and the sync."""

    @abstractmethod
    def slow(self) -> None:
        """So that a first reading takes a while."""

    @abstractmethod
    def fast(self) -> None: ...

    def listen(self, url: str) -> None:  # noqa: B027  most vendors' API has subscriptions
        """What a person enters at the vendor."""

    # ------------------------------------------------------------ the same for all

    def work(self, dice: random.Random, ids: list[str]) -> None:
        """Somebody changes something. `ids`: of the main collection, as far as they are there."""
        match dice.randrange(6):
            case 0:
                ids.append(self.make())
            case 1 if len(ids) > 50:
                self.delete(ids.pop(dice.randrange(len(ids))))
            case 2:
                self.touch(dice)
            case _:
                self.rename(dice.choice(ids), f"{dice.random()}")

    def sync(self, client: Client, **more: Any) -> None:
        client.sync_create("billing", self.provider, "acme", collection_ids=list(self.collections), credential_id="acme", **more)

    def hurry(self, db: str) -> None:
        with psycopg.connect(db, autocommit=True) as conn:
            conn.execute(f"update sluice_internal.sync_feeds set next_attempt_at = null where sync_id = 'acme' and ({self.due})")  # type: ignore[arg-type]

    def here(self, db: str) -> State:
        found: State = {name: {} for name in self.collections}
        with psycopg.connect(db) as conn:
            for name, upstream_id, data in conn.execute("select collection_id, upstream_id, data from sluice.records where not deleted"):
                assert upstream_id not in found[name], "the same object twice"
                found[name][upstream_id] = data
        return found

    def difference(self, db: str, there: State) -> str | None:
        """In words, the first thing that is not here as it is there; None: all is equal."""
        here = self.here(db)
        for name, objects in there.items():
            if missing := objects.keys() - here[name].keys():
                return f"{name}: {len(missing)} are missing, as {min(missing)}"
            if more := here[name].keys() - objects.keys():
                return f"{name}: {len(more)} are too much, as {min(more)}"
            for upstream_id, doc in objects.items():
                if here[name][upstream_id] != doc:
                    return f"{name} {upstream_id}: {here[name][upstream_id]} in place of {doc}"
        return None


class StripeAccount(Account):
    provider = "stripe"
    collections = tuple(f"stripe:{kind}" for kind in polling.KINDS)
    main = "stripe:customer"
    kind = "customer"

    def __enter__(self) -> Self:
        self.fake = StripeFake()
        self.fake.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.fake.stop()

    def fill(self, many: int) -> None:
        self.objects = self.fake.seed(customers=many, products=20, prices=20, plans=10, subscriptions=min(40, many))

    def make(self) -> str:
        return str(self.fake.create("customer", name="new")["id"])

    def rename(self, upstream_id: str, text: str) -> None:
        self.fake.update("customer", upstream_id, description=text)

    def name_of(self, data: Mapping[str, Any]) -> str:
        return str(data.get("description"))

    def delete(self, upstream_id: str) -> None:
        self.fake.delete("customer", upstream_id)

    def touch(self, dice: random.Random) -> None:
        self.fake.update("product", dice.choice(self.objects["product"]), name=f"{dice.random()}")

    def there(self) -> State:
        return {f"stripe:{kind}": self.fake.objects(kind, version=API_VERSION) for kind in polling.KINDS}

    def connect(self, db: str) -> None:
        polling.connect(db, self.fake)

    def slow(self) -> None:
        self.fake.set(latency=0.4)

    def fast(self) -> None:
        self.fake.set(latency=0.0)


class HubSpotAccount(Account):
    provider = "hubspot"
    collections = ("hubspot:contact", "hubspot:company")
    main = "hubspot:contact"
    kind = "contacts"
    # The vendor's own limit of ten requests a second would make a first reading of thousands last for an hour.
    program = f"from pgsluice.providers import hubspot_auth as a; a.RATES = dict.fromkeys(a.RATES, 60.0); {PROGRAM}"
    due = "feed like '%.archived'"
    pause = 0.1

    def __enter__(self) -> Self:
        self.fake = HubSpotFake().start()
        return self

    def __exit__(self, *_: object) -> None:
        self.fake.stop()

    def fill(self, many: int) -> None:
        companies = [self.fake.create("companies", name=f"{number}") for number in range(20)]
        contacts = [self.fake.create("contacts", email=f"{number}@example.com") for number in range(many)]
        for number, contact in enumerate(contacts[::3]):
            self.fake.associate("contacts", contact, "companies", companies[number % 20])
        self.objects = {"contacts": contacts, "companies": companies}

    def make(self) -> str:
        return str(self.fake.create("contacts", firstname="new"))

    def rename(self, upstream_id: str, text: str) -> None:
        self.fake.change("contacts", upstream_id, jobtitle=text)

    def name_of(self, data: Mapping[str, Any]) -> str:
        return str(data["properties"].get("jobtitle"))

    def delete(self, upstream_id: str) -> None:
        self.fake.archive("contacts", upstream_id)

    def touch(self, dice: random.Random) -> None:
        self.fake.change("companies", dice.choice(self.objects["companies"]), city=f"{dice.random()}")

    def there(self) -> State:
        return {name: self.fake.objects(HUBSPOT[name].path, HUBSPOT[name].links) for name in self.collections}

    def connect(self, db: str) -> None:
        with Client.connect(db, master_key=KEY) as client:
            client.stream_create("billing")
            client.oauth_app_create("hubspot", CLIENT[0], client_secret=CLIENT[1], oauth_app_id="app", base_url=self.fake.url)
            secret = {"access_token": TOKEN, "refresh_token": "refresh-1"}
            more = {"base_url": self.fake.url, "account": str(HUB_ID), "oauth_app_id": "app"}
            client.credential_create("hubspot", "acme", "hubspot_oauth2", secret=secret, **more)
            self.sync(client)

    def slow(self) -> None:
        self.fake.page_cap, self.fake.index_lag, self.fake.latency = 10, 1.0, 0.1

    def fast(self) -> None:
        self.fake.page_cap, self.fake.latency = 100, 0.0

    def listen(self, url: str) -> None:
        self.fake.hooks.target = f"{url}/webhooks/acme"


class SalesforceAccount(Account):
    """A large object, which comes by a job of the Bulk API, and a small one."""

    provider = "salesforce"
    collections = ("salesforce:invoice__c", "salesforce:contact")
    main = "salesforce:invoice__c"
    kind = "Invoice__c"
    signs = False

    def __enter__(self) -> Self:
        self.fake = SalesforceFake().start()
        return self

    def __exit__(self, *_: object) -> None:
        self.fake.stop()

    def fill(self, many: int) -> None:
        invoices = [self.fake.create("Invoice__c", Name=f"{number}", Total__c=number + 0.25)["Id"] for number in range(many)]
        contacts = [self.fake.create("Contact", LastName=f"{number}")["Id"] for number in range(30)]
        self.objects = {"Invoice__c": invoices, "Contact": contacts}
        self.fake.clock.advance(400)

    def make(self) -> str:
        return str(self.fake.create("Invoice__c", Name="new")["Id"])

    def rename(self, upstream_id: str, text: str) -> None:
        self.fake.change("Invoice__c", upstream_id, Note__c=text)

    def work(self, dice: random.Random, ids: list[str]) -> None:
        if dice.randrange(4):
            super().work(dice, ids)
        else:
            # What a line of CSV has to be told apart from.
            self.rename(dice.choice(ids), f'{dice.random()}, "quoted"\nand broken')

    def name_of(self, data: Mapping[str, Any]) -> str:
        return str(data.get("Note__c"))

    def delete(self, upstream_id: str) -> None:
        self.fake.delete("Invoice__c", upstream_id)

    def touch(self, dice: random.Random) -> None:
        self.fake.change("Contact", dice.choice(self.objects["Contact"]), FirstName=f"{dice.random()}")

    def there(self) -> State:
        return {"salesforce:invoice__c": self.fake.objects("Invoice__c"), "salesforce:contact": self.fake.objects("Contact")}

    def connect(self, db: str) -> None:
        app = {"client_id": self.fake.tokens.client_id, "client_secret": self.fake.tokens.client_secret}
        with Client.connect(db, master_key=KEY) as client:
            client.stream_create("billing")
            secret = {"instance_url": self.fake.url, **app}
            client.credential_create("salesforce", "acme", "salesforce_client_credentials", secret=secret)
            self.sync(client)

    def slow(self) -> None:
        self.fake.counts["Invoice__c"] = 60_000
        self.fake.jobs.page, self.fake.jobs.looks, self.fake.page_cap, self.fake.latency = 10, 1, 20, 0.1

    def fast(self) -> None:
        self.fake.jobs.page, self.fake.page_cap, self.fake.latency = 50_000, 2000, 0.0


class ShopifyAccount(Account):
    """Customers that come by a bulk operation, whose file is read in small pieces."""

    provider = "shopify"
    collections = ("shopify:customer", "shopify:product")
    main = "shopify:customer"
    kind = "Customer"
    program = (
        "from pgsluice.providers import shopify_bulk as b; import functools; b.FROM = 50; made = b.Bulk; "
        f"b.Bulk = functools.partial(made, piece=8000); {PROGRAM}"
    )
    due = "kind = 'sweep'"  # Shopify keeps nothing of what was deleted
    pause = 0.05

    def __enter__(self) -> Self:
        self.fake = ShopifyFake().start()
        self.fake.restore_rate, self.fake.maximum, self.fake.most = 20_000.0, 200_000.0, 100_000
        return self

    def __exit__(self, *_: object) -> None:
        self.fake.stop()

    def fill(self, many: int) -> None:
        customers = [self.fake.create("Customer", note=f"{number}")["id"] for number in range(many)]
        products = [self.fake.create("Product", title=f"{number}", media=[])["id"] for number in range(30)]
        self.objects = {"Customer": customers, "Product": products}

    def make(self) -> str:
        return str(self.fake.create("Customer", tags=["new"])["id"])

    def rename(self, upstream_id: str, text: str) -> None:
        self.fake.change("Customer", upstream_id, note=text)

    def name_of(self, data: Mapping[str, Any]) -> str:
        return str(data.get("note"))

    def delete(self, upstream_id: str) -> None:
        self.fake.delete("Customer", upstream_id)

    def touch(self, dice: random.Random) -> None:
        self.fake.change("Product", dice.choice(self.objects["Product"]), tags=[f"{dice.random()}"])

    def there(self) -> State:
        return {name: self.fake.objects(SHOPIFY[name].type, SHOPIFY[name].fields) for name in self.collections}

    def connect(self, db: str) -> None:
        fake = self.fake
        with Client.connect(db, master_key=KEY) as client:
            client.stream_create("billing")
            client.oauth_app_create("shopify", fake.client_id, client_secret=fake.client_secret, oauth_app_id="app", base_url=fake.url)
            secret = {"shop": fake.shop, "access_token": fake.token}
            more = {"base_url": fake.url, "account": fake.shop, "oauth_app_id": "app"}
            client.credential_create("shopify", "acme", "shopify_oauth2", secret=secret, **more)
            self.sync(client)

    def slow(self) -> None:
        self.fake.bulk.looks, self.fake.files.latency = 1, 0.2

    def fast(self) -> None:
        self.fake.files.latency = 0.0


ACCOUNTS: Mapping[str, Callable[[], Account]] = {
    "stripe": StripeAccount,
    "hubspot": HubSpotAccount,
    "salesforce": SalesforceAccount,
    "shopify": ShopifyAccount,
}
