"""The package and the repository keep the rules, and each rule sees what breaks it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from house import python_rules
from house.python_rules import RULES

from pgsluice.db.sources import ROOT

Rule = Callable[[Path], list[str]]

PYPROJECT = """
[tool.setuptools]
packages = ["pgsluice", "pgsluice.db", "pgsluice.providers", "pgsluice.poller"]
[tool.setuptools.package-data]
pgsluice = ["sql/**/*.sql", "migrations/*.sql"]
"""
GOOD = {
    "__init__.py": '"""select * from docstrings"""\n',
    "cli.py": "import pgsluice.db.client\nfrom pgsluice.poller import pull\n",
    "db/__init__.py": "",
    "db/client.py": "from pgsluice.db import errors\nQUERY = 'select * from sluice.streams'\n",
    "providers/__init__.py": "",
    "providers/x.py": "from pgsluice.providers.base import Page\nimport json\n",
    "poller/__init__.py": "",
    "poller/pull.py": "import socket\nsocket.gethostname()\nfrom pgsluice.providers import x\nfrom pgsluice.db.client import Client\n",
    "poller/transport.py": "import httpx\n",
    "pyproject.toml": PYPROJECT,
    "sql/streams/a.sql": "select 1;",
    "migrations/0001_a.sql": "select 1;",
    "tests/test_a.py": "QUERY = 'select * from sluice.streams'\n",
}


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A small repository that keeps all rules."""
    root = tmp_path / "checkout"
    for path, text in GOOD.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_repository(rule: Rule) -> None:
    assert rule(ROOT) == []


def test_the_sample_keeps_all_rules(sample: Path) -> None:
    assert [finding for rule in RULES for finding in rule(sample)] == []


BROKEN = [
    ("imports_keep_to_the_layers", "db/client.py", "from pgsluice.poller import pull"),
    ("imports_keep_to_the_layers", "db/client.py", "import pgsluice.providers.x"),
    ("imports_keep_to_the_layers", "providers/x.py", "from pgsluice.db.errors import make"),
    ("imports_keep_to_the_layers", "providers/x.py", "def f():\n    from pgsluice import db"),
    ("imports_keep_to_the_layers", "poller/pull.py", "import pgsluice.cli"),
    ("providers_have_no_side_effects", "providers/x.py", "import asyncio"),
    ("providers_have_no_side_effects", "providers/x.py", "from urllib.request import urlopen"),
    ("one_file_connects", "poller/pull.py", "import httpx"),
    ("one_file_connects", "cli.py", "from socket import create_connection"),
    ("one_file_connects", "cli.py", "import socket\nsocket.gethostname()\nsocket.socket()"),
    ("sql_stands_where_it_may", "cli.py", "QUERY = 'select stream_id from sluice.streams'"),
    ("sql_stands_where_it_may", "cli.py", "QUERY = f'insert into {1} values (1)'"),
    ("sql_stands_where_it_may", "poller/pull.py", "QUERY = 'select sluice.stream_create()'"),
    ("sql_stands_where_it_may", "poller/pull.py", "QUERY = 'listen sluice_poller'"),
    ("every_package_is_packaged", "pyproject.toml", PYPROJECT.replace(', "pgsluice.poller"', "")),
    ("every_package_is_packaged", "pyproject.toml", PYPROJECT.replace("poller", "polling")),
    ("every_package_is_packaged", "pyproject.toml", PYPROJECT.replace('"sql/**/*.sql", ', "")),
    ("files_are_short", "tests/test_b.py", "\n" * 401),
    ("names_tell_a_duty", "db/utils.py", ""),
    ("nothing_forbidden", "README.md", "see /work" + "/main/x"),
    ("nothing_forbidden", "README.md", "pip install --index" + "-url https://x"),
    ("nothing_forbidden", "README.md", "as DESIGN" + ".md says"),
    ("nothing_forbidden", "README.md", "TO" + "DO: more"),
]


@pytest.mark.parametrize(("rule", "path", "text"), BROKEN, ids=lambda value: None)
def test_each_rule_sees_what_breaks_it(sample: Path, rule: str, path: str, text: str) -> None:
    (sample / path).write_text(text + "\n")
    assert getattr(python_rules, rule)(sample)


def test_every_rule_has_a_sample_that_breaks_it() -> None:
    assert {rule for rule, *_ in BROKEN} == {rule.__name__ for rule in RULES}


def test_a_package_that_nobody_named(sample: Path) -> None:
    (sample / "server/console").mkdir(parents=True)
    for path in ("server/__init__.py", "server/console/__init__.py"):
        (sample / path).write_text("")
    assert len(python_rules.every_package_is_packaged(sample)) == 2
