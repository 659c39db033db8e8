from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from clones import clone
from upgrade.trees import Tree

from pgsluice.db import embedded


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """The small release, not applied to anything."""
    return Tree.small(tmp_path)


@pytest.fixture
def blank(server: embedded.Server) -> Iterator[str]:
    """Connection string of an empty database."""
    yield from clone(server, "template0")


@pytest.fixture
def look(blank: str) -> Iterator[psycopg.Connection]:
    """An autocommit connection to `blank`."""
    with psycopg.connect(blank, autocommit=True) as connection:
        yield connection
