"""The providers there are, by name."""

from __future__ import annotations

from typing import Final

from pgsluice.providers.base import Provider
from pgsluice.providers.errors import UnknownProvider
from pgsluice.providers.push import Push
from pgsluice.providers.stripe import Stripe

_PROVIDERS: Final[dict[str, Provider]] = {provider.name: provider for provider in (Push(), Stripe())}


def names() -> tuple[str, ...]:
    return tuple(sorted(_PROVIDERS))


def get(name: str) -> Provider:
    """The provider of that name. Raises UnknownProvider, which names those there are."""
    try:
        return _PROVIDERS[name]
    except KeyError:
        raise UnknownProvider(f"there is no provider {name!r}", hint=f"the providers are: {', '.join(names())}") from None
