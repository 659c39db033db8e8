r"""Reads `migrations/` and `sql/`: what there is to run, in which order, with which digest.

`sql/install.sql` is the table of contents: each of its `\ir path` lines names one file, everything else in it is comments.
`roles.sql` and `grants.sql` stand apart, since roles must exist before the first table and rights come after the last function.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pgsluice.db.errors import SluiceError, make

# The package's own folders: data files beside the code, in a checkout and in site-packages alike.
ROOT: Final = Path(__file__).resolve().parent.parent
SQL: Final = ROOT / "sql"
MIGRATIONS: Final = ROOT / "migrations"

_MIGRATION: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_APART: Final = frozenset({"roles.sql", "grants.sql"})
# What a semicolon may hide in: comments, strings, quoted names, dollar quotes. `begin atomic` bodies are not known here.
_TOKEN: Final = re.compile(
    r"""(?P<skip>--[^\n]*|/\*.*?\*/)|(?P<keep>[eE]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"[^"]*"|(?P<tag>\$\w*\$).*?(?P=tag))|(?P<end>;)""",
    re.DOTALL,
)
_ROLE: Final = re.compile(r"\bcreate\s+role\s+(\w+)", re.IGNORECASE)


@dataclass(frozen=True)
class Migration:
    """One file of `migrations/`. `transactional` is false when its first line is `-- no transaction`."""

    name: str
    text: str
    digest: str
    transactional: bool


@dataclass(frozen=True)
class SqlFile:
    """One file of `sql/`; `path` is relative to it."""

    path: str
    text: str

    @property
    def object_name(self) -> str:
        return Path(self.path).stem


@dataclass(frozen=True)
class Sources:
    """All there is to bring a database to this release. `digest` covers everything that an install runs."""

    migrations: tuple[Migration, ...]
    files: tuple[SqlFile, ...]
    roles: tuple[str, ...]
    grants: tuple[str, ...]
    digest: str

    @property
    def role_names(self) -> tuple[str, ...]:
        """The roles that `roles.sql` makes."""
        return tuple(dict.fromkeys(name for statement in self.roles for name in _ROLE.findall(statement)))


def read_sources(sql: Path = SQL, migrations: Path = MIGRATIONS) -> Sources:
    """The two folders, read once. SL405 if one is not in order."""
    paths = tuple(_listed(sql / "install.sql"))
    files = tuple(SqlFile(path, _read(sql / path)) for path in paths if path not in _APART)
    roles, grants = (_read(sql / name) if (sql / name).exists() else "" for name in ("roles.sql", "grants.sql"))
    return Sources(
        migrations=tuple(_migrations(migrations)),
        files=files,
        roles=tuple(statements(roles)),
        grants=tuple(statements(grants)),
        digest=_digest("\0".join([roles, *(part for file in files for part in (file.path, file.text)), grants])),
    )


def _migrations(folder: Path) -> Iterator[Migration]:
    for number, path in enumerate(sorted(folder.glob("*.sql")), start=1):
        match = _MIGRATION.fullmatch(path.name)
        if match is None or int(match[1]) != number:
            raise _broken(f"migrations/{path.name} is not numbered {number:04d}_words.sql")
        text = _read(path)
        first = text.lstrip().partition("\n")[0].strip().lower()
        yield Migration(path.name, text, _digest(text), transactional=first != "-- no transaction")


def _listed(install: Path) -> Iterator[str]:
    seen: set[str] = set()
    for number, raw in enumerate(_read(install).splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("--"):
            continue
        directive, _, path = line.partition(" ")
        path = path.strip()
        if directive != r"\ir" or not path or path in seen:
            raise _broken(f"install.sql line {number}: only comments and one \\ir line a file may stand here")
        seen.add(path)
        yield path


def statements(text: str) -> Iterator[str]:
    """The statements in `text`, without their semicolons and without the comments between them."""
    parts: list[str] = []
    position = 0
    for token in _TOKEN.finditer(text):
        parts.append(text[position : token.start()])
        position = token.end()
        if token["keep"] is not None:
            parts.append(token["keep"])
        elif token["end"] is not None:
            yield from _stripped(parts)
            parts = []
    yield from _stripped([*parts, text[position:]])


def _stripped(parts: list[str]) -> Iterator[str]:
    statement = "\n".join(line.rstrip() for line in "".join(parts).splitlines() if line.strip()).strip()
    if statement:
        yield statement


def _read(path: Path) -> str:
    try:
        # Universal newlines: a checkout with CRLF has the same digest.
        return path.read_text(encoding="utf-8")
    except OSError as exc:
        raise _broken(f"{path.parent.name}/{path.name} cannot be read ({exc.strerror})") from None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _broken(details: str) -> SluiceError:
    return make("the SQL files of this installation are broken", code="SL405", details=details, hint="install pgsluice again")
