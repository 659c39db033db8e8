"""What a reading program says when it is through."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path


def say(seconds: float) -> None:
    """The time that reading took, without the start of the program, and the most memory that the process had, in MB."""
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert peak is not None
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": int(peak[1]) / 1024}) + "\n")
