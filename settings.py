"""The settings file, `pgsluice.toml`: every option that stands before the command may stand there too, under its own name."""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from pgsluice.db.errors import make

DEFAULT: Final = Path("pgsluice.toml")
_NO_SETTINGS: Final = {"config", "version", "help"}


def load(ctx: click.Context, _parameter: click.Parameter, path: Path | None) -> Path | None:
    """Callback of `--config`: the file's settings become defaults. Without the option, `pgsluice.toml` of this folder, if it is there.

    SL406 names the file, the line and the setting: a file that cannot be read, a name that is no setting, a value of the wrong kind.
    """
    if ctx.resilient_parsing:
        return path
    text = _read(path)
    if text is None:
        return None
    path = path or DEFAULT
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        _refuse(f"{path} is not TOML: {exc}")
    known = {str(option.name): option for option in ctx.command.params if option.name not in _NO_SETTINGS}
    for name, value in found.items():
        place = f"{path}{_line(text, name)}"
        if name not in known:
            _unknown(place, name, list(known))
        _check(place, ctx, known[name], value)
    if "master_key" in found or "master_key_previous" in found:
        _private(path)
    ctx.default_map = {**(ctx.default_map or {}), **found}
    return path


def _read(path: Path | None) -> str | None:
    try:
        return (path or DEFAULT).read_text(encoding="utf-8")
    except FileNotFoundError:
        if path is None:
            return None
        _refuse(f"there is no settings file {path}")
    except OSError as exc:
        _refuse(f"the settings file {path or DEFAULT} cannot be read: {exc.strerror}")
    except UnicodeDecodeError:
        _refuse(f"the settings file {path or DEFAULT} is not UTF-8")


def _line(text: str, name: str) -> str:
    """`, line 3`: where the setting stands. The parser does not tell."""
    match = re.search(rf"^\s*\[*\s*[\"']?{re.escape(name)}\b", text, re.MULTILINE)
    return f", line {text.count(chr(10), 0, match.end()) + 1}" if match else ""


def _unknown(place: str, name: str, known: list[str]) -> NoReturn:
    close = difflib.get_close_matches(name.replace("-", "_"), known, n=1)
    _refuse(f"{place}: there is no setting {name!r}", f"did you mean {close[0]}?" if close else f"the settings are: {', '.join(known)}")


def _check(place: str, ctx: click.Context, option: click.Parameter, value: Any) -> None:
    if isinstance(value, dict | list):
        _refuse(f"{place}: {option.name} is one value, not a table or a list")
    try:
        option.type.convert(value, option, ctx)
    except click.BadParameter as exc:
        _refuse(f"{place}: {option.name} is no good: {exc.message}")


def _private(path: Path) -> None:
    if path.stat().st_mode & 0o077:
        _refuse(f"{path} holds master_key and can be read by other users", f"chmod 600 {path}")


def _refuse(message: str, hint: str = "correct the file, or name another one with --config") -> NoReturn:
    raise make(message, code="SL406", hint=hint) from None
