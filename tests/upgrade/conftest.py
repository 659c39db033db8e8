from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from upgrade.trees import Tree

from pgsluice.db import embedded

_numbers = itertools.count(1)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """The small release, not applied to anything."""
    return Tree.small(tmp_path)


@pytest.fixture
def blank(server: embedded.Server) -> Iterator[str]:
    """Connection string of an empty database."""
    name = f"blank_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server.conninfo, autocommit=True) as admin:
        admin.execute(f"create database {name} template template0 strategy file_copy")
        yield make_conninfo(server.conninfo, dbname=name)
        admin.execute(f"drop database {name} with (force)")


@pytest.fixture
def look(blank: str) -> Iterator[psycopg.Connection]:
    """An autocommit connection to `blank`."""
    with psycopg.connect(blank, autocommit=True) as connection:
        yield connection
