"""The fixtures of fakes.fixtures, also where no other conftest loads them."""

from fakes.fixtures import stripe_client, stripe_fake, stripe_process, stripe_sdk

__all__ = ["stripe_client", "stripe_fake", "stripe_process", "stripe_sdk"]
