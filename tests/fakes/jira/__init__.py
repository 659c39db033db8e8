"""A stateful stand-in for Jira Cloud's REST API over real HTTP, on a loopback port.

Written from https://developer.atlassian.com/cloud/jira, never from our provider. What it takes from the vendor: /rest/api/3/search/jql by GET and POST with
nextPageToken, refusing queries without a condition; JQL's times in whole minutes of the asker's zone (`zone`, in hours); other lists with startAt, maxResults,
total or isLast; a new issue is answered by its id alone, a changed one by 204; comments and worklogs change their issue; deleted worklogs are
listed; boards that have no sprints say so with 400; errorMessages and errors; Basic with address and token, and Bearer.

Objects       create(kind, **fields)   change(kind, id, **fields)   delete(kind, id)     `issue`, `project`, `board` of a new one below it
Compare       objects(kind) -> {id: object}
Tokens        email, token, add_token(text), revoke(text), consent(redirect_uri) -> code
Clock         clock.advance(seconds), clock.freeze(), clock.run()
"""

from fakes.jira.fake import JiraFake

__all__ = ["JiraFake"]
