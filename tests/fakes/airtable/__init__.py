"""A stateful stand-in for Airtable's Web API over real HTTP, on a loopback port.

Written from https://airtable.com/developers/web/api, never from our provider. What it takes from the vendor: bases, tables and records; an `offset` while there is
more, which ends with LIST_RECORDS_ITERATOR_NOT_AVAILABLE; filterByFormula with LAST_MODIFIED_TIME(); records without a time of change; ids that
name nothing are 404 or, for tables, 403; unknown fields are refused with 422; OAuth tokens that rotate, with the client in HTTP's login.

Objects       create(kind, **fields)   change(kind, id, **fields)   delete(kind, id)     kinds: base, table, record; `base`, `table` of a new one
Compare       objects(kind) -> {id: object}   ids of tables and records with those of what they are in
Tokens        token, add_token(text), revoke(text), consent(redirect_uri) -> code
Clock         clock.advance(seconds), clock.freeze(), clock.run()
"""

from fakes.airtable.fake import AirtableFake

__all__ = ["AirtableFake"]
