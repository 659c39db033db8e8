"""The desks of vendors that share the provider of documents. GitHub's and Zendesk's stand for them; these take part in `make conformance`."""

import os

from conformance.desks.airtable import AirtableDesk
from conformance.desks.base import Desk
from conformance.desks.intercom import IntercomDesk
from conformance.desks.jira import JiraDesk
from conformance.desks.linear import LinearDesk
from conformance.desks.notion import NotionDesk

_DESKS: tuple[type[Desk], ...] = (LinearDesk, NotionDesk, AirtableDesk, IntercomDesk, JiraDesk)
DECLARED = {desk.provider: desk for desk in _DESKS} if "CONFORMANCE" in os.environ else {}
