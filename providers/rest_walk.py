"""Going through one list of a declared provider: what the next request carries, and what a reply says about going on.

A vendor that ignores the place sends the same page for ever, one that runs in circles never ends. Both are noticed with one digest of the
place that is moved at pages 1, 2, 4, 8 …, and one of the last page's ids.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, urljoin, urlsplit

import msgspec

from pgsluice.providers import rawjson, replies, rest_paths
from pgsluice.providers.base import Response
from pgsluice.providers.errors import ListBroken
from pgsluice.providers.rest_document import Listing, Paging
from pgsluice.providers.rest_template import Value

_SLIPS: Final = 20  # times that a list may move under an offset before it counts as broken


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where in a list. The default is the start."""

    cursor: str | None = None  # a token, the path of the next address, or what to go on behind
    at: int = 0  # offset, or pages read before this one
    pages: int = 0
    mark: str = ""  # digest of an earlier cursor
    page: str = ""  # digest of the ids of the page before
    last: str = ""  # the last id of the page before; at an offset it must come up again
    slips: int = 0


class Came(NamedTuple):
    """What came with a page: how many records, the ids of those that have one, what to go on behind."""

    response: Response
    ids: Sequence[str] = ()
    number: int = 0
    last: str | None = None

    @property
    def digest(self) -> str:
        return _digest("\n".join(self.ids))


class Onward(NamedTuple):
    """The place behind a page. `ended`: there is no more now; the place is then where more would appear."""

    place: Place
    ended: bool


def values(listing: Listing, place: Place) -> dict[str, Value]:
    """What the placeholders of paging stand for."""
    paging = listing.paging
    first = paging.first if paging.first is not None else (1 if paging.style == "page" else 0)
    found: dict[str, Value] = {"limit": listing.page_size}
    if paging.style in {"cursor", "keyset", "scroll"} and place.cursor is not None:
        found["cursor"] = place.cursor
    elif paging.style == "page":
        found["page"] = first + place.at
    elif paging.style == "offset":
        found["offset"] = first + place.at
    return found


def address(place: Place, listing: Listing) -> tuple[str, tuple[tuple[str, str], ...]] | None:
    """Path and query of the next page, where the vendor gives its address."""
    if listing.paging.style not in {"link", "next_url"} or place.cursor is None:
        return None
    parts = urlsplit(place.cursor)
    return parts.path, tuple(parse_qsl(parts.query, keep_blank_values=True))


def onward(listing: Listing, place: Place, came: Came) -> Onward:
    """The place behind a page. Raises ListBroken and Unreadable."""
    paging, response = listing.paging, came.response
    if paging.style in {"offset", "page", "keyset", "scroll"} and came.number > 1 and came.ids and came.digest == place.page:
        raise ListBroken(
            "the list repeats itself: a page came twice",
            details=f"page {place.pages + 1} of {urlsplit(response.url).path}",
            hint="the vendor ignores the place to go on from: look at the paging of the provider document",
        )
    match paging.style:
        case "none":
            return Onward(place, ended=True)
        case "link" | "next_url" | "cursor":
            return _by_reference(paging, place, response)
        case "scroll":
            return _scrolled(paging, place, came)
        case "keyset":
            return _behind(listing, place, came)
        case _:
            return _by_number(listing, place, came)


def _by_reference(paging: Paging, place: Place, response: Response) -> Onward:
    given = _reference(paging, response)
    ended = given is None if not (paging.more or paging.end) else not _has_more(paging, response, count=1, given=given)
    if ended or given is None:
        if not ended:
            raise ListBroken("the list says that there is more and gives no place to go on from", details=replies.described(response))
        # Kept where it is, if the vendor names none: a feed may go on from there later.
        return Onward(msgspec.structs.replace(place, cursor=given or place.cursor), ended=True)
    following = given if paging.style == "cursor" else _local(given, response)
    if following == place.cursor or (place.mark and _digest(following) == place.mark):
        raise ListBroken(
            "the list repeats itself: a page leads to one that came before",
            details=f"page {place.pages + 1} of {urlsplit(response.url).path}",
            hint="nothing is lost; the list is read again from its start, later",
        )
    pages = place.pages + 1
    mark = _digest(following) if pages & (pages - 1) == 0 else place.mark
    return Onward(Place(cursor=following, pages=pages, mark=mark), ended=False)


def _scrolled(paging: Paging, place: Place, came: Came) -> Onward:
    """A token that may stay the same, and an empty page at the end."""
    if came.number == 0:
        return Onward(place, ended=True)
    given = _reference(paging, came.response)
    if given is None:
        raise ListBroken("the list says that there is more and gives no place to go on from", details=replies.described(came.response))
    return Onward(Place(cursor=given, pages=place.pages + 1, page=came.digest), ended=False)


def _reference(paging: Paging, response: Response) -> str | None:
    if paging.style == "link":
        return next_link(response.headers.get(paging.header.lower() or "link", ""))
    if paging.header:
        return response.headers.get(paging.header.lower()) or None
    return _body_text(response, paging.next)


def _local(given: str, response: Response) -> str:
    """Path and query of the next page's address. It must be on the host that was asked: a secret is sent with it."""
    try:
        parts = urlsplit(urljoin(response.url, given))
        asked = urlsplit(response.url)
        same = parts.hostname == asked.hostname and (parts.port or asked.port) == asked.port and parts.scheme in {"http", "https"}
    except ValueError:
        parts, same = urlsplit(""), False
    if not same:
        raise ListBroken(
            "the address of the next page leads to another host",
            details=replies.plain(parts.netloc, 100),
            hint="the credential is not sent there: correct base_url, or the paging of the provider document",
        )
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _behind(listing: Listing, place: Place, came: Came) -> Onward:
    response, count, last_value = came.response, came.number, came.last
    if not _has_more(listing.paging, response, count=count, size=listing.page_size):
        return Onward(msgspec.structs.replace(place, cursor=last_value or place.cursor), ended=True)
    if last_value is None or last_value == place.cursor:
        raise ListBroken(
            "the list says that there is more and brings nothing to go on from",
            details=f"page {place.pages + 1} of {urlsplit(response.url).path}",
            hint="nothing is lost; the list is read again from its start, later",
        )
    return Onward(Place(cursor=last_value, pages=place.pages + 1, page=came.digest), ended=False)


def _by_number(listing: Listing, place: Place, came: Came) -> Onward:
    paging, response, ids, count = listing.paging, came.response, came.ids, came.number
    by_page = paging.style == "page"
    if not by_page and place.last and place.last not in ids:
        return _slipped(listing, place, response)
    behind = place.at + (1 if by_page else count)
    more = _has_more(paging, response, count=count, size=listing.page_size, behind=behind)
    if not more:
        return Onward(place, ended=True)
    if not by_page and ids and count > 1:
        # The last record is asked for once more: if it is not there, the list has moved under the offset.
        return Onward(Place(at=behind - 1, pages=place.pages + 1, page=came.digest, last=ids[-1], slips=place.slips), ended=False)
    return Onward(Place(at=behind, pages=place.pages + 1, page=came.digest, slips=place.slips), ended=False)


def _slipped(listing: Listing, place: Place, response: Response) -> Onward:
    if place.slips >= _SLIPS:
        raise ListBroken(
            "the list has no fixed order: it moves with every page",
            details=f"page {place.pages + 1} of {urlsplit(response.url).path}",
            hint="ask for a fixed order (sort by id or by time of creation) in the provider document",
        )
    back = max(0, place.at - listing.page_size)
    return Onward(Place(at=back, pages=place.pages + 1, slips=place.slips + 1), ended=False)


def _has_more(paging: Paging, response: Response, *, count: int, given: str | None = None, size: int = 0, behind: int = 0) -> bool:
    if paging.more:
        raw = rest_paths.at(response.body, paging.more)
        return given is not None if raw is None else raw == b"true"
    if paging.end:
        return rest_paths.at(response.body, paging.end) != b"true"
    if paging.total and (total := rest_paths.text(rest_paths.at(response.body, paging.total))) is not None and total.isdecimal():
        return count > 0 and behind < int(total)
    if paging.pages and (pages := rest_paths.text(rest_paths.at(response.body, paging.pages))) is not None and pages.isdecimal():
        return behind < int(pages)
    return count >= size if paging.short_page_ends else count > (1 if paging.style == "offset" and behind > 1 and size > 1 else 0)


def _body_text(response: Response, path: str) -> str | None:
    return rest_paths.text(rest_paths.at(response.body, path)) if path else None


def next_link(header: str) -> str | None:
    """The address with rel="next" in a Link header. https://www.rfc-editor.org/rfc/rfc8288"""
    for part in header.split("<")[1:]:
        target, closed, rest = part.partition(">")
        for parameter in rest.split(";")[1:] if closed else []:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "rel" and "next" in value.strip(' ,"').lower().split():
                return target.strip()
    return None


def _digest(text: str) -> str:
    return urlsafe_b64encode(blake2b(text.encode(), digest_size=9).digest()).decode()


def readable(response: Response, vendor: str, path: str) -> bytes:
    """What stands at `path` of the body. Raises Unreadable."""
    try:
        found = rest_paths.at(response.body.removeprefix(rawjson.BOM).strip(), path)
    except rawjson.NotJson as exc:
        raise replies.unreadable(response, vendor, str(exc)) from exc
    if found is None:
        raise replies.unreadable(response, vendor, f"there is no {path!r} in it")
    return found
