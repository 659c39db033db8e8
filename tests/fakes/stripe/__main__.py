"""python tests/fakes/stripe --port 0 --seed 100: says where it is, {"url", "pid", "key", …} on its first line, and serves until SIGTERM."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

if __package__ in (None, ""):
    # Run as a folder or a file: Python put that folder first, where our modules would hide others of the same name.
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from fakes.stripe.fake import StripeFake


def main() -> None:
    parser = argparse.ArgumentParser(prog="stripe-fake", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--seed", type=int, default=0, help="so many customers, and a tenth as many of everything else")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with whoever started it")
    arguments = parser.parse_args()
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    if arguments.until_stdin_closes:
        threading.Thread(target=_watch, args=(done,), daemon=True).start()
    with StripeFake(arguments.port) as fake:
        if arguments.seed:
            few = max(arguments.seed // 10, 1)
            fake.seed(customers=arguments.seed, products=few, prices=few, plans=few, subscriptions=few)
        keys = {"key": fake.key, "live_key": fake.live_key, "restricted_key": fake.restricted_key}
        print(json.dumps({"url": fake.url, "pid": os.getpid(), **keys}), flush=True)
        done.wait()


def _watch(done: threading.Event) -> None:
    while os.read(0, 4096):  # not sys.stdin: its lock, held by a waiting thread, spoils the end of the interpreter
        pass
    done.set()


if __name__ == "__main__":
    main()
