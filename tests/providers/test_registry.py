from __future__ import annotations

import pytest

from pgsluice.providers import registry
from pgsluice.providers.base import Credential, Feed, Hint
from pgsluice.providers.errors import Malformed, NotPolled, UnknownProvider

# Of Stripe: listed customer by customer, account by account.
BELOW = {"stripe:customer_balance_transaction", "stripe:person"}


def test_names_are_found_under_themselves() -> None:
    assert registry.names() == (
        "airtable",
        "github",
        "hubspot",
        "intercom",
        "jira",
        "linear",
        "notion",
        "push",
        "salesforce",
        "shopify",
        "stripe",
        "zendesk",
    )
    assert [registry.get(name).name for name in registry.names()] == list(registry.names())


def test_unknown_says_which_there_are() -> None:
    with pytest.raises(UnknownProvider) as caught:
        registry.get("stripes")
    assert caught.value.as_dict() == {
        "code": "SL105",
        "message": "there is no provider 'stripes'",
        "details": None,
        "hint": f"the providers are: {', '.join(registry.names())}",
    }


@pytest.mark.parametrize("name", registry.names())
def test_collections_are_named_after_their_provider(name: str) -> None:
    provider = registry.get(name)
    assert provider.free_form == (not provider.collections)
    assert all(key == collection.collection_id and key.startswith(f"{name}:") for key, collection in provider.collections.items())
    assert all(collection.description for collection in provider.collections.values())


@pytest.mark.parametrize("name", registry.names())
def test_feeds_are_unique_and_wait_for_earlier_ones(name: str) -> None:
    feeds = registry.get(name).feeds(None)
    names = [feed.name for feed in feeds]
    assert len(set(names)) == len(names)
    for at, feed in enumerate(feeds):
        assert set(feed.after) <= set(names[:at])


@pytest.mark.parametrize("name", registry.names())
def test_a_sync_that_chooses_nothing_reads_what_is_fed_to_everybody(name: str) -> None:
    read = {collection_id for feed in registry.get(name).feeds(None) for collection_id in feed.collection_ids}
    assert registry.whole(name) == [collection_id for collection_id in registry.get(name).collections if collection_id in read]
    apart = set(registry.get(name).collections) - read
    assert bool(apart) == (name == "stripe")
    assert all(collection_id.startswith(("stripe:issuing_", "stripe:treasury_")) for collection_id in apart - BELOW)


def test_push_has_nothing_to_ask() -> None:
    push = registry.get("push")
    assert push.feeds(["anything:at_all"]) == ()
    with pytest.raises(NotPolled):
        push.request(Feed("x", "backfill", ()), None, Credential("none", {}))
    with pytest.raises(NotPolled):
        push.fetch(Hint("push:x", "1"), Credential("none", {}))
    with pytest.raises(Malformed):
        push.seal_check("push_key", {"secret": "x"})
