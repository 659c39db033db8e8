"""Errors in the vendor's shape, {error: {type, code, message, param, doc_url, request_log_url}}.
https://docs.stripe.com/api/errors and https://docs.stripe.com/error-codes; wordings as quoted by users in public issue threads."""

from __future__ import annotations

from typing import Any

SUPPORT = "https://support.stripe.com/"


class ApiError(Exception):
    """What an operation answers instead of an object. `saved`: whether an idempotency key keeps this result; it does once the
    endpoint began to execute, not for refused parameters, keys, limits (https://docs.stripe.com/api/idempotent_requests)."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        type: str = "invalid_request_error",  # noqa: A002 - the vendor's name of the field
        headers: dict[str, str] | None = None,
        saved: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.saved = saved
        self._fields = {"code": code, "message": message, "param": param, "type": type}

    @property
    def code(self) -> str | None:
        return self._fields["code"]

    def body(self, request_id: str, *, live: bool) -> dict[str, Any]:
        error: dict[str, Any] = {name: value for name, value in self._fields.items() if value is not None}
        if self.code:
            error["doc_url"] = f"https://docs.stripe.com/error-codes/{self.code.replace('_', '-')}"
        error["request_log_url"] = f"https://dashboard.stripe.com/{'' if live else 'test/'}logs/{request_id}"
        return {"error": error}


def mask(key: str) -> str:
    """A key as the vendor shows it in messages: its kind, stars, its last four characters."""
    head = "_".join(key.split("_")[:2]) + "_" if key.count("_") >= 2 else key[:3]
    return head + "*" * max(len(key) - len(head) - 4, 4) + key[-4:]


def missing_key() -> ApiError:
    return ApiError(
        401,
        "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. "
        "'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or we can help at "
        f"{SUPPORT}.",
        headers={"WWW-Authenticate": 'Basic realm="Stripe"'},
    )


def unknown_key(key: str) -> ApiError:
    return ApiError(401, f"Invalid API Key provided: {mask(key)}", headers={"WWW-Authenticate": 'Bearer realm="Stripe"'})


def expired_key(key: str) -> ApiError:
    return ApiError(
        401, f"Expired API Key provided: {mask(key)}", code="api_key_expired", headers={"WWW-Authenticate": 'Bearer realm="Stripe"'}
    )


def publishable_key() -> ApiError:
    message = "This API call cannot be made with a publishable API key. Please use a secret API key."
    return ApiError(
        401, f"{message} You can find a list of your API keys at https://dashboard.stripe.com/account/apikeys.", code="secret_key_required"
    )


def no_permission(key: str, account: str, permission: str) -> ApiError:
    return ApiError(
        403,
        f"The provided key '{mask(key)}' does not have the required permissions for this endpoint on account '{account}'. "
        f"Having the '{permission}' permission would allow this request to continue.",
    )


def unknown_account(key: str, account: str) -> ApiError:
    return ApiError(
        403,
        f"The provided key '{mask(key)}' does not have access to account '{account}' (or that account does not exist). "
        "Application access may have been revoked.",
        code="account_invalid",
    )


def unknown_url(method: str, path: str) -> ApiError:
    return ApiError(404, f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at {SUPPORT}.")


def missing(kind: str, id_: str, param: str, *, status: int = 404, other_mode: bool = False, live: bool = False) -> ApiError:
    message = f"No such {kind.replace('_', ' ')}: '{id_}'"
    if other_mode:
        here, there = ("live", "test") if live else ("test", "live")
        message += f"; a similar object exists in {there} mode, but a {here} mode key was used to make this request."
    return ApiError(status, message, code="resource_missing", param=param)


def unknown_parameter(param: str) -> ApiError:
    return ApiError(400, f"Received unknown parameter: {param}", code="parameter_unknown", param=param)


def missing_parameter(param: str) -> ApiError:
    return ApiError(400, f"Missing required param: {param}.", code="parameter_missing", param=param)


def invalid(message: str, param: str, code: str | None = None) -> ApiError:
    return ApiError(400, message, code=code, param=param)


def exclusive(*params: str) -> ApiError:
    names = ", ".join(params)
    return ApiError(400, f"You may only specify one of these parameters: {names}.", code="parameters_exclusive", param=params[0])


def key_reused(key: str) -> ApiError:
    return ApiError(
        400,
        "Keys for idempotent requests can only be used with the same parameters they were first used with. "
        f"Try using a key other than '{key}' if you meant to execute a different request.",
        type="idempotency_error",
    )


def key_reused_elsewhere(key: str, first: str, now: str) -> ApiError:
    return ApiError(
        400,
        f"Keys for idempotent requests can only be used for the same endpoint they were first used for ('{now}' vs '{first}'). "
        f"Try using a key other than '{key}' if you meant to execute a different request.",
        type="idempotency_error",
    )


def key_in_use(key: str) -> ApiError:
    return ApiError(
        409,
        "There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the "
        f"other request is still going through): {key}. Please try again later.",
        code="idempotency_key_in_use",
        type="idempotency_error",
    )
