"""A stateful stand-in for Notion's API, version 2025-09-03, over real HTTP, on a loopback port.

Written from https://developers.notion.com/reference, never from our provider. What it takes from the vendor: lists with next_cursor and has_more, at most 100
a page; search of pages or data sources sorted by last_edited_time; queries of data sources with a filter by last_edited_time; times in whole
minutes; what is in the trash is in no list, and by its id with in_trash; children of blocks; comments of a page; request_id in every answer
about one object; Notion-Version is needed; errors as {object: error, code, message}.

Objects       create(kind, **fields)   change(kind, id, **fields)   delete(kind, id)
              kinds: page, data_source, database, block, comment, user; a page with data_source=ID is a row of it; a block is under parent=ID
Compare       objects(kind) -> {id: object}
Tokens        token, add_token(text), revoke(text), consent(redirect_uri) -> code
Clock         clock.advance(seconds), clock.freeze(), clock.run()
"""

from fakes.notion.fake import NotionFake

__all__ = ["NotionFake"]
