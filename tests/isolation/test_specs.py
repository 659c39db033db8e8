"""Each file in specs/ is one claim about interleaving, tried by PostgreSQL's isolationtester and compared with expected/.

`python -m pytest tests/isolation/test_specs.py` with ACCEPT=1 in the environment writes what came out to expected/: read the difference
before you believe it.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pgsluice.db import embedded

HERE = Path(__file__).parent
SPECS = sorted((HERE / "specs").glob("*.spec"))


def test_each_spec_has_its_expectation() -> None:
    assert SPECS
    assert {spec.stem for spec in SPECS} == {out.stem for out in (HERE / "expected").glob("*.out")}


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_spec(spec: Path, db: str, server: embedded.Server, isolationtester: list[str]) -> None:
    with psycopg.connect(db) as conn:
        conn.execute((HERE / "world.sql").read_text())
    address = make_conninfo(db, options="-c search_path=public,sluice -c client_min_messages=warning")
    done = subprocess.run(
        [*isolationtester, address], input=spec.read_text(), capture_output=True, text=True, check=False, timeout=60,
        env=os.environ | {"PGISOLATIONTIMEOUT": "20"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr + done.stdout
    expected = HERE / "expected" / f"{spec.stem}.out"
    if "ACCEPT" in os.environ:
        expected.write_text(done.stdout)
    assert done.stdout == expected.read_text()
