"""The data folder: whose it is, what a killed server leaves in it, and what bad folders get."""

from __future__ import annotations

import errno
import os
import pwd
import resource
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from embedded_processes import HOLD, answer, eventually, holder, is_process, python_for

from pgsluice.db import embedded
from pgsluice.db.embedded_folder import Folder, disk_errors
from pgsluice.db.embedded_programs import ACCOUNTS, Account, choose_account, find, readable_by

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can hand a server to another account")
as_anybody_else = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")


def refused(data_dir: Path, **options) -> embedded.EmbeddedError:
    with pytest.raises(embedded.EmbeddedError) as caught:
        embedded.start(data_dir, **options)
    assert caught.value.message
    assert caught.value.hint
    return caught.value


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def crashed(data_dir: Path) -> Path:
    """A data folder whose server was killed, with everything that it left there."""
    with embedded.start(data_dir, durable=False) as server:
        os.kill(server.pid, signal.SIGKILL)
    assert embedded.wait_until_stopped(data_dir)
    return data_dir


def claim(data_dir: Path, pid: int) -> None:
    """Gives the process ids in the leftovers to `pid`, as happens when numbers are given out again."""
    for name in ("cluster/postmaster.pid", "run/.s.PGSQL.5432.lock"):
        path = data_dir / "postgres" / name
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join([f"{pid}\n", *lines[1:]]))


def starts(data_dir: Path) -> None:
    with embedded.start(data_dir) as server, psycopg.connect(server.conninfo) as conn:
        assert conn.execute("select 1").fetchone() == (1,)


def test_a_process_id_that_now_is_another_process(crashed: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        claim(crashed, other.pid)
        starts(crashed)
        assert other.poll() is None
        other.kill()


def test_a_process_id_of_another_server(crashed: Path, server: embedded.Server) -> None:
    claim(crashed, server.pid)
    starts(crashed)
    assert server.is_alive()


def test_a_process_id_of_a_zombie(crashed: Path) -> None:
    with subprocess.Popen(["true"]) as zombie:
        eventually(lambda: not is_process(zombie.pid))
        claim(crashed, zombie.pid)
        starts(crashed)


def test_a_pid_file_cut_short(crashed: Path) -> None:
    (crashed / "postgres/cluster/postmaster.pid").write_text("")
    starts(crashed)


def test_an_unfinished_cluster_is_removed(data_dir: Path) -> None:
    with embedded.start(data_dir, durable=False):
        pass
    assert embedded.wait_until_stopped(data_dir)
    (data_dir / "postgres/new-1/base").mkdir(parents=True)
    starts(data_dir)
    assert not list(data_dir.glob("postgres/new-*"))


def test_modes(data_dir: Path) -> None:
    with embedded.start(data_dir, durable=False):
        assert mode(data_dir) == (0o711 if os.geteuid() == 0 else 0o700)
        assert mode(data_dir / "postgres") == 0o700
        assert mode(data_dir / "postgres/run") == 0o700
        assert mode(data_dir / "users.lock") == 0o600


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_modes_do_not_follow_the_umask(data_dir: Path, umask: int) -> None:
    with holder(data_dir / "parent/child", umask=umask) as process:
        assert "pid" in answer(process)
        assert mode(data_dir / "parent/child") == (0o711 if os.geteuid() == 0 else 0o700)
        assert mode(data_dir / "parent/child/users.lock") == 0o600
        process.stdin.close()
        process.wait()
    assert embedded.wait_until_stopped(data_dir / "parent/child")


def test_a_folder_that_is_there_keeps_its_mode(data_dir: Path) -> None:
    data_dir.mkdir()
    data_dir.chmod(0o755)
    starts(data_dir)
    assert mode(data_dir) == 0o755


def test_a_link_to_a_folder(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(data_dir)
    with embedded.start(tmp_path / "link", durable=False) as one, embedded.start(data_dir) as other:
        assert one.pid == other.pid


# --- the socket ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a" * 120, "comma,'quote and\\more", "ümläut"])
def test_a_socket_beside_a_folder_with_a_long_or_strange_name(data_dir: Path, name: str) -> None:
    with embedded.start(data_dir / name, durable=False) as server:
        folder = Path(psycopg.conninfo.conninfo_to_dict(server.conninfo)["host"])
        assert folder.parent != data_dir / name / "postgres"
        assert mode(folder) == 0o700
        assert folder.stat().st_uid == (data_dir / name / "postgres").stat().st_uid
        with psycopg.connect(server.conninfo) as conn:
            assert conn.execute("select 1").fetchone() == (1,)
    assert embedded.wait_until_stopped(data_dir / name)
    shutil.rmtree(folder)


def test_a_server_comes_back_with_its_socket_where_it_was(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with embedded.start(data_dir / ("a" * 120), durable=False) as server:
        folder = Path(psycopg.conninfo.conninfo_to_dict(server.conninfo)["host"])
        os.kill(server.pid, signal.SIGKILL)
        eventually(lambda: not server.is_alive())
        shutil.rmtree(folder)
        monkeypatch.setattr("tempfile.tempdir", "/var/tmp")
        before = server.conninfo
        server.restart()
        assert server.conninfo == before
    assert embedded.wait_until_stopped(server.data_dir)
    shutil.rmtree(folder)


@pytest.mark.parametrize("make", ["open", "file", "link"])
def test_a_socket_folder_that_somebody_else_laid_there(data_dir: Path, make: str, tmp_path: Path) -> None:
    long = data_dir / ("a" * 120)
    with embedded.start(long, durable=False) as server:
        folder = Path(psycopg.conninfo.conninfo_to_dict(server.conninfo)["host"])
    assert embedded.wait_until_stopped(long)
    shutil.rmtree(folder)
    if make == "open":
        folder.mkdir()
        folder.chmod(0o777)
    elif make == "file":
        folder.touch()
    else:
        folder.symlink_to(tmp_path)
    assert refused(long).code == "SL404"
    folder.rmdir() if make == "open" else folder.unlink()


@as_root
def test_a_socket_folder_of_another_user(data_dir: Path) -> None:
    long = data_dir / ("a" * 120)
    with embedded.start(long, durable=False) as server:
        folder = Path(psycopg.conninfo.conninfo_to_dict(server.conninfo)["host"])
    assert embedded.wait_until_stopped(long)
    os.chown(folder, 12345, 12345)
    caught = refused(long)
    assert caught.code == "SL404"
    assert "user id 12345" in caught.details
    shutil.rmtree(folder)


# --- folders that are not for us ----------------------------------------------------------------------------------------------------------


def test_a_file(data_dir: Path) -> None:
    data_dir.write_text("mine")
    assert refused(data_dir).code == "SL404"
    assert data_dir.read_text() == "mine"
    data_dir.unlink()


def test_below_a_file(data_dir: Path) -> None:
    data_dir.write_text("mine")
    assert refused(data_dir / "below").code == "SL404"
    data_dir.unlink()


@pytest.mark.parametrize("name", ['a"quote', "two\nlines"])
def test_a_name_that_postgresql_cannot_take(data_dir: Path, name: str) -> None:
    caught = refused(data_dir / name)
    assert caught.code == "SL404"
    assert not data_dir.exists()


def test_a_link_in_a_circle(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert refused(tmp_path / "a").code in {"SL404", "SL408"}


def test_a_server_s_own_data_folder(data_dir: Path) -> None:
    with embedded.start(data_dir, durable=False):
        pass
    assert embedded.wait_until_stopped(data_dir)
    caught = refused(data_dir / "postgres/cluster")
    assert caught.code == "SL404"
    assert "itself the data folder" in caught.message


def test_a_cluster_without_its_version(data_dir: Path) -> None:
    with embedded.start(data_dir, durable=False):
        pass
    assert embedded.wait_until_stopped(data_dir)
    (data_dir / "postgres/cluster/PG_VERSION").unlink()
    caught = refused(data_dir)
    assert caught.code == "SL404"
    assert (data_dir / "postgres/cluster/base").exists()


def test_a_cluster_that_cannot_start_says_why(data_dir: Path) -> None:
    with embedded.start(data_dir, durable=False):
        pass
    assert embedded.wait_until_stopped(data_dir)
    with (data_dir / "postgres/cluster/postgresql.conf").open("a") as conf:
        conf.write("work_mem = lots\n")
    caught = refused(data_dir)
    assert caught.code == "SL408"
    assert "work_mem" in caught.details or "configuration file" in caught.details


@as_root
def test_root_refuses_a_cluster_of_another_user(data_dir: Path) -> None:
    with embedded.start(data_dir, durable=False):
        pass
    assert embedded.wait_until_stopped(data_dir)
    os.chown(data_dir / "postgres", 12345, 12345)
    caught = refused(data_dir)
    assert caught.code == "SL404"
    assert "user id 12345" in caught.message


@as_root
def test_root_refuses_a_folder_of_another_user(data_dir: Path) -> None:
    data_dir.mkdir()
    os.chown(data_dir, 12345, 12345)
    assert refused(data_dir).code == "SL404"
    assert not list(data_dir.iterdir())


@as_root
def test_a_folder_that_is_closed_to_the_server_is_named_and_left_alone(data_dir: Path) -> None:
    data_dir.mkdir()
    data_dir.chmod(0o700)
    caught = refused(data_dir / "below")
    assert caught.code == "SL404"
    assert str(data_dir) in caught.message
    assert mode(data_dir) == 0o700


@as_anybody_else
def test_a_folder_that_cannot_be_written(data_dir: Path) -> None:
    assert refused(Path("/pgsluice")).code == "SL404"
    data_dir.mkdir(mode=0o500)
    assert refused(data_dir).code == "SL404"
    data_dir.chmod(0o700)


def test_a_full_disk_leaves_nothing_half_done(data_dir: Path) -> None:
    """The limit on the size of files stands for the disk: initdb cannot write its first log file."""
    little = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (1000000, {resource.RLIM_INFINITY}))\n"
    with holder(data_dir, code=little + HOLD) as process:
        said = answer(process)
    assert said["code"] == "SL408"
    assert said["details"]
    assert not (data_dir / "postgres/cluster").exists()
    assert not list(data_dir.glob("postgres/new-*"))
    starts(data_dir)


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "SL408"), (errno.EROFS, "SL408"), (errno.EACCES, "SL404")])
def test_what_the_system_answers_becomes_our_error(number: int, code: str) -> None:
    with pytest.raises(embedded.EmbeddedError) as caught, disk_errors(Path("/data")):
        raise OSError(number, os.strerror(number), "/data/start.lock")
    assert caught.value.code == code
    assert os.strerror(number) in caught.value.message
    assert caught.value.details == "at /data/start.lock"


# --- who runs the server ------------------------------------------------------------------------------------------------------------------


@as_root
def test_root_hands_the_server_to_an_account(data_dir: Path) -> None:
    with holder(data_dir, code="import os\nos.setgroups([0, 4])\n" + HOLD) as process:
        pid = answer(process)["pid"]
        owner = pwd.getpwuid(Path(f"/proc/{pid}").stat().st_uid).pw_name
        assert owner == next(name for name in ACCOUNTS if name in {entry.pw_name for entry in pwd.getpwall()})
        groups = [s for s in Path(f"/proc/{pid}/status").read_text().splitlines() if s.startswith("Groups:")]
        assert groups[0].split()[1:] == []
        assert data_dir.stat().st_uid == 0


@as_root
def test_a_cluster_stays_with_the_account_that_made_it(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgsluice.db.embedded_programs.ACCOUNTS", ("nobody",))
    with embedded.start(data_dir, durable=False):
        pass
    monkeypatch.undo()
    assert embedded.wait_until_stopped(data_dir)
    with embedded.start(data_dir) as server:
        assert Path(f"/proc/{server.pid}").stat().st_uid == pwd.getpwnam("nobody").pw_uid


@as_root
def test_root_without_an_account_says_how_to_make_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pgsluice.db.embedded_programs.ACCOUNTS", ("no-such-account",))
    with pytest.raises(embedded.EmbeddedError) as caught:
        choose_account(None)
    assert "useradd" in caught.value.hint


def test_a_user_id_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 54321)
    with pytest.raises(embedded.EmbeddedError) as caught:
        choose_account(None)
    assert caught.value.code == "SL408"
    assert "54321" in caught.value.message


@as_root
def test_an_ordinary_user(data_dir: Path, run_root: Path) -> None:
    """The whole life of a server of somebody who is not root, in folders that root's account did not make."""
    entry = pwd.getpwnam("nobody")
    nobody = Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    options = python_for(nobody)
    if options is None:
        pytest.skip("an ordinary user cannot read any Python of this version, or this checkout")
    bin_dir = readable_by(nobody, find().bin_dir, run_root / "programs-for-nobody")
    data_dir.mkdir()
    os.chown(data_dir, nobody.uid, nobody.gid)
    place = data_dir / "home/pgsluice"
    with holder(place, bin_dir, **options) as one, holder(place, bin_dir, **options) as other:
        said = answer(one)
        assert answer(other) == said
        assert Path(f"/proc/{said['pid']}").stat().st_uid == nobody.uid
        assert mode(place) == 0o700
    eventually(lambda: not is_process(said["pid"]))
    with holder(Path("/var/lib/pgsluice-test"), bin_dir, **options) as process:
        assert answer(process)["code"] == "SL404"


def test_default_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert embedded.default_data_dir() == Path("/var/lib/pgsluice")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert embedded.default_data_dir() == tmp_path / "pgsluice"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert embedded.default_data_dir() == tmp_path / ".local/share/pgsluice"


def test_the_account_of_a_folder_is_its_owner(data_dir: Path) -> None:
    with embedded.start(data_dir, durable=False) as server:
        folder = Folder(data_dir, choose_account((data_dir / "postgres").stat().st_uid))
        assert folder.version() == server.major
        assert folder.postmaster().pid == server.pid


if sys.platform != "linux":
    pytestmark = pytest.mark.skip(reason="looks into /proc")
