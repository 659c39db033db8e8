"""What is built is what is here: a file that is missing from the wheel is missed only by strangers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Top-level folders with Python in them that are not for users.
NOT_PACKAGED = {"tests", "demo", "docs", "bench", "build"}


def run(*command: str | Path, **options) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def expected() -> set[str]:
    folders = [p for p in ROOT.iterdir() if p.is_dir() and not p.name.startswith((".", "_")) and p.name not in NOT_PACKAGED]
    packaged = [p for folder in folders for p in folder.rglob("*.py")]
    documents = [*ROOT.glob("providers/documents/*.json"), *ROOT.glob("providers/documents/*.yaml")]
    files = [*ROOT.glob("*.py"), *packaged, *documents, *ROOT.glob("sql/**/*.sql"), *ROOT.glob("migrations/*.sql"), ROOT / "py.typed"]
    return {f"pgsluice/{p.relative_to(ROOT)}" for p in files}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the sdist, as others build it, in a copy: leftovers in `build/` would get into it."""
    source = tmp_path_factory.mktemp("build") / "source"
    ignored = shutil.ignore_patterns(".*", "*.egg-info", "build", "__pycache__", "tests", "docs", "demo")
    shutil.copytree(ROOT, source, ignore=ignored)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", source.parent, source)
    (built,) = source.parent.glob("*.whl")
    return built


def test_everything_is_in_the_wheel_and_nothing_else(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if not name.split("/")[0].endswith(".dist-info")}
    assert names == expected()


def test_the_license_travels_along(wheel: Path) -> None:
    assert any(name.endswith("licenses/LICENSE") for name in zipfile.ZipFile(wheel).namelist())


def test_it_runs_from_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    run(sys.executable, "-m", "uv", "pip", "install", "--offline", "--no-deps", "--python", tmp_path / "venv/bin/python", wheel)
    # Its dependencies come from the environment of the tests; the package itself does not, as paths given like this run no .pth files.
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": sysconfig.get_path("purelib")}
    check = "import pgsluice.cli, pgsluice.db.sources as s; print(s.__file__); s.read_sources(s.SQL, s.MIGRATIONS)"
    place = run(tmp_path / "venv/bin/python", "-c", check, env=environment, cwd=tmp_path)
    assert Path(place.strip()).is_relative_to(tmp_path / "venv")
    assert "Usage: pgsluice" in run(tmp_path / "venv/bin/pgsluice", "--help", env=environment, cwd=tmp_path)
