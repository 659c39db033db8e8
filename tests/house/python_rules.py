"""What the Python of the package must look like, and what the repository must not hold. Findings in words, none if all is well."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

# Folders of the checkout that are no part of the package.
OUTSIDE = {"tests", "demo", "bench", "docs", "build", "dist"}
# Layer -> the layers it may import. The command line, every module at the root, may import all.
MAY_IMPORT = {
    "db": {"db"},
    "providers": {"providers"},
    "poller": {"poller", "db", "providers"},
    "server": {"server", "db", "providers"},
}
# Knowledge of vendors has no side effects: none of what opens, waits, runs or reads a clock.
NO_EFFECTS = {
    "aiohttp", "asyncio", "http.client", "httpx", "multiprocessing", "os", "pathlib", "psycopg", "requests", "select", "shutil", "signal",
    "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib.request",
}  # fmt: skip
CONNECTS = {"aiohttp", "http.client", "httpx", "requests", "socket", "urllib.request"}
# The files that may connect, with the reason.
MAY_CONNECT = {
    "poller/transport.py": "the one outbound connection",
    "server/run.py": "listens, and opens nothing",
    "db/embedded_folder.py": "asks whether the private server's own socket answers",
}
SQL_TEXT = re.compile(
    r"""\bselect\s+(\*|[\w.,\s()'"%:]+?)\s+from\s+\w | \bselect\s+[\w.]+\( | \binsert\s+into\s+\w | \bupdate\s+[\w.]+\s+set\s+\w
    | \bdelete\s+from\s+\w | \b(create|alter|drop)\s+(or\s+replace\s+)?(table|view|function|schema|role|index|database|extension)\s+\w
    | ^\s*(un)?listen\s+\w+\s*;?\s*$ | ^\s*notify\s+\w+ | \bset\s+(local\s+)?(role|search_path)\b | ^\s*(begin|commit|rollback)\s*;?\s*$""",
    re.IGNORECASE | re.VERBOSE,
)


def modules(root: Path) -> Iterator[tuple[str, ast.Module]]:
    """Path and tree of every module of the package."""
    for path in sorted([*root.glob("*.py"), *(file for folder in packages(root) for file in (root / folder).glob("*.py"))]):
        yield path.relative_to(root).as_posix(), ast.parse(path.read_text())


def packages(root: Path) -> list[str]:
    """The folders that are packages, `db` or `server/console`."""
    found = {path.parent.relative_to(root).as_posix() for path in root.glob("[!.]*/**/__init__.py")}
    return sorted(name for name in found if name.split("/")[0] not in OUTSIDE)


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports_keep_to_the_layers(root: Path) -> list[str]:
    found: list[str] = []
    for path, tree in modules(root):
        layer = path.split("/")[0]
        if layer not in MAY_IMPORT:
            continue
        for name in imports(tree):
            head, *rest = name.split(".")
            if head == "pgsluice" and rest and rest[0] not in MAY_IMPORT[layer] | {"__version__"}:
                found.append(f"{path} imports {name}")
    return found


def providers_have_no_side_effects(root: Path) -> list[str]:
    return [
        f"{path} imports {name}"
        for path, tree in modules(root)
        if path.startswith("providers/")
        for name in imports(tree)
        if any(name == banned or name.startswith(f"{banned}.") for banned in NO_EFFECTS)
    ]


def one_file_connects(root: Path) -> list[str]:
    """Asking for the host's name opens nothing."""
    return [
        f"{path} imports {name}"
        for path, tree in modules(root)
        if path not in MAY_CONNECT
        for name in imports(tree)
        if any(name == banned or name.startswith(f"{banned}.") for banned in CONNECTS)
        and not (name == "socket" and attributes_of("socket", tree) == {"gethostname"})
    ]


def attributes_of(module: str, tree: ast.Module) -> set[str]:
    """What a module uses of another one that it imports whole."""
    named = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name))
    return {node.attr for node in named if isinstance(node.value, ast.Name) and node.value.id == module}


def sql_stands_where_it_may(root: Path) -> list[str]:
    """SQL text stands in `sql/`, `migrations/` and `db/`, and in what `server/filters.py` composes."""
    found: list[str] = []
    for path, tree in modules(root):
        if path.startswith("db/") or path == "server/filters.py":
            continue
        found += [f"{path} line {line} holds SQL: {text.strip()[:60]!r}" for line, text in strings(tree) if SQL_TEXT.search(text)]
    return found


def strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """The string constants of a module, without docstrings; the parts of an f-string joined."""
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            skipped.update(id(part) for part in node.values)
            yield node.lineno, "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.lineno, node.value


def every_package_is_packaged(root: Path) -> list[str]:
    """`pyproject.toml` names every package and every kind of data file that stands in one."""
    settings = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]
    named = set(settings["packages"])
    there = {"pgsluice", *(f"pgsluice.{name.replace('/', '.')}" for name in packages(root))}
    data = {path for name, patterns in settings["package-data"].items() for path in _matching(root, name, patterns)}
    wanted = {path for path in [*root.glob("sql/**/*.sql"), *root.glob("migrations/*.sql"), root / "py.typed"] if path.exists()}
    return [
        *(f"pyproject.toml lacks the package {name}" for name in sorted(there - named)),
        *(f"pyproject.toml names {name}, which is not there" for name in sorted(named - there)),
        *(f"pyproject.toml leaves out {path.relative_to(root)}" for path in sorted(wanted - data)),
    ]


def _matching(root: Path, package: str, patterns: list[str]) -> Iterator[Path]:
    folder = root.joinpath(*package.split(".")[1:])
    for pattern in patterns:
        yield from folder.glob(pattern)


def files_are_short(root: Path) -> list[str]:
    return [
        f"{path.relative_to(root)} has {lines} lines, not 400 at most"
        for path in repository(root)
        if path.suffix == ".py" and (lines := len(path.read_text().splitlines())) > 400
    ]


def names_tell_a_duty(root: Path) -> list[str]:
    return [
        f"{path.relative_to(root)}: name it by its duty"
        for path in repository(root)
        if path.suffix == ".py" and {"utils", "util", "common", "core", "models", "helpers", "misc"} & {path.stem, path.parent.name}
    ]


# One letter of each stands in brackets, so that this file does not find itself.
FORBIDDEN = re.compile(
    r"""/[w]ork/(main|shared|notes|\.library) | /[t]mp/v\d\b | /[r]oot/ | /[h]ome/(?!you\b|user\b)\w+ | \.[p]yenv/
    | [p]ypi\.org/simple | files\.[p]ythonhosted | registry\.[n]pmjs | --(extra-)?[i]ndex-url[ =]\S | --[t]rusted-host
    | \b(HOUSE|DESIGN|ENGINE|FOUNDATIONS|PROVIDERS|CONTRACT)\.[m]d\b | \b[s]eed\ page\b | \b[i]ssues?\ \#?\d | \bhelper\ [s]ession
    | \bas\ an?\ [A]I\b | \b[c]laude\b | \b[T]ODO\b | \b[F]IXME\b""",
    re.IGNORECASE | re.VERBOSE,
)


def nothing_forbidden(root: Path) -> list[str]:
    """No path of a machine, no address of a package index, no word about how this came to be, nothing left to do."""
    found: list[str] = []
    for path in repository(root):
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(root)} line {number}: {match[0]}"
            for number, line in enumerate(text.splitlines(), start=1)
            if (match := FORBIDDEN.search(line))
        ]
    return found


def repository(root: Path) -> list[Path]:
    """What git would commit; every file where there is no git."""
    listed = subprocess.run(
        ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        private = re.compile(r"(^|/)\.|^build/|^dist/|\.egg-info/")
        return sorted(path for path in root.rglob("*") if path.is_file() and not private.search(_own(path, root)))
    paths = [root / name for name in listed.stdout.split("\0") if name]
    return sorted(path for path in paths if path.is_file() and not path.is_symlink())


def _own(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


RULES = (
    imports_keep_to_the_layers,
    providers_have_no_side_effects,
    one_file_connects,
    sql_stands_where_it_may,
    every_package_is_packaged,
    files_are_short,
    names_tell_a_duty,
    nothing_forbidden,
)

if __name__ == "__main__":
    sys.exit("\n".join(finding for rule in RULES for finding in rule(Path.cwd())))
