"""A stateful stand-in for GitHub's REST API over real HTTP, on a loopback port.

    from fakes.github import GitHubFake

    with GitHubFake() as fake:
        github.Github(base_url=fake.url, auth=github.Auth.Token(fake.token))

Written from https://docs.github.com/rest, never from our provider. One organisation (`fake.owner`) with repositories, of which `fake.repo` is
the first; in each: issues, pulls, their comments, labels, milestones, releases, commits, branches; of the organisation: repos, members, teams.

What it takes from the vendor: page and per_page (30, at most 100) with a Link header whose addresses name the repository by number; `since`
on issues, comments and commits, inclusive; sort and direction; state=open unless told; ids of its own and numbers beside them; issues show
pull requests too; whole seconds; ETag and 304; a deleted issue is 410; errors with message, errors and documentation_url; 403 and 429 for
limits, with x-ratelimit-… or retry-after.

Objects       create(kind, **fields)   change(kind, id, **fields)   delete(kind, id)      ids as the vendor's `id` (a branch: its name)
Compare       objects(kind) -> {id: object}      as the list shows them
Requests      requests -> [Seen(method, path, params, status)]
Tokens        token, add_token(text), revoke(text)
Apps          install(installation_id, client_id, public_key), uninstall(installation_id): tokens for an hour, by a signed JWT
Clock         clock.advance(seconds), clock.freeze(), clock.run()
Pages         page_cap: at most so many a page, whatever per_page says
"""

from fakes.github.fake import GitHubFake
from fakes.github.kinds import KINDS

__all__ = ["KINDS", "GitHubFake"]
