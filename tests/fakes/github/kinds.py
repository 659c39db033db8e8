"""What there is at the vendor: for each kind its address, its ways, and what an object looks like. https://docs.github.com/rest"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha1
from typing import Any

Doc = dict[str, Any]
OWNER = "octo-org"


@dataclass(frozen=True)
class Kind:
    """`path`: of the list, {repo} being /repos/OWNER/NAME. `key`: the member that addresses one object."""

    path: str
    key: str
    make: Callable[[int, str, Doc], Doc]
    sorts: tuple[str, ...] = ()  # the first is the default
    direction: str = "desc"
    since: bool = False
    state: bool = False  # open unless told
    needs: tuple[str, ...] = ()  # to create one
    takes: tuple[str, ...] = ()
    verbs: frozenset[str] = frozenset({"POST", "PATCH", "DELETE"})
    gone: int = 404  # what asking for a deleted one gives
    single: str = ""  # the path of one, where it is not below the list
    under: Mapping[str, Any] = field(default_factory=dict)


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def user(login: str = "octocat", number: int = 1) -> Doc:
    url = f"https://api.github.com/users/{login}"
    return {
        "login": login, "id": number, "node_id": node("User", number), "avatar_url": f"https://avatars.githubusercontent.com/u/{number}?v=4",
        "gravatar_id": "", "url": url, "html_url": f"https://github.com/{login}", "repos_url": f"{url}/repos", "type": "User",
        "user_view_type": "public", "site_admin": False,
    }  # fmt: skip


def node(kind: str, number: int) -> str:
    return b64encode(f"{len(kind):03}:{kind}{number}".encode()).decode()


def _named(number: int, now: str, where: str) -> Doc:
    return {"id": number, "node_id": node(where.split("/", maxsplit=1)[0], number), "url": f"https://api.github.com/repositories/1/{where}"}


def _times(now: str) -> Doc:
    return {"created_at": now, "updated_at": now}


def _reactions(url: str) -> Doc:
    return {
        "url": f"{url}/reactions",
        "total_count": 0,
        "+1": 0,
        "-1": 0,
        "laugh": 0,
        "hooray": 0,
        "confused": 0,
        "heart": 0,
        "rocket": 0,
        "eyes": 0,
    }


def issue(number: int, now: str, given: Doc) -> Doc:
    doc = {
        **_named(number, now, f"issues/{given['number']}"), "number": given["number"], "title": "", "user": user(), "labels": [], "state": "open",
        "locked": False, "assignee": None, "assignees": [], "milestone": None, "comments": 0, **_times(now), "closed_at": None,
        "author_association": "OWNER", "active_lock_reason": None, "body": None, "closed_by": None, "state_reason": None,
    }  # fmt: skip
    return {**doc, "reactions": _reactions(doc["url"]), **given}


def pull(number: int, now: str, given: Doc) -> Doc:
    def end(ref: str) -> Doc:
        return {"label": f"{OWNER}:{ref}", "ref": ref, "sha": sha1(f"{number}{ref}".encode()).hexdigest(), "user": user()}

    head, base = given.pop("head", "topic"), given.pop("base", "main")
    doc = {
        **_named(number, now, f"pulls/{given['number']}"), "number": given["number"], "title": "", "user": user(), "labels": [], "state": "open",
        "locked": False, "body": None, **_times(now), "closed_at": None, "merged_at": None, "merge_commit_sha": None, "assignee": None,
        "assignees": [], "requested_reviewers": [], "requested_teams": [], "milestone": None, "draft": False, "author_association": "OWNER",
        "auto_merge": None, "active_lock_reason": None, "head": end(head), "base": end(base),
    }  # fmt: skip
    return {**doc, **given}


def comment(where: str, parent: str) -> Callable[[int, str, Doc], Doc]:
    def make(number: int, now: str, given: Doc) -> Doc:
        doc = {**_named(number, now, f"{where}/{number}"), "user": user(), **_times(now), "author_association": "OWNER", "body": ""}
        above = f"https://api.github.com/repositories/1/{parent.removesuffix('_url')}s/{given.pop('number', 1)}"
        return {**doc, parent: above, "reactions": _reactions(doc["url"]), **given}

    return make


def label(number: int, now: str, given: Doc) -> Doc:
    return {**_named(number, now, f"labels/{given['name']}"), "color": "ededed", "default": False, "description": None, **given}


def milestone(number: int, now: str, given: Doc) -> Doc:
    return {
        **_named(number, now, f"milestones/{given['number']}"), "number": given["number"], "title": "", "description": None, "creator": user(),
        "open_issues": 0, "closed_issues": 0, "state": "open", **_times(now), "due_on": None, "closed_at": None, **given,
    }  # fmt: skip


def release(number: int, now: str, given: Doc) -> Doc:
    return {
        **_named(number, now, f"releases/{number}"), "author": user(), "tag_name": "", "target_commitish": "main", "name": None, "draft": False,
        "immutable": False, "prerelease": False, **_times(now), "published_at": now, "assets": [], "body": None, **given,
    }  # fmt: skip


def commit(number: int, now: str, given: Doc) -> Doc:
    sha = sha1(str(number).encode()).hexdigest()
    by = {"name": "Octo Cat", "email": "octocat@github.com", "date": now}
    url = f"https://api.github.com/repositories/1/commits/{sha}"
    return {
        "sha": sha, "node_id": node("Commit", number), "commit": {"author": by, "committer": by, "message": given.get("message", ""),
        "tree": {"sha": sha[::-1], "url": f"{url}/tree"}, "url": url, "comment_count": 0}, "url": url, "author": user(), "committer": user(),
        "parents": [],
    }  # fmt: skip


def branch(number: int, now: str, given: Doc) -> Doc:
    sha = sha1(str(number).encode()).hexdigest()
    return {"name": "", "commit": {"sha": sha, "url": f"https://api.github.com/repositories/1/commits/{sha}"}, "protected": False, **given}


def repo(number: int, now: str, given: Doc) -> Doc:
    name = given["name"]
    return {
        "id": number, "node_id": node("Repository", number), "name": name, "full_name": f"{OWNER}/{name}", "private": False,
        "owner": {**user(OWNER, 9), "type": "Organization"}, "html_url": f"https://github.com/{OWNER}/{name}", "description": None, "fork": False,
        "url": f"https://api.github.com/repos/{OWNER}/{name}", **_times(now), "pushed_at": now, "homepage": None, "size": 0, "stargazers_count": 0,
        "watchers_count": 0, "language": None, "has_issues": True, "archived": False, "disabled": False, "open_issues_count": 0, "license": None,
        "topics": [], "visibility": "public", "forks": 0, "open_issues": 0, "watchers": 0, "default_branch": "main", **given,
    }  # fmt: skip


def member(number: int, now: str, given: Doc) -> Doc:
    return {**user(given.get("login", f"user{number}"), number), **given}


def team(number: int, now: str, given: Doc) -> Doc:
    name = given["name"]
    return {
        "id": number, "node_id": node("Team", number), "name": name, "slug": name.lower(), "description": None, "privacy": "closed",
        "url": f"https://api.github.com/organizations/9/team/{number}", "permission": "pull", "parent": None, **given,
    }  # fmt: skip


_TEXTS = ("title", "body", "state", "state_reason", "labels", "assignees", "milestone")
_READ = frozenset[str]()
KINDS: Mapping[str, Kind] = {
    # https://docs.github.com/rest/issues/issues#list-repository-issues: GitHub's REST API considers every pull request an issue
    "issue": Kind("{repo}/issues", "number", issue, ("created", "updated", "comments"), since=True, state=True, needs=("title",), takes=_TEXTS,
                  verbs=frozenset({"POST", "PATCH"}), gone=410),
    "issue_comment": Kind("{repo}/issues/comments", "id", comment("issues/comments", "issue_url"), ("created", "updated"), since=True,
                          direction="asc", takes=("body",), needs=("body",), verbs=frozenset({"PATCH", "DELETE"})),
    "pull": Kind("{repo}/pulls", "number", pull, ("created", "updated", "popularity", "long-running"), state=True, needs=("title", "head", "base"),
                 takes=("title", "body", "state", "base"), verbs=frozenset({"POST", "PATCH"})),
    "review_comment": Kind("{repo}/pulls/comments", "id", comment("pulls/comments", "pull_request_url"), ("created", "updated"), since=True,
                           direction="asc", takes=("body",), verbs=frozenset({"PATCH", "DELETE"})),
    "label": Kind("{repo}/labels", "name", label, needs=("name",), takes=("name", "new_name", "color", "description")),
    "milestone": Kind("{repo}/milestones", "number", milestone, ("due_on", "completeness"), direction="asc", state=True, needs=("title",),
                      takes=("title", "state", "description", "due_on")),
    "release": Kind("{repo}/releases", "id", release, needs=("tag_name",),
                    takes=("tag_name", "target_commitish", "name", "body", "draft", "prerelease")),
    "commit": Kind("{repo}/commits", "sha", commit, since=True, verbs=_READ),
    "branch": Kind("{repo}/branches", "name", branch, verbs=_READ),
    "repo": Kind(f"/orgs/{OWNER}/repos", "name", repo, ("created", "updated", "pushed", "full_name"), since=True, needs=("name",),
                 takes=("name", "description", "homepage", "private"), single=f"/repos/{OWNER}"),
    "member": Kind(f"/orgs/{OWNER}/members", "login", member, verbs=_READ),
    "team": Kind(f"/orgs/{OWNER}/teams", "slug", team, needs=("name",), takes=("name", "description", "privacy")),
}  # fmt: skip
NUMBERED = {"issue", "pull", "milestone"}
