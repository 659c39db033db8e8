"""The providers there are, by name: those of this release, and those that a document describes.

A document that comes with this release is read when it is first asked for; a user's own lives in the database, and is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from pgsluice.providers.errors import UnknownProvider
from pgsluice.providers.hubspot import HubSpot
from pgsluice.providers.protocol import Provider
from pgsluice.providers.push import Push
from pgsluice.providers.rest import Rest
from pgsluice.providers.rest_document import document
from pgsluice.providers.salesforce import Salesforce
from pgsluice.providers.shopify import Shopify
from pgsluice.providers.stripe import Stripe

_PROVIDERS: Final[dict[str, Provider]] = {provider.name: provider for provider in (HubSpot(), Push(), Salesforce(), Shopify(), Stripe())}
# Documents in `documents/`, each named after its provider.
_DOCUMENTS: Final = ("airtable", "github", "intercom", "jira", "linear", "notion", "zendesk")
# Documents out of the database, as JSON text, by their providers' names.
_OWN: Final[dict[str, str]] = {}
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def names() -> tuple[str, ...]:
    return tuple(sorted([*_PROVIDERS, *_DOCUMENTS]))


def get(name: str) -> Provider:
    """The provider of that name in this release. Raises UnknownProvider, which names those there are."""
    if name in _PROVIDERS:
        return _PROVIDERS[name]
    if name in _DOCUMENTS:
        return _shipped(name)
    if name in _OWN:
        return resolve(name, _OWN[name])
    raise UnknownProvider(f"there is no provider {name!r}", hint=f"the providers are: {', '.join(names())}")


def whole(name: str) -> list[str]:
    """What a sync reads for which nothing was chosen: not what most accounts do not have. UnknownProvider."""
    known = get(name)
    read = {collection_id for feed in known.feeds(None) for collection_id in feed.collection_ids}
    return [collection_id for collection_id in known.collections if collection_id in read]


def is_built_in(name: str) -> bool:
    return name in _PROVIDERS or name in _DOCUMENTS


def learn(name: str, described: str | None) -> None:
    """What the database has now under that name, as JSON text: from here on `get` finds it, or (None) finds it no more."""
    if described is None:
        _OWN.pop(name, None)
    else:
        _OWN[name] = described


def resolve(name: str, described: Mapping[str, Any] | str | None) -> Provider:
    """The provider of that name; `described`: its document, where it is a user's own. Raises UnknownProvider."""
    if described is None:
        return get(name)
    return _described(described if isinstance(described, str) else _ENCODER.encode(described).decode())


@lru_cache(maxsize=64)
def _described(text: str) -> Provider:
    try:
        return Rest(document(msgspec.json.decode(text)))
    except msgspec.ValidationError as exc:
        hint = "store a corrected one: pgsluice provider add FILE --replace"
        raise UnknownProvider("the provider's document cannot be read", details=str(exc), hint=hint) from exc


@lru_cache(maxsize=len(_DOCUMENTS))
def _shipped(name: str) -> Provider:
    # Read here, and only when asked for: most commands need neither YAML nor these.
    from pgsluice.providers.rest_text import shipped  # noqa: PLC0415

    return Rest(document(shipped(name)))
