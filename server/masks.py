"""Secrets as answers show them, and what it means when one comes back like that: it is to stay as it is."""

from __future__ import annotations

import re
from typing import Any, Final

# As answers have it, and as programs in between write it.
_MASKED: Final = re.compile(r"\*{3,}|•{3,}")
INSTEAD: Final = "is the masked form, which shows nothing: give the secret itself"


def is_masked(value: Any) -> bool:
    return isinstance(value, str) and _MASKED.fullmatch(value) is not None
