from __future__ import annotations

from collections.abc import Iterator

import pytest
from isolation.sessions import World


@pytest.fixture
def world(db: str) -> Iterator[World]:
    made = World(db)
    yield made
    made.close()
