"""What the files of `sql/` and `migrations/` must look like. Each rule takes a folder and answers findings, none if all is well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pglast
from pglast import ast
from pglast.visitors import Visitor

from pgsluice.db.sources import read_sources

APART = {"install.sql", "schema.sql", "roles.sql", "grants.sql"}
NOUNS = "stream|provider|oauth_app|credential|collection|sync|record|quarantine|notice|consumer|message|dead_letter|mutation|token|view"
SCHEMAS = {"sluice", "sluice_internal"}
# SQL files over 150 lines, with the reason.
UNPINNED = "Runs under its caller''s settings"
LONG = {
    "consumers/consumer_next.sql": "its usual case is written out: a call of another function costs as much as a statement",
    "internal/_builtin_collections.sql": "generated: a line a collection",
    "internal/_builtin_fields.sql": "generated: a line a field",
    "internal/_lane_recover.sql": "one pass over the messages of a lane, in steps that share their state",
    "internal/_lane_take.sql": "as above",
    "internal/_take_many.sql": "as above, over several lanes",
    "internal/_mutation_claim.sql": "chooses, takes and answers the items, with all that a request needs",
    "internal/_record_write.sql": "one statement decides and writes",
    "internal/_record_write_each.sql": "one statement decides and writes",
    "internal/_settle_each.sql": "acks, nacks and moves of single messages follow one order of locks",
}


@dataclass(frozen=True)
class Function:
    """A `create function` statement and its text."""

    path: str
    text: str
    node: ast.CreateFunctionStmt

    @property
    def schema(self) -> str:
        return self.node.funcname[0].sval if len(self.node.funcname) == 2 else ""

    @property
    def name(self) -> str:
        return self.node.funcname[-1].sval

    @cached_property
    def options(self) -> dict[str, Any]:
        return {option.defname: option.arg for option in self.node.options or () if option.defname != "set"}

    @property
    def settings(self) -> dict[str, list[str]]:
        sets = [option.arg for option in self.node.options or () if option.defname == "set"]
        return {item.name: [_constant(value) for value in item.args or ()] for item in sets}

    @property
    def language(self) -> str:
        return self.options["language"].sval if "language" in self.options else "sql"

    @property
    def body(self) -> str:
        """The text between the dollars, or of a SQL-standard body."""
        if "as" in self.options:
            return self.options["as"][0].sval
        return self.text[re.search(r"^(return|begin atomic)\b", self.text, re.MULTILINE).start() :]

    @property
    def is_definer(self) -> bool:
        return "security" in self.options and bool(self.options["security"].boolval)

    @property
    def volatility(self) -> str:
        return self.options["volatility"].sval if "volatility" in self.options else "volatile"


def _constant(value: ast.A_Const) -> str:
    return str(getattr(value.val, "sval", getattr(value.val, "ival", "")))


def parsed(text: str) -> Iterator[tuple[ast.Node, str]]:
    """The statements of `text`, each with its own text."""
    for raw in pglast.parse_sql(text):
        end = raw.stmt_location + raw.stmt_len if raw.stmt_len else None
        yield raw.stmt, text[raw.stmt_location : end]


def object_files(sql: Path) -> list[Path]:
    return sorted(path for path in sql.rglob("*.sql") if path.relative_to(sql).as_posix() not in APART)


def functions(sql: Path) -> list[Function]:
    return [
        Function(path.relative_to(sql).as_posix(), text.strip(), node)
        for path in object_files(sql)
        for node, text in parsed(path.read_text())
        if isinstance(node, ast.CreateFunctionStmt)
    ]


def objects(sql: Path) -> dict[str, tuple[str, str]]:
    """path -> (kind, schema.name) of the one function or view that the file makes."""
    found: dict[str, tuple[str, str]] = {}
    for path in object_files(sql):
        for node, _ in parsed(path.read_text()):
            if isinstance(node, ast.CreateFunctionStmt):
                found[path.relative_to(sql).as_posix()] = ("function", ".".join(part.sval for part in node.funcname))
            elif isinstance(node, ast.ViewStmt):
                found[path.relative_to(sql).as_posix()] = ("view", f"{node.view.schemaname}.{node.view.relname}")
    return found


def every_file_is_installed_once(sql: Path) -> list[str]:
    listed = re.findall(r"^\\ir (\S+)$", (sql / "install.sql").read_text(), re.MULTILINE)
    there = {path.relative_to(sql).as_posix() for path in object_files(sql)}
    twice = {path for path in listed if listed.count(path) > 1}
    return [
        *(f"install.sql lists {path} twice" for path in sorted(twice)),
        *(f"install.sql lists {path}, which is not there" for path in sorted(set(listed) - there - APART)),
        *(f"install.sql does not list {path}" for path in sorted(there - set(listed))),
    ]


def one_object_a_file_of_its_name(sql: Path) -> list[str]:
    found: list[str] = []
    known = objects(sql)
    for path in object_files(sql):
        name = path.relative_to(sql).as_posix()
        made = [node for node, _ in parsed(path.read_text()) if isinstance(node, ast.CreateFunctionStmt | ast.ViewStmt)]
        if len(made) != 1:
            found.append(f"{name} makes {len(made)} functions and views, not one")
            continue
        kind, full = known[name]
        schema, _, own = full.rpartition(".")
        internal = name.startswith("internal/")
        if own != path.stem:
            found.append(f"{name} makes {full}")
        if schema != ("sluice_internal" if internal else "sluice"):
            found.append(f"{name} makes {full}: internal/ and sluice_internal go together, and so does everything else and sluice")
        if internal != own.startswith("_"):
            found.append(f"{full}: helpers start with _ and live in internal/, and nothing else does")
        if kind == "function" and not internal and not re.match(rf"({NOUNS})_[a-z]+(_[a-z]+)*$", own):
            found.append(f"{full} is not noun_verb")
    return found


def every_object_has_a_comment_of_one_line(sql: Path) -> list[str]:
    found: list[str] = []
    for path in object_files(sql):
        comments = [node.comment for node, _ in parsed(path.read_text()) if isinstance(node, ast.CommentStmt)]
        if not any(comments):
            found.append(f"{path.relative_to(sql)} has no comment on")
        found += [f"{path.relative_to(sql)}: a comment is one line" for comment in comments if comment and "\n" in comment]
    return found


def every_function_pins_its_search_path(sql: Path) -> list[str]:
    """With `pg_temp` last. A setting forbids inlining, so a SQL helper that must be inlined has none, and its comment says `Inlined`. To pin
    costs time, too: an internal function of the hot paths that is called by pinned ones alone says `Runs under its caller's settings`.
    """
    return [
        f"{function.path} does not pin search_path with pg_temp last"
        for function in functions(sql)
        if function.settings.get("search_path", [""])[-1] != "pg_temp"
        and not (function.language == "sql" and not function.is_definer and "Inlined" in (sql / function.path).read_text())
        and not (not function.is_definer and "internal" in str(function.path) and UNPINNED in (sql / function.path).read_text())
    ]


def public_functions_authorise_first(sql: Path) -> list[str]:
    """Whoever may call a `security definer` function acts as the owner: so the caller is asked for his right before anything else."""
    found: list[str] = []
    for function in functions(sql):
        if function.schema != "sluice":
            continue
        if function.volatility == "volatile" and not function.is_definer:
            found.append(f"{function.path} writes and is not security definer")
        if function.is_definer and "_authorize" not in opening(function):
            found.append(f"{function.path} does not call _authorize first")
    return found


def opening(function: Function) -> str:
    """What a function does first: its declarations and its first statement; a SQL function as a whole."""
    body = re.sub(r"--[^\n]*", "", function.body)
    if function.language != "plpgsql":
        return body
    match = re.search(r"^begin\b[^;]*;", body, re.MULTILINE)
    return body[: match.end()] if match else ""


def no_bare_records_and_no_prefixes(sql: Path) -> list[str]:
    found: list[str] = []
    for function in functions(sql):
        kinds = {parameter.mode for parameter in function.node.parameters or ()}
        names = [part.sval for part in function.node.returnType.names] if function.node.returnType else []
        tabular = any(kind.value in {"t", "o", "b"} for kind in kinds)
        if names[-1:] == ["record"] and not tabular:
            found.append(f"{function.path} returns bare record")
        named = [parameter.name for parameter in function.node.parameters or () if parameter.name]
        found += [f"{function.path}: parameter {name} has a prefix" for name in named if re.match(r"(p|v|in|_)_", name)]
    return found


def every_body_parses(sql: Path) -> list[str]:
    found: list[str] = []
    for path in object_files(sql):
        for node, text in parsed(path.read_text()):
            try:
                _parse_body(node, text)
            except pglast.parser.ParseError as exc:
                found.append(f"{path.relative_to(sql)}: {exc}")
    return found


def _parse_body(node: ast.Node, text: str) -> None:
    language = "plpgsql"
    if isinstance(node, ast.CreateFunctionStmt):
        function = Function("", text, node)
        language = function.language
        if language == "sql" and node.sql_body is None:
            pglast.parse_sql(function.body)
    elif not isinstance(node, ast.DoStmt):
        return
    if language == "plpgsql":
        # The parser knows no schemas but two; which one a name stands in does not change its syntax.
        pglast.parse_plpgsql(re.sub(r"\bsluice(_internal)?\.", "public.", text))


def migrations_keep_to_stored_state(migrations: Path) -> list[str]:
    found: list[str] = []
    for path in sorted(migrations.glob("*.sql")):
        for node, text in parsed(path.read_text()):
            if isinstance(node, ast.CreateFunctionStmt | ast.ViewStmt | ast.CreateTrigStmt):
                found.append(f"{path.name} makes code ({type(node).__name__}): that belongs into sql/")
            found += [f"{path.name} calls {name}" for name in _calls(node)]
            if isinstance(node, ast.DoStmt) and re.search(r"\bsluice(_internal)?\._?[a-z_]+\s*\(", text):
                found.append(f"{path.name} calls a function of ours in a do block")
    return found


def _calls(node: ast.Node) -> list[str]:
    calls: list[str] = []

    class Calls(Visitor):
        def visit_FuncCall(self, _ancestors: Any, call: ast.FuncCall) -> None:  # noqa: N802  pglast's way
            name = [part.sval for part in call.funcname]
            if name[0] in SCHEMAS:
                calls.append(".".join(name))

    Calls()(node)
    return calls


def migrations_are_numbered_and_rerunnable(migrations: Path) -> list[str]:
    """As `read_sources` wants them; what runs outside a transaction says `if exists` or `if not exists` in every statement."""
    found: list[str] = []
    for number, path in enumerate(sorted(migrations.glob("*.sql")), start=1):
        if not re.fullmatch(rf"{number:04d}_[a-z0-9_]+\.sql", path.name):
            found.append(f"{path.name} is not number {number:04d}")
        if path.read_text().startswith("-- no transaction"):
            found += [f"{path.name} cannot be run again: {text.strip()}" for _, text in parsed(path.read_text()) if "exists" not in text]
    return found


def grants_are_grants(sql: Path) -> list[str]:
    """`grants.sql` gives and takes rights on our objects, statement by statement; anything else could not be taken back by an upgrade."""
    return [
        f"grants.sql: {text.strip()}"
        for node, text in parsed((sql / "grants.sql").read_text())
        if not isinstance(node, ast.GrantStmt | ast.GrantRoleStmt)
    ]


def roles_are_made_one_by_one(sql: Path) -> list[str]:
    """`roles.sql` makes roles that cannot log in, and puts them into each other."""
    found: list[str] = []
    for node, text in parsed((sql / "roles.sql").read_text()):
        fine = isinstance(node, ast.GrantRoleStmt | ast.CommentStmt) or (isinstance(node, ast.CreateRoleStmt) and "nologin" in text)
        found += [] if fine else [f"roles.sql: {text.strip()}"]
    names = read_sources(sql, sql.parent / "migrations").role_names
    return found + [f"roles.sql: {name} is not called sluice_…" for name in names if not name.startswith("sluice_")]


def files_are_short(sql: Path) -> list[str]:
    return [
        f"{path.relative_to(sql)} has {lines} lines, not 150 at most"
        for path in object_files(sql)
        if (lines := len(path.read_text().splitlines())) > 150 and path.relative_to(sql).as_posix() not in LONG
    ]


def lines_are_short(sql: Path) -> list[str]:
    """At most 140 characters; the text of a comment is one line, however long."""
    return [
        f"{path.relative_to(sql)} line {number} has {len(line)} characters"
        for path in object_files(sql)
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if len(line) > 140 and not (line.startswith("'") and line.rstrip(";").endswith("'"))
    ]


SQL_RULES = (
    every_file_is_installed_once,
    one_object_a_file_of_its_name,
    every_object_has_a_comment_of_one_line,
    every_function_pins_its_search_path,
    public_functions_authorise_first,
    no_bare_records_and_no_prefixes,
    every_body_parses,
    grants_are_grants,
    roles_are_made_one_by_one,
    files_are_short,
    lines_are_short,
)
MIGRATION_RULES = (migrations_keep_to_stored_state, migrations_are_numbered_and_rerunnable)
