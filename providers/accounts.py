"""Which account a credential opens, where the values that somebody types in say so: an account has one credential."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# Values that name an account, the surest first.
_ORDER: Final = ("hub_id", "instance_url", "shop", "installation_id", "account", "stripe_user_id", "account_login", "realm_id")
NAMES: Final = frozenset(_ORDER)
# Stripe's accounts have two sets of data, and a token or key opens one of them.
_TWOFOLD: Final = ("account", "stripe_user_id")
LIVE: Final = "livemode"


def account_of(values: Mapping[str, Any]) -> tuple[str, str] | None:
    """The value that names the account, and the account; None where nothing does."""
    for name in _ORDER:
        value = values.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return name, f"{value}/test" if name in _TWOFOLD and _is_test(values) else str(value)
    return None


def _is_test(values: Mapping[str, Any]) -> bool:
    return values.get(LIVE) is False or "_test_" in str(values.get("secret", ""))
