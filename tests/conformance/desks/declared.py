"""The desks of vendors that share the provider of documents. GitHub's and Zendesk's stand for them; these take part in
`make conformance`, and by test_documents.py in each run."""

import os

from conformance.desks.airtable import AirtableDesk
from conformance.desks.base import Desk
from conformance.desks.document import DocumentDesk
from conformance.desks.intercom import IntercomDesk
from conformance.desks.jira import JiraDesk
from conformance.desks.linear import LinearDesk
from conformance.desks.notion import NotionDesk

ALL: tuple[type[DocumentDesk], ...] = (LinearDesk, NotionDesk, AirtableDesk, IntercomDesk, JiraDesk)
DECLARED: dict[str, type[Desk]] = {desk.provider: desk for desk in ALL} if "CONFORMANCE" in os.environ else {}
