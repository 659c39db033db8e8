"""A stateful stand-in for Linear's GraphQL API over real HTTP, on a loopback port.

Written from https://linear.app/developers, never from our provider. What it takes from the vendor: connections with nodes and pageInfo, `first` of 50
unless asked for, at most 250; newest first, by createdAt or updatedAt; filters {updatedAt: {gte, gt, lte}}; archived and deleted ones only with
includeArchived; a deleted issue, project or document is trashed and archived; inputs whose required fields are missing are refused before anything is
done (400); Entity not found with 200; RATELIMITED with 400; the key in Authorization by itself, tokens behind Bearer; OAuth tokens that rotate.

Objects       create(kind, **fields)   change(kind, id, **fields)   delete(kind, id)     kinds are GraphQL's types
Compare       objects(kind) -> {id: object}   with every field, not archived ones
Tokens        token, add_token(text), revoke(text), consent(redirect_uri) -> code
Clock         clock.advance(seconds), clock.freeze(), clock.run()
"""

from fakes.linear.fake import LinearFake

__all__ = ["LinearFake"]
