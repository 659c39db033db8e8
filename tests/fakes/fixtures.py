"""Fixtures; a conftest loads them with pytest_plugins = ["fakes.fixtures"].

`stripe_fake`     a fake of Stripe in this process, empty, for one test
`stripe_process`  the same as a process of its own, which outlives a killed client
`stripe_sdk`      (url, key, **options) -> stripe.StripeClient, Stripe's own SDK, without retries unless told; closed after the test
`stripe_client`   that SDK, pointed at `stripe_fake`
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stripe

from fakes.stripe import StripeFake, StripeProcess

Sdk = Callable[..., stripe.StripeClient]


@pytest.fixture
def stripe_fake() -> Iterator[StripeFake]:
    with StripeFake() as fake:
        yield fake


@pytest.fixture
def stripe_process() -> Iterator[StripeProcess]:
    with StripeProcess() as process:
        yield process


@pytest.fixture
def stripe_sdk() -> Iterator[Sdk]:
    transports: list[stripe.RequestsClient] = []

    def make(url: str, key: str, **options: Any) -> stripe.StripeClient:
        transports.append(stripe.RequestsClient())
        options = {"max_network_retries": 0, **options}
        return stripe.StripeClient(key, base_addresses={"api": url}, http_client=transports[-1], **options)

    yield make
    for transport in transports:
        transport.close()  # type: ignore[no-untyped-call]  # the SDK's own gap


@pytest.fixture
def stripe_client(stripe_fake: StripeFake, stripe_sdk: Sdk) -> stripe.StripeClient:
    return stripe_sdk(stripe_fake.url, stripe_fake.key)
