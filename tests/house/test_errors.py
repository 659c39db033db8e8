"""Every error code is registered in `sql/errors.sql`, and everything that is registered is used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from house.python_rules import modules, strings

from pgsluice.db.errors import NAMES
from pgsluice.db.sources import ROOT

# Registered before somebody raises it, with the reason.
RESERVED: dict[str, str] = {}
RAISED = re.compile(r"\berrcode\s*=\s*'(SL\w+)'")
REGISTERED = re.compile(r"\('(SL\d{3})', '(\w+)', (\d+), '")


def registered(root: Path) -> dict[str, tuple[str, int]]:
    return {code: (name, int(status)) for code, name, status in REGISTERED.findall((root / "sql/errors.sql").read_text())}


def used(root: Path) -> dict[str, set[str]]:
    """code -> the files that raise it"""
    found: dict[str, set[str]] = {}
    for path in sorted(root.glob("sql/**/*.sql")):
        if path.name not in {"errors.sql", "schema.sql"}:
            for code in RAISED.findall(path.read_text()):
                found.setdefault(code, set()).add(path.relative_to(root).as_posix())
    for name, tree in modules(root):
        # errors.py repeats the register and raises a few of them: there only what is written `code="SL…"` counts.
        texts = [text for _, text in strings(tree)] if name != "db/errors.py" else re.findall(r'code="(SL\d+)"', (root / name).read_text())
        for text in texts:
            if re.fullmatch(r"SL\d+", text):
                found.setdefault(text, set()).add(name)
    return found


def unregistered(root: Path) -> list[str]:
    known = registered(root)
    return [f"{code} is raised in {sorted(files)} and not registered" for code, files in used(root).items() if code not in known]


def unused(root: Path) -> list[str]:
    raised = used(root)
    return [f"{code} is registered and nobody raises it" for code in registered(root) if code not in raised and code not in RESERVED]


def test_what_is_raised_is_registered() -> None:
    assert unregistered(ROOT) == []


def test_what_is_registered_is_raised() -> None:
    assert unused(ROOT) == []


def test_python_knows_the_register() -> None:
    assert registered(ROOT) == NAMES


def test_the_view_holds_the_register(shared_db: str) -> None:
    import psycopg  # noqa: PLC0415  the other tests here need no database

    with psycopg.connect(shared_db) as conn:
        rows = conn.execute("select code, name, http_status, meaning from sluice.errors").fetchall()
    assert {code: (name, status) for code, name, status, _ in rows} == NAMES
    assert len({name for _, name, _, _ in rows}) == len(rows)
    assert all(meaning for *_, meaning in rows)


@pytest.mark.parametrize(
    ("path", "text"),
    [("sql/a.sql", "raise exception using errcode = 'SL999';"), ("db/a.py", "raise make('m', code='SL999')")],
)
def test_a_code_out_of_the_air_is_seen(tmp_path: Path, path: str, text: str) -> None:
    for folder in ("sql", "db"):
        (tmp_path / folder).mkdir()
    (tmp_path / "db/__init__.py").write_text("CODE = 'SL001'")
    (tmp_path / "sql/errors.sql").write_text("values ('SL001', 'a', 422, 'm'), ('SL777', 'b', 422, 'm')")
    assert unregistered(tmp_path) == []
    (tmp_path / path).write_text(text)
    assert unregistered(tmp_path)
    assert unused(tmp_path) == ["SL777 is registered and nobody raises it"]
