"""A thousand syncs with nothing to do, asked once a minute each: what that costs of one core."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pgsluice.bench.context import Context
from pgsluice.bench.report import Figure
from pgsluice.bench.rows.sync import installed, tell, vendor
from pgsluice.bench.syncing.ours import KEY
from pgsluice.bench.syncing.vendor import FOUR

SYNCS = 1000
INTERVAL = 60.0
TICK = os.sysconf("SC_CLK_TCK")


def used(pid: int, *, children: bool = False) -> float:
    """Seconds of processor time that a process had, and those of its ended children."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(int(value) for value in fields[11 : 15 if children else 13]) / TICK


def used_by_server(pid: int) -> float:
    """Of all processes of a Postgres, ended ones too."""
    total = used(pid, children=True)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text(encoding="ascii").rpartition(")")[2].split()[1]) == pid:
                total += used(int(stat.parent.name))
        except (OSError, ValueError):
            continue  # it has just ended
    return total


def until(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.2)


def idle_syncs(ctx: Context) -> list[Figure]:
    task = ctx.progress.add_task("1,000 idle syncs", total=None)
    with vendor(0) as url:
        conninfo = installed(ctx, url, "none", FOUR[:1], SYNCS)
        poller = start(conninfo)
        try:
            with ctx.connect(conninfo) as conn:

                def through() -> bool:
                    row = conn.execute("select count(*) from sluice_internal.sync_runs where last_success_at is null").fetchone()
                    return row == (0,)

                until(through, 300)
                # From here on evenly over the minute, as after some hours.
                conn.execute("update sluice_internal.sync_runs set next_attempt_at = clock_timestamp() + random() * interval '60 seconds'")
                conn.execute("vacuum analyze")
            time.sleep(10)  # statements are prepared, connections are open
            assert ctx.server.pid is not None
            begun, asked = time.monotonic(), tell(url, "")
            poller_before, server_before = used(poller.pid), used_by_server(ctx.server.pid)
            time.sleep(ctx.sizes.idle)
            took, turns = time.monotonic() - begun, tell(url, "") - asked
            in_poller, in_server = used(poller.pid) - poller_before, used_by_server(ctx.server.pid) - server_before
        finally:
            poller.terminate()
            poller.wait(30)
    ctx.progress.remove_task(task)
    # As if each had come up exactly once a minute in that time.
    whole = SYNCS / INTERVAL / (turns / took)
    parts = [100 * seconds / took * whole for seconds in (in_poller, in_server)]
    both = sum(parts)
    return [
        Figure("1,000 syncs, one minute: poller + Postgres", "% of a core", both, 5.0, at_most=True, judged=both, of="%"),
        Figure("the poller", "% of a core", parts[0]),
        Figure("Postgres", "% of a core", parts[1]),
        Figure("requests a second", "req/s", turns / took),
    ]


def start(conninfo: str) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "PGSLUICE_DATABASE_URL": conninfo,
        "PGSLUICE_MASTER_KEY": KEY,
        "PGSLUICE_ALLOW_PRIVATE_ADDRESSES": "1",
    }
    command = [sys.executable, "-c", "from pgsluice.cli import main; main()", "--poll-interval", str(INTERVAL), "poll"]
    null = subprocess.DEVNULL
    return subprocess.Popen(command, env=environment, stdin=null, stdout=null, stderr=null)
