"""Lists of the fake: cursors, order, filters by time, nested lists, expansion, versions."""

from __future__ import annotations

import json

import pytest
import stripe

from fakes.plain import ask
from fakes.stripe import StripeFake, faults


def test_auto_paging_sees_everything_once_newest_first(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    ids = stripe_fake.seed(customers=250)["customer"]
    page = stripe_client.v1.customers.list({"limit": 100})
    assert (page.object, page.url, page.has_more, len(page.data)) == ("list", "/v1/customers", True, 100)
    assert [customer.id for customer in page.auto_paging_iter()] == ids[::-1]
    assert len(stripe_fake.requests) == 3
    assert len(stripe_client.v1.customers.list().data) == 10


def test_ending_before_walks_back(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    ids = stripe_fake.seed(customers=7)["customer"]
    page = stripe_client.v1.customers.list({"limit": 3, "ending_before": ids[0]})
    assert ([customer.id for customer in page.data], page.has_more) == ([ids[3], ids[2], ids[1]], True)
    assert [customer.id for customer in page.auto_paging_iter()] == ids[1:]
    last = stripe_client.v1.customers.list({"limit": 3, "ending_before": ids[3]})
    assert ([customer.id for customer in last.data], last.has_more) == ([ids[6], ids[5], ids[4]], False)


def test_the_last_page_says_so(stripe_fake: StripeFake) -> None:
    ids = stripe_fake.seed(customers=4)["customer"]
    assert ask(stripe_fake, "GET", "/v1/customers", {"limit": "2", "starting_after": ids[2]}).json["has_more"] is False
    after_all = ask(stripe_fake, "GET", "/v1/customers", {"starting_after": ids[0]}).json
    assert (after_all["data"], after_all["has_more"]) == ([], False)
    assert ask(stripe_fake, "GET", "/v1/customers", {"limit": "4"}).json["has_more"] is False


def test_a_cursor_that_is_not_there(stripe_fake: StripeFake) -> None:
    ids = stripe_fake.seed(customers=3)["customer"]
    for name in ("starting_after", "ending_before"):
        answer = ask(stripe_fake, "GET", "/v1/customers", {name: "cus_none"})
        assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "resource_missing", name)
        assert answer.error["message"] == "No such customer: 'cus_none'"
    stripe_fake.delete("customer", ids[1])
    assert ask(stripe_fake, "GET", "/v1/customers", {"starting_after": ids[1]}).status == 400
    stripe_fake.set(deleted_cursors=True)
    assert ask(stripe_fake, "GET", "/v1/customers", {"starting_after": ids[1]}).ids == [ids[0]]


def test_an_object_made_while_paging_does_not_shift_the_pages(stripe_fake: StripeFake) -> None:
    ids = stripe_fake.seed(customers=4)["customer"]
    first = ask(stripe_fake, "GET", "/v1/customers", {"limit": "2"}).ids
    stripe_fake.create("customer")
    assert ask(stripe_fake, "GET", "/v1/customers", {"limit": "2", "starting_after": first[-1]}).ids == [ids[1], ids[0]]


def test_filters_by_time(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    stripe_fake.clock.freeze(1_700_000_000)
    ids = []
    for _ in range(4):
        ids.append(stripe_fake.create("customer")["id"])
        stripe_fake.clock.advance(10)
    times = [1_700_000_000 + 10 * number for number in range(4)]

    def found(**bounds: int) -> list[int]:
        return sorted(ids.index(customer.id) for customer in stripe_client.v1.customers.list({"created": bounds}).data)

    assert found(gte=times[1]) == [1, 2, 3]
    assert found(gt=times[1]) == [2, 3]
    assert found(lt=times[1]) == [0]
    assert found(lte=times[1]) == [0, 1]
    assert found(gt=times[0], lt=times[3]) == [1, 2]
    assert [customer.id for customer in stripe_client.v1.customers.list({"created": times[2]}).data] == [ids[2]]


def test_oldest_first_is_the_other_way_round_to_the_last_page(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    ids = stripe_fake.seed(customers=5)["customer"]
    stripe_fake.set(oldest_first=True)
    assert [customer.id for customer in stripe_client.v1.customers.list({"limit": 2}).auto_paging_iter()] == ids
    assert ask(stripe_fake, "GET", "/v1/customers", {"ending_before": ids[2]}).ids == ids[:2]


def test_objects_of_one_second_keep_their_order(stripe_fake: StripeFake) -> None:
    stripe_fake.clock.freeze()
    ids = [stripe_fake.create("customer")["id"] for _ in range(5)]
    assert ask(stripe_fake, "GET", "/v1/customers").ids == ids[::-1]


def test_lines_of_an_invoice_show_ten_and_have_a_list_of_their_own(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    invoice = stripe_fake.create("invoice", customer=stripe_fake.create("customer")["id"])["id"]
    stripe_client.v1.invoices.add_lines(invoice, {"lines": [{"amount": number, "description": f"line {number}"} for number in range(25)]})
    shown = stripe_client.v1.invoices.retrieve(invoice)
    assert (len(shown.lines.data), shown.lines.has_more, shown.lines.url, shown.total) == (10, True, f"/v1/invoices/{invoice}/lines", 300)
    assert [line.amount for line in shown.lines.auto_paging_iter()] == list(range(25))
    assert [line.amount for line in stripe_client.v1.invoices.line_items.list(invoice, {"limit": 3}).data] == [0, 1, 2]
    back = ask(stripe_fake, "GET", f"/v1/invoices/{invoice}/lines", {"ending_before": shown.lines.data[5].id, "limit": "2"}).json
    assert ([line["amount"] for line in back["data"]], back["has_more"]) == ([3, 4], True)
    assert ask(stripe_fake, "GET", f"/v1/invoices/{invoice}/lines", {"starting_after": "il_none"}).status == 400
    assert ask(stripe_fake, "GET", "/v1/invoices/in_none/lines").status == 404


def test_expansion(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    ids = stripe_fake.seed(customers=1, plans=1, subscriptions=1)
    subscription, customer = ids["subscription"][0], ids["customer"][0]
    shown = ask(stripe_fake, "GET", f"/v1/subscriptions/{subscription}", {"expand[]": ["customer", "latest_invoice.customer"]}).json
    assert shown["customer"]["email"] == "customer0@example.com"
    assert shown["latest_invoice"]["customer"]["id"] == customer
    listed = stripe_client.v1.subscriptions.list({"expand": ["data.customer", "data.items.data.price.product"]}).data[0]
    assert listed.customer.object == "customer"
    assert listed["items"].data[0].price.product.object == "product"
    invoice = ask(
        stripe_fake, "GET", f"/v1/invoices/{shown['latest_invoice']['id']}", {"expand[]": "parent.subscription_details.subscription"}
    )
    assert invoice.json["parent"]["subscription_details"]["subscription"]["object"] == "subscription"
    stripe_fake.delete("customer", customer)
    gone = ask(stripe_fake, "GET", f"/v1/subscriptions/{subscription}", {"expand[]": "customer"}).json["customer"]
    assert gone == {"id": customer, "object": "customer", "deleted": True}
    price = stripe_fake.create("product", name="x", default_price_data={"currency": "usd", "unit_amount": 1})["default_price"]
    assert ask(stripe_fake, "POST", f"/v1/prices/{price}", {"nickname": "n", "expand[]": "product"}).json["product"]["name"] == "x"


@pytest.mark.parametrize("path", ["nickname", "email", "customer.name.first", "a.b.c.d.e", "items.data.nothing"])
def test_what_cannot_be_expanded(stripe_fake: StripeFake, path: str) -> None:
    ids = stripe_fake.seed(customers=1, plans=1, subscriptions=1)
    answer = ask(stripe_fake, "GET", f"/v1/subscriptions/{ids['subscription'][0]}", {"expand[]": path})
    assert (answer.status, answer.error["param"]) == (400, "expand")
    assert ask(stripe_fake, "GET", "/v1/subscriptions", {"expand[]": "customer"}).status == 400  # without "data."


def test_older_versions_have_an_older_shape(stripe_fake: StripeFake) -> None:
    ids = stripe_fake.seed(customers=1, plans=1, subscriptions=1)
    path = f"/v1/subscriptions/{ids['subscription'][0]}"
    new, old = ask(stripe_fake, "GET", path).json, ask(stripe_fake, "GET", path, Stripe_Version="2024-06-20").json
    assert "current_period_end" not in new
    assert old["current_period_end"] == new["items"]["data"][0]["current_period_end"]
    assert "current_period_end" not in old["items"]["data"][0]
    assert ask(stripe_fake, "GET", path).json == new
    invoice = ask(stripe_fake, "GET", "/v1/invoices", Stripe_Version="2024-06-20").json["data"][0]
    assert (invoice["subscription"], invoice["paid"]) == (new["id"], True)
    assert stripe_fake.objects("subscription")[new["id"]] == new
    assert stripe_fake.objects("subscription", version="2024-06-20")[new["id"]] == old


def test_a_list_differs_from_a_single_reading_only_in_blanks(stripe_fake: StripeFake) -> None:
    id_ = stripe_fake.create("customer", name='Zoë "Z"', metadata={"a": "b"})["id"]
    single = ask(stripe_fake, "GET", f"/v1/customers/{id_}").body
    page = ask(stripe_fake, "GET", "/v1/customers").body
    assert single.replace(b"\n", b"\n    ") in page
    assert single not in page
    assert json.loads(single) == stripe_fake.objects("customer")[id_]
    assert "Zoë".encode() in single


@pytest.mark.parametrize(
    "raw",
    [
        '{"id": "cus_1", "object": "customer", "name": "a\\u0000b"}',
        '{"id": "cus_1", "object": "customer", "name": "\\ud800"}',
        '{"id": "cus_1", "object": "customer", "balance": 123456789012345678901234567890}',
        '{"id": "cus_1", "object": "customer", "balance": 1e400}',
        '{"id": "cus_1", "deep": ' + "[" * 5000 + "]" * 5000 + "}",
        '{"id": "cus_1", "id": "cus_1", "n": -0, "m": 1.00}',
    ],
)
def test_planted_records_come_byte_for_byte(stripe_fake: StripeFake, raw: str) -> None:
    stripe_fake.create("customer")
    assert stripe_fake.plant("customer", raw, event="customer.updated") == "cus_1"
    assert raw.encode() in ask(stripe_fake, "GET", "/v1/customers").body
    assert ask(stripe_fake, "GET", "/v1/customers/cus_1").body == raw.encode()
    assert raw.encode() in ask(stripe_fake, "GET", "/v1/events", {"type": "customer.updated"}).body
    assert stripe_fake.objects("customer")["cus_1"] == {}
    assert ask(stripe_fake, "GET", "/v1/customers", {"starting_after": "cus_1"}).json["has_more"] is False


def test_planted_records_may_have_no_id_or_stand_for_another(stripe_fake: StripeFake) -> None:
    known = stripe_fake.create("customer", name="before")["id"]
    stripe_fake.plant("customer", '{"object": "customer", "name": "no id"}')
    assert [item.get("id") for item in ask(stripe_fake, "GET", "/v1/customers").json["data"]] == [None, known]
    stripe_fake.plant("customer", b'{"id": 5}', known)
    assert ask(stripe_fake, "GET", f"/v1/customers/{known}").body == b'{"id": 5}'
    assert len(ask(stripe_fake, "GET", "/v1/customers").json["data"]) == 2


def test_pages_gone_wrong(stripe_fake: StripeFake) -> None:
    ids = stripe_fake.seed(customers=6)["customer"][::-1]
    two = {"limit": "2"}
    first = ask(stripe_fake, "GET", "/v1/customers", two)
    second = {**two, "starting_after": first.ids[-1]}

    stripe_fake.fail(faults.RepeatPage())
    assert ask(stripe_fake, "GET", "/v1/customers", second).body == first.body
    stripe_fake.fail(faults.ignore_cursor())
    assert ask(stripe_fake, "GET", "/v1/customers", second).ids == ids[:2]
    stripe_fake.fail(faults.overlap(1))
    assert ask(stripe_fake, "GET", "/v1/customers", second).ids == ids[1:3]
    stripe_fake.fail(faults.overlap(2))
    assert ask(stripe_fake, "GET", "/v1/customers", second).ids == ids[:2]
    stripe_fake.fail(faults.short_page(1))
    short = ask(stripe_fake, "GET", "/v1/customers", second)
    assert (short.ids, short.json["has_more"]) == (ids[2:3], True)
    stripe_fake.fail(faults.endless_empty())
    assert ask(stripe_fake, "GET", "/v1/customers", second).json == {
        "object": "list", "data": [], "has_more": True, "url": "/v1/customers"}  # fmt: skip
    assert ask(stripe_fake, "GET", "/v1/customers", second).ids == ids[2:4]


def test_a_hundred_thousand_customers_are_seeded_at_once(stripe_fake: StripeFake) -> None:
    ids = stripe_fake.seed(customers=100_000)["customer"]
    assert len(set(ids)) == 100_000
    page = ask(stripe_fake, "GET", "/v1/customers", {"limit": "100", "starting_after": ids[50_000]}).json["data"]
    assert [item["id"] for item in page] == ids[49_900:50_000][::-1]
    assert page[0]["name"].endswith(" 49999")
    assert page[0]["metadata"] == {"number": "49999"}
    assert [item["created"] for item in page] == sorted((item["created"] for item in page), reverse=True)


def test_seeded_and_created_objects_look_alike(stripe_fake: StripeFake) -> None:
    ids = stripe_fake.seed(customers=1, products=1, prices=1, plans=1, subscriptions=1)
    product = stripe_fake.create("product", name="x")["id"]
    made = {
        "customer": stripe_fake.create("customer"),
        "product": stripe_fake.objects("product")[product],
        "price": stripe_fake.create("price", product=product, currency="usd", unit_amount=5),
        "plan": stripe_fake.create("plan", product=product, currency="usd", amount=5, interval="month"),
    }
    for kind, doc in made.items():
        assert list(stripe_fake.objects(kind)[ids[kind][0]]) == list(doc), kind
    assert len(stripe_fake.objects("invoice")) == 1
    assert [event["type"] for event in stripe_fake.events() if event["type"].startswith("customer.sub")] == []
