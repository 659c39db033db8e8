"""Databases and whole clusters: made once for a run, and copied for each test."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from pgsluice.db import embedded
from pgsluice.db.embedded import Server
from pgsluice.db.embedded_programs import major_of
from pgsluice.db.migrate import migrate

_numbers = itertools.count(1)
_admins: dict[str, psycopg.Connection] = {}  # by conninfo of the server; to connect takes a fifth of what a copy takes
_left: dict[str, list[str]] = {}  # conninfo of the server -> copies that nobody uses any more


def admin(server: Server) -> psycopg.Connection:
    """A connection that stays: `close` ends it, before the server is let go."""
    known = _admins.get(server.conninfo)
    if known is None or known.closed:
        known = _admins[server.conninfo] = psycopg.connect(server.conninfo, dbname="postgres", autocommit=True)
    return known


def close() -> None:
    while _admins:
        _admins.popitem()[1].close()


def once(server: Server, name: str, make: Callable[[str], object], template: str = "template0") -> str:
    """`name`, a database to be copied: the first worker of the run makes it, a copy of `template`, and `make` fills it. Nobody connects to it
    afterwards, or there would be no copies."""
    with psycopg.connect(server.conninfo, dbname="postgres", autocommit=True) as conn:
        conn.execute("select pg_advisory_lock(hashtext(%s))", [name])
        if conn.execute("select from pg_database where datname = %s", [name]).rowcount == 0:
            conn.execute(f"drop database if exists {name}_new with (force)")
            conn.execute(f"create database {name}_new template {template} strategy file_copy")
            make(make_conninfo(server.conninfo, dbname=f"{name}_new"))
            conn.execute(f"alter database {name}_new rename to {name}")
    return name


def clone(server: Server, template: str) -> Iterator[str]:
    """Connection string of a fresh copy."""
    name = f"t_{os.getpid()}_{next(_numbers)}"
    left = _left.setdefault(server.conninfo, [])
    conn = admin(server)
    while left:
        conn.execute(f"drop database if exists {left.pop()} with (force)")
    conn.execute(f"create database {name} template {template} strategy file_copy")
    yield make_conninfo(server.conninfo, dbname=name)
    # Dropped before the next copy is made: right now it would wait 0.1 s for the backends of this test to be gone.
    left.append(name)


def cluster(root: Path, to: Path, bin_dir: Path | None = None) -> Path:
    """Makes `to` the data folder of a server that has stopped, migrated as `up` does it. To make one anew takes two seconds."""
    made = root / f"made-{os.getpid()}-{'newest' if bin_dir is None else major_of(bin_dir)}"
    if not made.exists():
        with embedded.start(made, bin_dir=bin_dir) as server:
            migrate(server.conninfo, set_search_path=True, server_login=True)
        assert embedded.wait_until_stopped(made)
    subprocess.run(["cp", "-a", "--", made, to], check=True)
    return to
