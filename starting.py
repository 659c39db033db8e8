"""Where the command begins. Whoever presses Ctrl-C while the modules are read sees no traceback: the process ends as the signal says."""

from __future__ import annotations

import signal


def main() -> None:
    usual = signal.getsignal(signal.SIGINT)
    if usual is signal.default_int_handler:  # not where it is ignored, as behind an & in a script
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from pgsluice import cli  # noqa: PLC0415  what takes its time

    signal.signal(signal.SIGINT, usual)
    cli.main()
