"""A stateful stand-in for Intercom's REST API, version 2.14, over real HTTP, on a loopback port.

Written from https://developers.intercom.com/docs/references/rest-api, never from our provider. What it takes from the vendor: lists with pages.next.starting_after, at
most 150 a page; searches that compare days (a time is rounded down to its day, and > begins with the next one), sorted; the scroll of companies, one at a
time, its token the same on each page, over after a minute; conversations with their parts only by their id; unix seconds; X-RateLimit-* with a reset in
unix seconds; error.list; a contact with an address that is taken is a conflict; companies that are found by company_id.

Objects       create(kind, **fields)   change(kind, id, **fields)   delete(kind, id)     a part: create("conversation_part", conversation=ID)
Compare       objects(kind) -> {id: object}
Tokens        token, add_token(text), revoke(text), consent(redirect_uri) -> code
Clock         clock.advance(seconds), clock.freeze(), clock.run()
"""

from fakes.intercom.fake import IntercomFake

__all__ = ["IntercomFake"]
