"""The fakes."""

from fakes.fixtures import stripe_client, stripe_fake, stripe_process, stripe_sdk

__all__ = ["stripe_client", "stripe_fake", "stripe_process", "stripe_sdk"]
