"""The process that starts a private PostgreSQL and stops it after its last user. Run as a script: nothing of ours is imported.

Every user of the server holds a shared lock on one file. This process waits for the exclusive lock on it: the kernel hands it over when the
last user is gone, whatever it died of. Being the server's parent, it also reaps it, so that a killed server leaves no zombie that a new one
would take for alive. It holds an exclusive lock of its own for as long as it lives, which tells others that the server is looked after.

    embedded_keeper.py USERS_FD KEEPER_FD UID GID postgres ARGUMENTS…    start and keep (UID -1: as we are)
    embedded_keeper.py USERS_FD KEEPER_FD adopt PID CLUSTER              keep one whose keeper was killed
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from typing import NoReturn

# Fast shutdown waits for a checkpoint only. If the disk hangs, give up in steps: a killed server recovers from its log.
_STEPS = ((signal.SIGINT, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, 10))
_ADOPTED_POLL_S = 0.2


def main(argv: list[str]) -> None:
    users, keeper = int(argv[0]), int(argv[1])
    if os.fork():  # the starter waits for this process and is then rid of it: no zombie, no child that it did not ask for
        os._exit(0)
    for fd in (users, keeper):
        os.set_inheritable(fd, False)
    if argv[2] == "adopt":
        _keep_adopted(users, int(argv[3]), argv[4])
    else:
        _keep(users, int(argv[2]), int(argv[3]), argv[4:])


def _keep(users: int, uid: int, gid: int, command: list[str]) -> None:
    signal.signal(signal.SIGCHLD, lambda *_: _leave_if_stopped())
    server = os.fork()
    if server == 0:
        _become(uid, gid, command)
    signal.signal(signal.SIGTERM, lambda *_: _stop(server))
    fcntl.flock(users, fcntl.LOCK_EX)
    _stop(server)


def _become(uid: int, gid: int, command: list[str]) -> NoReturn:
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if uid >= 0:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
        os.umask(0o077)
        os.execv(command[0], command)
    except OSError as exc:
        sys.stderr.write(f"FATAL:  cannot run {command[0]}: {exc.strerror}\n")
        sys.stderr.flush()
    os._exit(1)


def _leave_if_stopped() -> None:
    pid, _ = os.waitpid(-1, os.WNOHANG)
    if pid:
        os._exit(0)  # gives back both locks


def _stop(server: int) -> None:
    for number, patience in _STEPS:
        os.kill(server, number)
        end = time.monotonic() + patience
        while time.monotonic() < end:  # the handler of SIGCHLD ends this process
            time.sleep(end - time.monotonic())


def _keep_adopted(users: int, server: int, cluster: str) -> None:
    while _is_server(server, cluster):
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_ADOPTED_POLL_S)
            continue
        _stop_adopted(server, cluster)
        return


def _stop_adopted(server: int, cluster: str) -> None:
    for number, patience in _STEPS:
        os.kill(server, number)
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if not _is_server(server, cluster):
                return
            time.sleep(0.02)


def _is_server(pid: int, cluster: str) -> bool:
    """Whether `pid` is still the server of `cluster`: numbers are given out again. Servers stand in the folder of their cluster."""
    try:
        if os.path.isdir("/proc/self"):  # noqa: PTH112  pathlib would triple the start-up time of this process
            return os.path.samefile(f"/proc/{pid}/cwd", cluster)  # noqa: PTH121  see above
        os.kill(pid, 0)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main(sys.argv[1:])
