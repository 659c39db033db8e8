"""Reading an object from end to end: the backfill, and the sweeps after it.

First it is described, then counted (https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_record_count.htm,
about right and cheap). Up to BULK_FROM records are read by queries in the order of their ids; more by a job of Bulk API 2.0
(`salesforce_bulk`), and by queries after all where Bulk cannot read the object or the job fails.
"""

from __future__ import annotations

from typing import Final

import msgspec

from pgsluice.providers.base import Change, Cursor, Feed, Page, Refused, Response
from pgsluice.providers.errors import ListBroken, RateLimited, Unauthorized, Unavailable
from pgsluice.providers.salesforce_csv import records as csv_records
from pgsluice.providers.salesforce_describe import Shape, read_shape
from pgsluice.providers.salesforce_errors import code_of, error_of
from pgsluice.providers.salesforce_objects import object_of
from pgsluice.providers.salesforce_records import Listing, distinct, id_of, listing, literal, moment, read_record
from pgsluice.providers.salesforce_soql import PAGE_SIZE, ROOT, Ask, describe, query, quoted, select, stored, unwrapped

BULK_FROM: Final = 50_000
BULK_PAGE: Final = 5000  # records of a job's results in one reply
FIRST_WAIT: Final = 2.0
LONGEST_WAIT: Final = 30.0
MOST_LOOKS: Final = 3000  # at a job: a day and a night
# A field that is gone between the description and the query: described anew so often.
DESCRIBED_AGAIN: Final = 3


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """The cursor of such a feed. The default is the start."""

    step: str = ""  # then count, list, or job (to be made), looked (at), results
    shape: Shape | None = None
    after: str = ""  # go on behind this id
    rows: int = 0  # that came by queries
    job: str = ""
    made: str = ""  # when the job was, by Salesforce's clock
    locator: str = ""  # of the next page of its results
    looks: int = 0
    again: int = 0


def place_of(cursor: Cursor | None) -> Place:
    """The place that a stored cursor names. One that cannot be read is the start: reading again is silent."""
    try:
        place = msgspec.convert(cursor or {}, Place)
    except msgspec.ValidationError:
        return Place()
    return place if place.shape is not None else Place(again=place.again)


def ask(feed: Feed, cursor: Cursor | None) -> Ask:
    """The next request of such a feed."""
    place = place_of(cursor)
    shape = place.shape
    if shape is None:
        return describe(object_of(feed.collection_ids[0]))
    match place.step:
        case "count":
            return Ask("GET", f"{ROOT}/limits/recordCount", (("sObjects", shape.name),))
        case "job":
            job = {"operation": "query", "query": select(shape, _conditions(feed, place)), "contentType": "CSV",
                   "columnDelimiter": "COMMA", "lineEnding": "LF"}  # fmt: skip
            return Ask("POST", f"{ROOT}/jobs/query", body=msgspec.json.encode(job))
        case "looked":
            return Ask("GET", f"{ROOT}/jobs/query/{place.job}")
        case "results":
            onward = (("locator", place.locator),) if place.locator else ()
            return Ask("GET", f"{ROOT}/jobs/query/{place.job}/results", (("maxRecords", str(BULK_PAGE)), *onward))
        case _:
            return query(select(shape, _conditions(feed, place), "Id"))


def _conditions(feed: Feed, place: Place) -> list[str]:
    shape = place.shape
    found = [f"Id > {quoted(place.after)}"] if place.after else []
    if feed.since is not None and shape is not None and "CreatedDate" in shape.names:
        found.append(f"CreatedDate >= {literal(feed.since)}")
    return found


def read(feed: Feed, cursor: Cursor | None, response: Response) -> Page:
    """One page of such a feed. Raises ProviderError."""
    place = place_of(cursor)
    shape = place.shape
    if shape is None:
        return _onward(msgspec.structs.replace(place, step="count", shape=read_shape(response)))
    match place.step:
        case "count":
            return _counted(place, shape, response)
        case "job":
            return _made(place, response)
        case "looked":
            return _looked(place, response)
        case "results":
            return _results(feed, place, shape, response)
        case _:
            return _listed(feed, place, shape, unwrapped(response))


# ---------------------------------------------------------------- by queries


def _counted(place: Place, shape: Shape, response: Response) -> Page:
    """How many there are, about. Not every object has a count, and nothing depends on it but the way."""
    if response.status != 200 and isinstance(error := error_of(response), Unauthorized | RateLimited | Unavailable):
        raise error
    try:
        found = msgspec.json.decode(response.body, type=_Counts).sObjects if response.status == 200 else []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = []
    count = next((one.count for one in found if one.name.lower() == shape.name.lower()), None)
    large = shape.bulk and count is not None and count >= BULK_FROM
    return _onward(msgspec.structs.replace(place, step="job" if large else "list"), total=count)


class _Count(msgspec.Struct, frozen=True):
    name: str
    count: int


class _Counts(msgspec.Struct, frozen=True):
    sObjects: list[_Count]  # noqa: N815  Salesforce's name


def _listed(feed: Feed, place: Place, shape: Shape, response: Response) -> Page:
    if response.status == 400 and code_of(response) == "INVALID_FIELD" and place.again < DESCRIBED_AGAIN:
        # A field of the description is gone, or hidden from this user by now.
        return _onward(Place(again=place.again + 1))
    found = listing(response)
    records = [read_record(feed.collection_ids[0], raw) for raw in found.records]
    more = not found.done or len(records) >= PAGE_SIZE
    after = advance(place.after, found, more=more)
    rows = place.rows + len(records)
    changes, refused = distinct(records)
    # Counts can be far from the truth; so much by queries is too much.
    step = "job" if more and shape.bulk and rows >= BULK_FROM else "list"
    onward = msgspec.structs.replace(place, step=step, after=after, rows=rows)
    return Page(stored(onward), done=not more, more=more, changes=changes, refused=refused)


def advance(after: str, found: Listing, *, more: bool) -> str:
    """The id to go on behind. Raises ListBroken."""
    ids = [key for raw in found.records if (key := id_of(raw)) is not None]
    if after and after in ids:
        raise ListBroken(
            "the list repeats itself: the page behind a record contains that record",
            cursor={},
            details=f"record {after}",
            hint="nothing is lost, and the list is read again from its start",
        )
    if more and not ids:
        raise ListBroken(
            "the list says that there is more and brings nothing to go on from",
            cursor={},
            details=f"behind {after or 'the start'}",
            hint="nothing is lost; the list is read again from its start",
        )
    return ids[-1] if ids else after


# ---------------------------------------------------------------- by Bulk API 2.0


class _Job(msgspec.Struct, frozen=True):
    id: str
    state: str = ""
    createdDate: str = ""  # noqa: N815  Salesforce's names
    errorMessage: str = ""  # noqa: N815
    numberRecordsProcessed: int | None = None  # noqa: N815


def _made(place: Place, response: Response) -> Page:
    """https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/query_create_job.htm"""
    if response.status in {200, 201}:
        job = _job(response)
        if job is not None:
            return _onward(msgspec.structs.replace(place, step="looked", job=job.id, made=job.createdDate, looks=0), wait=FIRST_WAIT)
    if response.status == 401 or response.status >= 500 or code_of(response) == "REQUEST_LIMIT_EXCEEDED":
        raise error_of(response)
    if code_of(response) == "INVALID_FIELD" and place.again < DESCRIBED_AGAIN:
        return _onward(Place(again=place.again + 1))
    # The user may not, or Bulk has not this object, or no job is left for today.
    return _by_queries(place)


def _looked(place: Place, response: Response) -> Page:
    if response.status == 404:
        return _by_queries(place)  # deleted, by somebody or after its seven days
    if response.status != 200:
        raise error_of(response)
    job = _job(response)
    state = "" if job is None else job.state
    if job is not None and state == "JobComplete":
        onward = msgspec.structs.replace(place, step="results", locator="", looks=0)
        return _onward(onward, total=job.numberRecordsProcessed)
    if state not in {"UploadComplete", "InProgress"} or place.looks >= MOST_LOOKS:
        why = f": {job.errorMessage}" if job is not None and job.errorMessage else ""
        return _by_queries(place, notice=f"a job of Bulk API 2.0 ended as {state or 'nothing known'}{why}; the list is read by queries")
    onward = msgspec.structs.replace(place, looks=place.looks + 1)
    return _onward(onward, wait=min(FIRST_WAIT * 2.0 ** min(place.looks, 10), LONGEST_WAIT))


def _results(feed: Feed, place: Place, shape: Shape, response: Response) -> Page:
    """https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/query_get_job_results.htm: the end is "null"."""
    if response.status in {400, 404}:
        return _by_queries(place)
    if response.status != 200 or "json" in response.headers.get("content-type", ""):
        raise error_of(response)
    changes, refused = distinct(csv_records(feed.collection_ids[0], shape, ROOT, response))
    if feed.kind == "backfill" and shape.stamp and place.made:
        # What was changed since the job was made comes with the changes. Here it is as the job saw it, hours ago perhaps, and a stamp of
        # whole seconds does not tell that from what was made of it in the same second.
        borne = moment(msgspec.json.encode(place.made))
        changes = tuple(one for one in changes if borne is None or one.upstream_updated_at is None or one.upstream_updated_at < borne)
    locator = response.headers.get("sforce-locator", "").strip()
    more = locator not in {"", "null"}
    if more and locator == place.locator:
        raise ListBroken("the results of the job lead to the same page again", cursor={}, hint="the list is read again from its start")
    onward = msgspec.structs.replace(place, locator=locator if more else "")
    return Page(stored(onward), done=not more, more=more, changes=changes, refused=refused)


def _by_queries(place: Place, notice: str | None = None) -> Page:
    shape = place.shape
    assert shape is not None
    slow = msgspec.structs.replace(shape, bulk=False)
    return _onward(Place("list", slow, place.after), notice=notice)


def _job(response: Response) -> _Job | None:
    try:
        return msgspec.json.decode(response.body, type=_Job)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _onward(place: Place, *, wait: float | None = None, total: int | None = None, notice: str | None = None) -> Page:
    changes: tuple[Change, ...] = ()
    refused: tuple[Refused, ...] = ()
    return Page(stored(place), done=False, more=True, changes=changes, refused=refused, wait=wait, total=total, notice=notice)
