"""What is generated is what is committed."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import psycopg
import pytest

from pgsluice.db.sources import ROOT


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_reference", ROOT / "docs" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_sql_reference_is_current(reference: ModuleType, server, db: str) -> None:
    if server.major == 15:
        pytest.skip("defaults are printed by the server's own rules; the page is made on the wheel's major")
    with psycopg.connect(db) as conn:
        made = reference.sql_reference(conn)
    assert made == (ROOT / "docs/reference/sql.md").read_text(), "run: make docs"


def test_the_cli_reference_is_current(reference: ModuleType) -> None:
    assert reference.cli_reference() == (ROOT / "docs/reference/cli.md").read_text(), "run: make docs"


def test_the_reference_of_documents_is_current(reference: ModuleType) -> None:
    assert reference.document_reference() == (ROOT / "docs/reference/documents.md").read_text(), "run: make docs"


def test_the_facts_of_providers_are_current(reference: ModuleType) -> None:
    for name, made in reference.load_facts().files().items():
        assert made == (ROOT / "sql" / "internal" / name).read_text(), "run: make docs"
