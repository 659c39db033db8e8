"""What can be wrong with a vendor's answer, or with what is asked of it: one tree of exceptions, each with its registered code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class ProviderError(Exception):
    """A vendor's answer that cannot be used, in the one error shape.

    `retryable`: asking again soon, with backoff, may help. Otherwise a person has to do something first (or the vendor has): ask rarely.
    `sent`: the vendor may have acted on the request; False where it certainly got none.
    """

    code: ClassVar[str]
    retryable: bool = False
    sent: bool = True

    def __init__(self, message: str, *, details: str | None = None, hint: str | None = None, retryable: bool | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.hint = hint
        if retryable is not None:
            self.retryable = retryable

    def as_dict(self) -> dict[str, str | None]:
        return {"code": self.code, "message": self.message, "details": self.details, "hint": self.hint}


class UnknownProvider(ProviderError):
    """No provider of that name."""

    code = "SL105"


class UnknownCollection(ProviderError):
    """The provider has no such collection."""

    code = "SL106"


class NotPolled(ProviderError):
    """The provider has no vendor to ask: its records come from the caller."""

    code = "SL004"


class Unauthorized(ProviderError):
    """The vendor refused the credential. `expired`: a renewed token may be taken."""

    code = "SL201"

    def __init__(
        self,
        message: str,
        *,
        expired: bool = False,
        details: str | None = None,
        hint: str | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message, details=details, hint=hint, retryable=retryable)
        self.expired = expired


class Forbidden(ProviderError):
    """The credential is valid but lacks the right."""

    code = "SL202"


class Refused4xx(ProviderError):
    """The vendor refused the request itself."""

    code = "SL203"


class Missing(Refused4xx):
    """The vendor has no object of that id."""


class Conflict(Refused4xx):
    """The object is no longer the version that the write was meant for."""


class Unreadable(ProviderError):
    """Something else came than the promised shape: HTML, an empty or cut body, an error under status 200."""

    code = "SL204"
    retryable = True


class Unavailable(ProviderError):
    """The vendor is down or failing."""

    code = "SL205"
    retryable = True


class RateLimited(ProviderError):
    """The vendor asks for a pause. `retry_after` in seconds, None where it named none."""

    code = "SL206"
    retryable = True

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        details: str | None = None,
        hint: str | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message, details=details, hint=hint, retryable=retryable)
        self.retry_after = retry_after


class Paced(RateLimited):
    """Our own count of requests makes this one wait, before the vendor is asked. `retry_after` is exact."""


class ListBroken(ProviderError):
    """The vendor's list does not get on: a page came twice, or says there is more and brings nothing.

    The stored cursor leads into the same trap again. `cursor`, where given, is the feed's position at the start of that list: the caller
    commits it (with no records) before it reports the error, so that the next attempt reads the list anew.
    """

    code = "SL207"

    def __init__(
        self,
        message: str,
        *,
        cursor: Mapping[str, Any] | None = None,
        details: str | None = None,
        hint: str | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message, details=details, hint=hint, retryable=retryable)
        self.cursor = cursor


class Malformed(ProviderError):
    """The credential cannot be one of its kind."""

    code = "SL208"


class Forged(ProviderError):
    """What claims to come from the vendor was not made with the secret, or not now."""

    code = "SL210"
