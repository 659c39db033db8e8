"""A stateful stand-in for Zendesk's Support API over real HTTP, on a loopback port.

Written from https://developer.zendesk.com/api-reference, never from our provider. What it takes from the vendor: incremental exports of
tickets and users by cursor (after_cursor, after_url, end_of_stream) and of these, organizations and others by time (end_time, next_page;
a page never ends between objects of one second); lists with page[size] and page[after] (meta, links), or by page and per_page without; the
suffix .json everywhere; start_time at least a minute old, and exports without the last minute (`lag`); deleted tickets and users stay in the exports
(status deleted; active false), organizations with deleted_at; Idempotency-Key on new tickets, for two hours, with x-idempotency-lookup; 422 with details, 429
with Retry-After; Basic with address/token:… and Bearer.

Objects       create(kind, **fields)   change(kind, id, **fields)   delete(kind, id)
Compare       objects(kind) -> {id: object}   as lists and exports show them, deleted ones left out
Requests      requests -> [Seen(method, path, params, status)]
Tokens        email, token, bearer; add_token(text), revoke(text)
Clock         clock.advance(seconds), clock.freeze(), clock.run()
Pages         page_cap: at most so many a page
"""

from fakes.zendesk.fake import ZendeskFake
from fakes.zendesk.kinds import KINDS

__all__ = ["KINDS", "ZendeskFake"]
