"""How a server of PostgreSQL dies for the tests."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from pgsluice.db import embedded


def children(pid: int) -> list[int]:
    """Processes whose parent is `pid`."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, ValueError):
            continue  # it has just ended
        if parent == pid:
            found.append(int(stat.parent.name))
    return found


def kill(server: embedded.Server) -> None:
    """All of its processes at once, as when the machine's memory runs out."""
    postmaster = server.pid
    assert postmaster is not None
    os.kill(postmaster, signal.SIGSTOP)  # so that it starts no more
    for pid in [*children(postmaster), postmaster]:
        os.kill(pid, signal.SIGKILL)
