"""Stripe: lists by id cursor, newest first; changes by events, objects fetched by id; no time of change."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from fakes import every
from fakes.faults import Fault, answers, without
from fakes.stripe import StripeFake, table

from conformance.desks.base import Desk, Doc
from pgsluice.providers.stripe import API_VERSION

# Kind -> what a new one is given, and the field that holds the text.
_TEXT: Mapping[str, str] = {
    "customer": "name", "product": "name", "price": "nickname", "plan": "nickname", "invoice": "description",
    "customer_balance_transaction": "description", "person": "first_name",
}  # fmt: skip
# Listed for each of the others only, which is also in the upstream id.
_BELOW = every.BELOW_OTHERS
_TOLD = ("stripe:customer", "stripe:product", "stripe:price", "stripe:plan", "stripe:subscription", "stripe:invoice")


class StripeDesk(Desk):
    provider = "stripe"
    collections = (*_TOLD, *(f"stripe:{kind}" for kind in _BELOW))
    dear = ("stripe:customer", "stripe:price")
    pages: ClassVar[Mapping[str, int]] = {"limit": 3}
    incremental = frozenset(_TOLD)
    deletable = ("stripe:customer", "stripe:product", "stripe:plan")
    swept = ("stripe:person",)
    ordered = False
    written = "stripe:customer"
    refused: ClassVar[Doc] = {"nonsense": 1}
    words = "nonsense"
    unknown_id = "cus_unknown"
    recognises = True

    def __init__(self) -> None:
        self.fake = StripeFake()
        self._keys = 0
        self._bases: dict[str, str] = {}

    def start(self) -> None:
        self.fake.start()

    def stop(self) -> None:
        self.fake.stop()

    @property
    def url(self) -> str:
        return self.fake.url

    def credential(self) -> tuple[str, dict[str, str]]:
        return "stripe_key", {"secret": f"sk_test_key{self._keys}" if self._keys else self.fake.key}

    def expire(self) -> None:
        _, secret = self.credential()
        self.fake.revoke(secret["secret"])
        self._keys += 1
        self.fake.add_key(f"sk_test_key{self._keys}")

    def create(self, collection_id: str, text: str) -> str:
        kind = _kind(collection_id)
        match kind:
            case "price":
                params: dict[str, Any] = {"currency": "usd", "unit_amount": 500, "product": self._base("product"), "nickname": text}
            case "plan":
                params = {"currency": "usd", "amount": 500, "interval": "month", "product": self._base("product"), "nickname": text}
            case "subscription":
                params = {"customer": self._base("customer"), "items": [{"price": self._base("plan")}], "trial_period_days": 14}
                params["metadata"] = {"text": text}
            case "invoice":
                params = {"customer": self._base("customer"), "description": text}
            case "customer_balance_transaction":
                params = {"customer": self._base("customer"), "amount": -5, "currency": "usd", "description": text}
            case "person":
                params = {"account": self._base("account"), "first_name": text}
            case "account":
                params = {"type": "custom"}
            case _:
                params = {_TEXT[kind]: text}
        return every.upstream_id(self.fake, kind, str(self.fake.create(kind, **params)["id"]))

    def _base(self, kind: str) -> str:
        """What others hang on: one of each kind."""
        if kind not in self._bases:
            self._bases[kind] = self.create(f"stripe:{kind}", "base")
        return self._bases[kind]

    def seed(self, collections: Sequence[str], count: int = 7) -> dict[str, list[str]]:
        """So long ago that the events of it are no news."""
        made = super().seed(collections, count)
        self.advance(120)
        return made

    def change(self, collection_id: str, upstream_id: str, text: str) -> None:
        kind = _kind(collection_id)
        fields: dict[str, Any] = {_TEXT[kind]: text} if kind in _TEXT else {"metadata": {"text": text}}
        self.fake.update(kind, _own(kind, upstream_id), **fields)

    def delete(self, collection_id: str, upstream_id: str) -> None:
        kind = _kind(collection_id)
        self.fake.delete(kind, _own(kind, upstream_id))

    def state(self, collection_id: str) -> dict[str, Doc]:
        kind = _kind(collection_id)
        return {every.upstream_id(self.fake, kind, id_): doc for id_, doc in self.fake.objects(kind, version=API_VERSION).items()}

    def new(self, text: str) -> Doc:
        return {"name": text}

    def advance(self, seconds: float) -> None:
        self.fake.clock.advance(seconds)

    def freeze(self) -> None:
        self.fake.clock.freeze()

    def path(self, collection_id: str) -> str:
        kind = _kind(collection_id)
        return f"/v1/{table.PATHS[kind].replace('{' + _BELOW[kind] + '}', '*')}" if kind in _BELOW else f"/v1/{kind}s"

    def changes_path(self, collection_id: str) -> str:
        return "/v1/events"

    def stuck(self, collection_id: str) -> Fault:
        return without("starting_after")

    def limited(self, retry_after: str | None = None) -> Fault:
        headers = {} if retry_after is None else {"Retry_After": retry_after}
        return answers(429, _error("Request rate limit exceeded.", code="rate_limit"), Stripe_Rate_Limited_Reason="global-rate", **headers)

    def forbidden(self) -> Fault:
        return answers(403, _error("The provided key does not have the required permissions for this endpoint."))

    def bad_parameter(self) -> Fault:
        return answers(400, _error("Received unknown parameter: limit", code="parameter_unknown", param="limit"))


def _kind(collection_id: str) -> str:
    return collection_id.removeprefix("stripe:")


def _own(kind: str, upstream_id: str) -> str:
    return upstream_id.rpartition("/")[2] if kind in _BELOW else upstream_id


def _error(message: str, **more: str) -> str:
    return json.dumps({"error": {"type": "invalid_request_error", "message": message, **more}})
