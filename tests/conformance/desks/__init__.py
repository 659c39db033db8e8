"""The vendors' desks, by provider."""

from collections.abc import Mapping

from conformance.desks.base import Desk
from conformance.desks.declared import DECLARED
from conformance.desks.github import GitHubDesk
from conformance.desks.hubspot import HubSpotDesk
from conformance.desks.salesforce import SalesforceDesk
from conformance.desks.shopify import ShopifyDesk
from conformance.desks.stripe import StripeDesk
from conformance.desks.zendesk import ZendeskDesk
from pgsluice.providers import registry

_DESKS = (StripeDesk, HubSpotDesk, ShopifyDesk, GitHubDesk, ZendeskDesk, SalesforceDesk)
DESKS: Mapping[str, type[Desk]] = {desk.provider: desk for desk in _DESKS if desk.provider in registry.names()}

DESKS = {**DESKS, **DECLARED}

__all__ = ["DESKS", "Desk"]
