"""Many syncs, always due, and pollers of which one is killed and replaced: nobody waits for more than twice the fair share.

The fair share of a wait is one turn of each of the others: the total work, shared by all places. In turns it is the number of syncs,
whatever the machine does meanwhile; in seconds, the number of syncs over the turns that were begun in a second. `make fairness` has 2,000
syncs and three pollers.
"""

from __future__ import annotations

import bisect
import os
import signal
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import NamedTuple

import psycopg
import pytest
from e2e.polling import KEY, NEWEST, process, until

from pgsluice.db.client import Client

FULL = "FAIRNESS" in os.environ
SYNCS = int(os.environ.get("FAIRNESS", "40"))
POLLERS, PLACES, LATENCY, TURNS = (3, 8, 0.1, 5) if FULL else (2, 2, 0.01, 2)  # TURNS: of each sync, before the kill and after it
NOTE_CLAIMS = """
create table public.claims (claim_no bigserial, sync_id text, due_at timestamptz, claimed_at timestamptz, poller_id text);
create function public.note_claim() returns trigger language plpgsql security definer as $$
begin
    insert into public.claims (sync_id, due_at, claimed_at, poller_id)
    values (new.sync_id, old.next_attempt_at, clock_timestamp(), new.poller_id);
    return null;
end $$;
create trigger note_claim after update on sluice_internal.sync_runs for each row when (new.epoch > old.epoch)
execute function public.note_claim();
"""


class Claim(NamedTuple):
    sync_id: str
    due_at: datetime
    claimed_at: datetime
    poller_id: str


@contextmanager
def vendor() -> Iterator[str]:
    """A quick vendor with an empty account, which takes a moment for each answer."""
    command = [sys.executable, "-m", "pgsluice.bench.syncing.vendor", "0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        url = f"http://127.0.0.1:{int(started.stdout.readline())}"
        urllib.request.urlopen(f"{url}/set?latency={LATENCY}").close()
        yield url
        started.terminate()


def claims(db: str) -> list[Claim]:
    with psycopg.connect(db) as conn:
        return [Claim(*row) for row in conn.execute("select sync_id, due_at, claimed_at, poller_id from public.claims order by claim_no")]


def waiting(db: str) -> list[datetime]:
    """Since when syncs are due that nobody has taken."""
    with psycopg.connect(db) as conn:
        return [due_at for (due_at,) in conn.execute("select next_attempt_at from sluice_internal.sync_runs where poller_id is null")]


def counted(db: str, after: int) -> int:
    """How many turns every sync had since so many claims."""
    found = Counter(claim.sync_id for claim in claims(db)[after:])
    return min(found.values()) if len(found) == SYNCS else 0


def forget(db: str, pid: int) -> None:
    """As if the killed poller's ten seconds were over."""
    with psycopg.connect(db) as conn:
        conn.execute("update sluice_internal.pollers set heartbeat_at = heartbeat_at - interval '1 minute' where pid = %s", [pid])


def fair_share(times: list[datetime], since: datetime, until: datetime) -> float:
    """Seconds of a turn of each, by how many were begun in that time."""
    return SYNCS * (until - since).total_seconds() / max(bisect.bisect_right(times, until) - bisect.bisect_right(times, since), 1)


@NEWEST
@pytest.mark.timeout(900 if FULL else 120)
def test_nobody_waits_longer_than_twice_the_fair_share(db: str) -> None:
    with psycopg.connect(db) as conn:
        conn.execute(NOTE_CLAIMS)
    options = ("--workers", str(PLACES))
    with vendor() as url, ExitStack() as running, Client.connect(db, master_key=KEY) as client:
        client.stream_create("s")
        # Ten syncs each: what Stripe allows one account in test mode (25 requests a second) would take 2,000 syncs a quarter of an hour.
        accounts = [f"k{number}" for number in range(SYNCS // 10)]
        for account in accounts:
            client.credential_create("stripe", account, "stripe_key", secret={"secret": "sk_test_none"}, base_url=url)
        for number in range(SYNCS):
            account = accounts[number % len(accounts)]
            client.sync_create("s", "stripe", f"sync{number}", collection_ids=["stripe:customer"], credential_id=account)
        os.environ["PGSLUICE_POLL_INTERVAL"] = "0.05"
        running.callback(os.environ.pop, "PGSLUICE_POLL_INTERVAL")
        started = [running.enter_context(process(db, *options)) for _ in range(POLLERS)]
        until(lambda: counted(db, 0) >= TURNS, 400)
        started[0].send(signal.SIGKILL)
        killed_after = len(claims(db))
        if not FULL:
            forget(db, started[0].pid)
        started[0] = running.enter_context(process(db, *options))
        until(lambda: counted(db, killed_after) >= TURNS and len({claim.poller_id for claim in claims(db)[killed_after:]}) >= POLLERS, 400)
        for poller in started:
            poller.send(signal.SIGTERM)
        assert [poller.wait() for poller in started] == [0] * POLLERS
    found = claims(db)
    times = sorted(claim.claimed_at for claim in found)
    # Behind the start: there all of them were due at once, and waited for the first poller. A wait that has not ended counts as far as it went.
    waits = [(claim.due_at, claim.claimed_at) for claim in found[SYNCS:] if claim.claimed_at > claim.due_at]
    waits += [(due_at, times[-1]) for due_at in waiting(db) if due_at < times[-1]]
    in_turns = [bisect.bisect_left(times, until) - bisect.bisect_right(times, since) for since, until in waits]
    # A first reading takes longer than the turns that follow it: in seconds, a share is one of turns of one kind.
    read = max(min(claim.claimed_at for claim in found if claim.sync_id == sync_id) for sync_id in {claim.sync_id for claim in found})
    first, share = fair_share(times, times[0], read), fair_share(times, read, times[-1])
    in_seconds = [(until - since).total_seconds() for since, until in waits if since > read]
    at_first = [(until - since).total_seconds() for since, until in waits if since <= read]
    beyond = sum(seconds > 2 * share for seconds in in_seconds)
    print(
        f"{len(waits)} waits in {len(found)} turns of {SYNCS} syncs; the longest: {max(in_turns)} turns, {max(in_seconds, default=0.0):.1f} s where the fair"
        f" share is {share:.1f} s; {beyond} longer than twice that; during the first readings {max(at_first, default=0.0):.1f} s where it is {first:.1f} s"
    )
    assert max(in_turns) <= 2 * SYNCS
    if FULL:
        assert max(in_seconds, default=0.0) <= 2 * share
        assert max(at_first, default=0.0) <= 2 * max(first, share)
