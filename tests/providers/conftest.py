from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from fakes.fixtures import stripe_fake
from samples.replies import recorded, reply_of

from pgsluice.providers.base import Credential, Response

__all__ = ["stripe_fake"]


@pytest.fixture
def reply() -> Callable[..., Response]:
    return reply_of


@pytest.fixture
def sample() -> Callable[[str], bytes]:
    """Stripe's recorded reply of that name."""
    return partial(recorded, "stripe")


@pytest.fixture
def credential() -> Credential:
    return Credential("stripe_key", {"secret": "sk_test_4eC39HqLyjWDarjtT1zdp7dc"})
