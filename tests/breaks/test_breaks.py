"""`make breaks` takes minutes; that each patch still applies, and names a test that is there, takes none."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("breaks_run", HERE / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["breaks_run"] = module
    spec.loader.exec_module(module)
    return module


run = load()
BREAKS = run.all_breaks()


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy outside of any repository, which `git apply` would look for."""
    copied = tmp_path_factory.mktemp("breaks") / "tree"
    shutil.copytree(ROOT / "sql", copied / "sql")
    return copied


@pytest.mark.parametrize("one", BREAKS, ids=lambda one: one.name)
def test_it_applies_and_names_tests(one: object, tree: Path) -> None:
    assert run.apply(one, tree, "--check") == ""
    for test in one.tests:  # type: ignore[attr-defined]
        file, name = test.split("::")
        assert f"def {name}(" in (ROOT / file).read_text(), test


def test_each_promise_has_one() -> None:
    numbers = {one.promise.split()[0] for one in BREAKS}
    assert numbers >= {f"2.{n}" for n in range(1, 7)} | {f"3.{n}" for n in range(1, 9)}


def test_the_runner_lists_them() -> None:
    done = subprocess.run([sys.executable, str(HERE / "run.py"), "--list"], capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == len(BREAKS) >= 20
