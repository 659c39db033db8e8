"""The fake of Stripe, driven by Stripe's own SDK: objects, keys, parameters."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import stripe

from fakes.fixtures import Sdk
from fakes.plain import ask
from fakes.stripe import StripeFake


def refused(call: Any) -> Any:
    """The error of the SDK that this call raises."""
    with pytest.raises(stripe.StripeError) as caught:
        call()
    return caught.value


def test_a_customer_from_creation_to_deletion(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    sent: Any = {"email": "ada@example.com", "name": "Ada", "address": {"city": "London"}, "metadata": {"plan": "gold", "seat": "1"}}
    made = stripe_client.v1.customers.create({**sent, "balance": -500})
    assert (made.email, made.balance, made.metadata.to_dict()) == ("ada@example.com", -500, {"plan": "gold", "seat": "1"})
    assert made.address.city == "London"
    assert made.address.line1 is None
    assert made.id.startswith("cus_")
    assert made.created == pytest.approx(stripe_fake.clock.now(), abs=2)
    assert made.livemode is False

    changed = stripe_client.v1.customers.update(made.id, {"name": "", "metadata": {"seat": "", "team": "a"}, "email": "a@example.com"})
    assert changed.name is None
    assert changed.metadata.to_dict() == {"plan": "gold", "team": "a"}
    assert stripe_client.v1.customers.retrieve(made.id).email == "a@example.com"
    assert stripe_client.v1.customers.update(made.id, {"metadata": ""}).metadata.to_dict() == {}

    gone = stripe_client.v1.customers.delete(made.id)
    assert (gone.id, gone.object, gone.deleted) == (made.id, "customer", True)
    stub = stripe_client.v1.customers.retrieve(made.id)
    assert stub.to_dict() == {"id": made.id, "object": "customer", "deleted": True}
    assert stripe_client.v1.customers.list().data == []
    assert stripe_fake.objects("customer") == {}
    assert stripe_fake.deleted("customer") == {made.id}


def test_what_is_not_there(stripe_client: stripe.StripeClient) -> None:
    for call in (stripe_client.v1.customers.retrieve, stripe_client.v1.customers.delete, stripe_client.v1.products.retrieve):
        error = refused(lambda call=call: call("nobody"))
        assert isinstance(error, stripe.InvalidRequestError)
        assert (error.http_status, error.code, error.param) == (404, "resource_missing", "id")
        assert error.user_message.startswith("No such ")
        assert error.request_id.startswith("req_")
    error = refused(lambda: stripe_client.v1.subscriptions.create({"customer": "cus_none", "items": [{"price": "price_none"}]}))
    assert (error.http_status, error.code, error.param) == (400, "resource_missing", "customer")


def test_deleted_customers_cannot_be_changed(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    id_ = stripe_fake.create("customer")["id"]
    stripe_fake.delete("customer", id_)
    assert refused(lambda: stripe_client.v1.customers.update(id_, {"name": "x"})).http_status == 404
    assert refused(lambda: stripe_client.v1.customers.delete(id_)).http_status == 404


def test_products(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    gold = stripe_client.v1.products.create({"name": "Gold", "images": ["https://example.com/a.png"], "id": "gold"})
    assert (gold.id, gold.active, gold.images, gold.created) == ("gold", True, ["https://example.com/a.png"], gold.updated)
    assert refused(lambda: stripe_client.v1.products.create({"name": "Again", "id": "gold"})).code == "resource_already_exists"
    stripe_fake.clock.advance(10)
    changed = stripe_client.v1.products.update("gold", {"active": False})
    assert changed.active is False
    assert changed.updated >= gold.updated + 10
    stripe_client.v1.products.delete("gold")
    assert stripe_client.v1.products.retrieve("gold").deleted is True

    priced = stripe_client.v1.products.create({"name": "Silver", "default_price_data": {"currency": "usd", "unit_amount": 100}})
    assert stripe_client.v1.prices.retrieve(str(priced.default_price)).unit_amount == 100
    assert "one or more user-created prices" in str(refused(lambda: stripe_client.v1.products.delete(priced.id)))


def test_prices(stripe_client: stripe.StripeClient) -> None:
    product = stripe_client.v1.products.create({"name": "Gold"}).id
    once = stripe_client.v1.prices.create({"currency": "USD", "unit_amount": 1000, "product": product, "lookup_key": "once"})
    assert (once.type, once.recurring, once.currency, once.unit_amount) == ("one_time", None, "usd", 1000)
    monthly = stripe_client.v1.prices.create(
        {"currency": "eur", "unit_amount_decimal": "12.5", "product": product, "recurring": {"interval": "month", "interval_count": 3}}
    )
    assert (monthly.type, monthly.unit_amount) == ("recurring", None)
    assert monthly.recurring.interval_count == 3
    assert refused(lambda: stripe_client.v1.prices.create({"currency": "usd", "product": product})).param == "unit_amount"
    assert refused(lambda: stripe_client.v1.prices.create({"currency": "usd", "product": "no", "unit_amount": 1})).param == "product"
    taken: Any = {"currency": "usd", "product": product, "unit_amount": 1, "lookup_key": "once"}
    assert refused(lambda: stripe_client.v1.prices.create(taken)).param == "lookup_key"
    stripe_client.v1.prices.create({**taken, "transfer_lookup_key": True})
    assert stripe_client.v1.prices.retrieve(once.id).lookup_key is None
    assert refused(lambda: stripe_client.raw_request("delete", f"/v1/prices/{once.id}")).http_status == 404  # there is no such call


def test_a_recurring_price_and_a_plan_are_one(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    plan = stripe_client.v1.plans.create(
        {"currency": "usd", "interval": "month", "amount": 900, "product": {"name": "Gold"}, "trial_period_days": 7}
    )
    price = stripe_client.v1.prices.retrieve(plan.id)
    assert (price.unit_amount, price.product, price.recurring.trial_period_days) == (900, plan.product, 7)
    stripe_client.v1.prices.update(price.id, {"nickname": "Monthly"})
    assert stripe_client.v1.plans.retrieve(plan.id).nickname == "Monthly"
    stripe_client.v1.plans.update(plan.id, {"active": False})
    assert stripe_client.v1.prices.retrieve(plan.id).active is False
    assert set(stripe_fake.objects("plan")) == {plan.id}

    gone = stripe_client.v1.plans.delete(plan.id)
    assert (gone.id, gone.object, gone.deleted) == (plan.id, "plan", True)
    assert refused(lambda: stripe_client.v1.plans.retrieve(plan.id)).code == "resource_missing"
    assert refused(lambda: stripe_client.v1.plans.delete(plan.id)).http_status == 404
    assert stripe_client.v1.plans.list().data == []
    once = stripe_client.v1.prices.create({"currency": "usd", "unit_amount": 5, "product": str(plan.product)})
    assert refused(lambda: stripe_client.v1.plans.retrieve(once.id)).http_status == 404


def test_the_list_of_prices_shows_active_ones_unless_asked(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    stripe_fake.seed(prices=5)
    assert len(stripe_client.v1.prices.list().data) == 4
    assert [price.active for price in stripe_client.v1.prices.list({"active": False}).data] == [False]
    assert len(stripe_client.v1.plans.list().data) == 0
    stripe_fake.set(inactive_prices=True)
    assert len(stripe_client.v1.prices.list().data) == 5
    stripe_fake.seed(plans=5)
    assert len(stripe_client.v1.plans.list().data) == 5  # of plans, all
    assert len(stripe_client.v1.plans.list({"active": True}).data) == 4


def test_filters_of_lists(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    ids = stripe_fake.seed(customers=3, products=2, prices=3, plans=2)
    assert [c.id for c in stripe_client.v1.customers.list({"email": "customer1@example.com"}).data] == [ids["customer"][1]]
    assert [p.id for p in stripe_client.v1.products.list({"ids": [ids["product"][0]]}).data] == [ids["product"][0]]
    assert {p.product for p in stripe_client.v1.prices.list({"product": ids["product"][0]}).data} == {ids["product"][0]}
    assert {p.id for p in stripe_client.v1.prices.list({"type": "recurring"}).data} == set(ids["plan"])
    assert {p.id for p in stripe_client.v1.prices.list({"recurring": {"interval": "month"}}).data} == set(ids["plan"])
    assert stripe_client.v1.prices.list({"currency": "eur"}).data == []
    stripe_fake.update("price", ids["price"][0], lookup_key="a")
    assert [p.id for p in stripe_client.v1.prices.list({"lookup_keys": ["a", "b"]}).data] == [ids["price"][0]]


def test_test_and_live_mode_are_apart(stripe_fake: StripeFake, stripe_client: stripe.StripeClient, stripe_sdk: Sdk) -> None:
    live = stripe_sdk(stripe_fake.url, stripe_fake.live_key)
    made = live.v1.customers.create({"name": "Real"})
    assert made.livemode is True
    assert stripe_client.v1.customers.list().data == []
    error = refused(lambda: stripe_client.v1.customers.retrieve(made.id))
    assert "a similar object exists in live mode, but a test mode key was used" in error.user_message
    assert set(stripe_fake.objects("customer", live=True)) == {made.id}


def test_the_account(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    assert stripe_client.v1.accounts.retrieve_current().id == stripe_fake.account
    assert ask(stripe_fake, "GET", "/v1/account", Stripe_Account=stripe_fake.account).status == 200
    other = ask(stripe_fake, "GET", "/v1/account", Stripe_Account="acct_other")
    assert (other.status, other.error["code"]) == (403, "account_invalid")


def test_keys(stripe_fake: StripeFake) -> None:
    missing = ask(stripe_fake, "GET", "/v1/customers", Authorization="")
    assert missing.status == 401
    assert missing.error["type"] == "invalid_request_error"
    assert missing.error["message"].startswith("You did not provide an API key.")
    assert "www-authenticate" in missing.headers
    unknown = ask(stripe_fake, "GET", "/v1/customers", Authorization="Bearer sk_test_unknownunknown1234")
    assert unknown.status == 401
    assert unknown.error["message"] == "Invalid API Key provided: sk_test_" + "*" * 14 + "1234"
    basic = base64.b64encode(f"{stripe_fake.key}:".encode()).decode()
    assert ask(stripe_fake, "GET", "/v1/customers", Authorization=f"Basic {basic}").status == 200
    assert ask(stripe_fake, "GET", "/v1/customers", Authorization="Basic !!!").status == 401
    assert ask(stripe_fake, "GET", "/v1/customers", Authorization="Bearer pk_test_abcdefgh").error["code"] == "secret_key_required"
    stripe_fake.revoke()
    revoked = ask(stripe_fake, "GET", "/v1/customers")
    assert (revoked.status, revoked.error["code"]) == (401, "api_key_expired")
    stripe_fake.add_key(stripe_fake.key)
    assert ask(stripe_fake, "GET", "/v1/customers").status == 200


def test_the_sdk_knows_these_errors(stripe_fake: StripeFake, stripe_sdk: Sdk) -> None:
    wrong = stripe_sdk(stripe_fake.url, "sk_test_wrongwrongwrong")
    assert isinstance(refused(wrong.v1.customers.list), stripe.AuthenticationError)
    restricted = stripe_sdk(stripe_fake.url, stripe_fake.restricted_key)
    assert restricted.v1.customers.list().data == []
    error = refused(lambda: restricted.v1.customers.create({}))
    assert isinstance(error, stripe.PermissionError)
    assert "'rak_customer_write' permission" in error.user_message
    stripe_fake.add_key("rk_test_onlycustomers0001", ["rak_customer_write"])
    few = stripe_sdk(stripe_fake.url, "rk_test_onlycustomers0001")
    assert few.v1.customers.list().data == []  # who may write may read
    assert isinstance(refused(few.v1.events.list), stripe.PermissionError)


@pytest.mark.parametrize(
    ("method", "path", "params", "refusal"),
    [
        ("POST", "/v1/customers", {"nonsense": "1"}, ("nonsense", "parameter_unknown")),
        ("POST", "/v1/customers", {"address[planet]": "x"}, ("address[planet]", "parameter_unknown")),
        ("GET", "/v1/customers", {"nonsense": "1"}, ("nonsense", "parameter_unknown")),
        ("POST", "/v1/customers", {"balance": "many"}, ("balance", "parameter_invalid_integer")),
        ("POST", "/v1/products", {"name": ""}, ("name", "parameter_missing")),
        ("POST", "/v1/products", {"name": "x", "active": "yes"}, ("active", None)),
        ("POST", "/v1/products", {}, ("name", "parameter_missing")),
        ("POST", "/v1/plans", {"currency": "usd", "interval": "eon", "product": "p", "amount": "1"}, ("interval", None)),
        ("POST", "/v1/subscriptions", {"customer": "c"}, ("items", "parameter_missing")),
        ("POST", "/v1/subscriptions", {"customer": "c", "items[0][foo]": "1"}, ("items[0][foo]", "parameter_unknown")),
        ("POST", "/v1/customers", {"metadata[k]": "v" * 501}, ("metadata[k]", None)),
        ("POST", "/v1/customers", {"metadata": "text"}, ("metadata", None)),
        ("GET", "/v1/customers", {"limit": "0"}, ("limit", None)),
        ("GET", "/v1/customers", {"limit": "101"}, ("limit", None)),
        ("GET", "/v1/customers", {"limit": "ten"}, ("limit", "parameter_invalid_integer")),
        ("GET", "/v1/customers", {"starting_after": "a", "ending_before": "b"}, ("starting_after", "parameters_exclusive")),
        ("GET", "/v1/customers", {"created[since]": "1"}, ("created[since]", "parameter_unknown")),
        ("GET", "/v1/subscriptions", {"status": "odd"}, ("status", None)),
        ("GET", "/v1/subscription_items", {}, ("subscription", "parameter_missing")),
        ("GET", "/v1/events", {"types[]": [f"t{n}" for n in range(21)]}, ("types", None)),
        ("GET", "/v1/events", {"type": "a", "types[]": "b"}, ("type", "parameters_exclusive")),
    ],
)
def test_bad_parameters(stripe_fake: StripeFake, method: str, path: str, params: dict[str, str], refusal: tuple[str, str | None]) -> None:
    """`refusal`: the parameter that the error names, and its code."""
    answer = ask(stripe_fake, method, path, params)
    assert answer.status == 400
    assert answer.error["type"] == "invalid_request_error"
    assert (answer.error["param"], answer.error.get("code")) == refusal
    assert answer.error["request_log_url"].endswith(answer.headers["request-id"])
    assert ("doc_url" in answer.error) == (refusal[1] is not None)


def test_an_update_cannot_clear_a_required_name(stripe_fake: StripeFake, stripe_client: stripe.StripeClient) -> None:
    product = stripe_fake.create("product", name="Gold")["id"]
    assert refused(lambda: stripe_client.v1.products.update(product, {"name": ""})).code == "parameter_invalid_empty"


def test_urls_methods_and_bodies_that_do_not_exist(stripe_fake: StripeFake) -> None:
    nowhere = ask(stripe_fake, "GET", "/v1/nowhere")
    assert nowhere.status == 404
    assert nowhere.error["message"].startswith("Unrecognized request URL (GET: /v1/nowhere).")
    assert "remove the trailing slash" in ask(stripe_fake, "GET", "/v1/customers/").error["message"]
    assert ask(stripe_fake, "PUT", "/v1/customers").status == 404
    assert ask(stripe_fake, "DELETE", "/v1/customers").status == 404
    assert ask(stripe_fake, "PATCH", "/").status == 404
    json_body = ask(stripe_fake, "POST", "/v1/customers", {"a": "b"}, Content_Type="application/json")
    assert (json_body.status, "check that your POST content type" in json_body.error["message"]) == (400, True)
    assert ask(stripe_fake, "GET", "/v1/customers?email=%ff").status == 400


def test_headers_of_every_reply(stripe_fake: StripeFake) -> None:
    stripe_fake.clock.freeze(1_700_000_000)
    plain = ask(stripe_fake, "GET", "/v1/customers")
    assert plain.headers["date"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert plain.headers["content-type"] == "application/json"
    assert plain.headers["stripe-version"] == stripe_fake.settings.api_version
    assert plain.headers["request-id"].startswith("req_")
    assert plain.headers["request-id"] != ask(stripe_fake, "GET", "/v1/customers").headers["request-id"]
    assert ask(stripe_fake, "GET", "/v1/nowhere", Authorization="").headers["request-id"].startswith("req_")
    assert ask(stripe_fake, "GET", "/v1/customers", Stripe_Version="2024-06-20").headers["stripe-version"] == "2024-06-20"
    assert ask(stripe_fake, "GET", "/v1/customers", Stripe_Version="yesterday").error["message"] == "Invalid Stripe API version: yesterday"


def test_the_log_of_requests(stripe_fake: StripeFake) -> None:
    ask(stripe_fake, "GET", "/v1/customers", {"created[gte]": "5", "expand[]": "x"})
    ask(stripe_fake, "POST", "/v1/customers", {"metadata[a]": "1", "name": "Ada"}, Idempotency_Key="k")
    first, second = stripe_fake.requests
    assert (first.method, first.path, first.status) == ("GET", "/v1/customers", 400)
    assert first.params == {"created": {"gte": "5"}, "expand": ["x"]}
    assert first.headers["authorization"] == "Bearer sk_test_" + "*" * 24 + "0001"
    assert (second.params, second.headers["idempotency-key"]) == ({"metadata": {"a": "1"}, "name": "Ada"}, "k")
    stripe_fake.forget_requests()
    assert stripe_fake.requests == []
