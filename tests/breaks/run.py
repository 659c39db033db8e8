"""Breaks the product on purpose, one promise at a time, and demands that the test which guards the promise notices.

Each `*.patch` here is a change of sql/ that somebody might make, headed by lines of its own:

    Promise: 3.2 One record is in flight at most once.
    Test: tests/sql/test_x.py::test_name      (may be given again: each of them has to fail)
    With: psycopg.errors.LockNotAvailable     (optional: it may fail by that exception instead of an assertion)

The tests first run on an untouched copy, where they must pass; then each patch is applied to a copy of its own, and its tests must fail there:
by an assertion, not because the code no longer loads. A patch that does not apply is a failure: write it anew.

    python tests/breaks/run.py [WORD …] [--list] [--jobs N]       only those whose name or promise contains one of the words
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".demo", "__pycache__", "*.egg-info", "build", "dist", ".*_cache", ".hypothesis")
ASSERTIONS = ("AssertionError", "assert ", "Failed: ")
PATIENCE_S = 300


@dataclass(frozen=True)
class Break:
    """One patch, as its head describes it."""

    path: Path
    promise: str
    tests: tuple[str, ...]
    exception: str

    @property
    def name(self) -> str:
        return self.path.stem


def read(path: Path) -> Break:
    head = path.read_text().split("\n--- ", 1)[0]
    lines = re.findall(r"^(Promise|Test|With): *(\S.*?) *$", head, re.MULTILINE)
    promises = [text for key, text in lines if key == "Promise"]
    tests = tuple(text for key, text in lines if key == "Test")
    if len(promises) != 1 or not tests:
        sys.exit(f"{path}: one line `Promise: …` and at least one `Test: …` are needed at its head")
    return Break(path, promises[0], tests, "".join(text for key, text in lines if key == "With"))


def all_breaks() -> list[Break]:
    return [read(path) for path in sorted(HERE.glob("*.patch"))]


def copy(to: Path) -> Path:
    return Path(shutil.copytree(ROOT, to / "tree", symlinks=True, ignore=LEFT_OUT))


def apply(one: Break, tree: Path, *how: str) -> str:
    """What there is to say against it."""
    environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(tree.parent)}
    done = subprocess.run(
        ["git", "apply", *how, str(one.path)], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )  # fmt: skip
    return done.stderr.strip() if done.returncode else ""


def outcomes(tree: Path, tests: set[str]) -> dict[str, list[tuple[str, str]]]:
    """For each test its variants: `passed`, `skipped`, `error`, or `failed` and how."""
    report = tree.parent / "report.xml"
    # The copy goes before the installed package; the database of one version is enough.
    environment = os.environ | {"PYTHONPATH": str(tree / ".link"), "CI": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-k", "not pg15"]
    done = subprocess.run(
        [*command, f"--junit-xml={report}", *sorted(tests)],
        cwd=tree, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    found: dict[str, list[tuple[str, str]]] = {test: [] for test in tests}
    if not report.exists():
        return {test: [("error", done.stdout[-2000:] + done.stderr[-2000:])] for test in tests}
    for case in ET.parse(report).iter("testcase"):
        name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '').split('[')[0]}"
        how = next(((kind, case.find(kind)) for kind in ("failure", "error", "skipped") if case.find(kind) is not None), None)
        if how is None or how[1] is None:
            verdict = ("passed", "")
        else:
            verdict = ({"failure": "failed"}.get(how[0], how[0]), how[1].get("message", ""))
        found.setdefault(name, []).append(verdict)
    return found


def baseline(breaks: list[Break]) -> list[str]:
    """Tests that do not pass on the product as it is."""
    tests = {test for one in breaks for test in one.tests}
    with tempfile.TemporaryDirectory(prefix="pgsluice-breaks-") as folder:
        found = outcomes(copy(Path(folder)), tests)
    return [
        f"{test}: {verdicts or 'is not there'}" for test, verdicts in sorted(found.items())
        if not verdicts or any(kind != "passed" for kind, _ in verdicts)
    ]  # fmt: skip


def noticed(one: Break) -> str:
    """Empty if its tests fail as they should; otherwise what happened."""
    with tempfile.TemporaryDirectory(prefix="pgsluice-breaks-") as folder:
        tree = copy(Path(folder))
        if complaint := apply(one, tree):
            return f"does not apply: {complaint}"
        try:
            found = outcomes(tree, set(one.tests))
        except subprocess.TimeoutExpired:
            return f"hangs for {PATIENCE_S} s"
    for test in one.tests:
        failures = [told for kind, told in found[test] if kind == "failed"]
        errors = [told for kind, told in found[test] if kind == "error"]
        wanted = (one.exception, *ASSERTIONS) if one.exception else ASSERTIONS
        if errors:
            return f"{test} does not run: {errors[0][:500]}"
        if not failures:
            return f"{test} passes"
        if not any(told.startswith(wanted) for told in failures):
            return f"{test} fails otherwise: {failures[0][:500]}"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    breaks = [b for b in all_breaks() if not options.words or any(w in f"{b.name} {b.promise}" for w in options.words)]
    width = max((len(b.name) for b in breaks), default=0)
    if options.list or not breaks:
        print("\n".join(f"{b.name:{width}}  {b.promise}" for b in breaks) or "no such patch")
        return int(not breaks)
    if wrong := baseline(breaks):
        print("These do not pass before anything is broken:", *wrong, sep="\n  ")
        return 1
    bad = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        for one, complaint in zip(breaks, pool.map(noticed, breaks), strict=True):
            bad += bool(complaint)
            print(f"{'NOT NOTICED' if complaint else 'noticed':11}  {one.name:{width}}  {one.promise}", flush=True)
            if complaint:
                print(f"             {complaint}", flush=True)
    print(f"{len(breaks) - bad} of {len(breaks)} breaks are noticed")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
