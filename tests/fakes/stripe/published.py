"""What the vendor publishes of its API, read out of its own library: fields, parameters, verbs and event types of each kind.

`published.json` holds what this finds, so that the fake needs no library; `python tests/fakes/stripe/published.py` writes it anew, and a
test compares the two. The library is generated from the vendor's OpenAPI description: https://github.com/stripe/openapi.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FILE = HERE / "published.json"
Doc = dict[str, Any]


def library() -> Path:
    """The folder of the vendor's library; only read, never imported."""
    found = importlib.util.find_spec("stripe")
    assert found is not None, "the vendor's library is a development dependency"
    assert found.origin is not None
    return Path(found.origin).parent


def _classes(path: Path) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in _tree(path).body if isinstance(node, ast.ClassDef)}


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def _resources() -> dict[str, Path]:
    """Object type → the file of its class."""
    texts = ((path, path.read_text()) for path in library().rglob("_*.py"))
    named = ((path, re.search(r"OBJECT_NAME: ClassVar\[\s*Literal\[\"([^\"]+)\"\]", said)) for path, said in texts)
    return {match[1]: path for path, match in named if match}


def calls(path: str) -> Iterator[tuple[str, str, Path, ast.FunctionDef]]:
    """Path, name and code of each call of a list, of its objects, and of what can be done with one of them."""
    own = re.compile(r"[\"']/v1/(" + re.escape(path) + r"(?:/\{\w+\}(?:/\w+)?)?)[\"']")
    for file in sorted(library().rglob("_*_service.py")):
        if own.search(file.read_text()):
            for node in _classes(file).values():
                for method in node.body:
                    found = own.search(ast.unparse(method)) if isinstance(method, ast.FunctionDef) else None
                    if found is not None and isinstance(method, ast.FunctionDef) and method.name in _said(method):
                        yield found[1], method.name, file, method


def _said(method: ast.FunctionDef) -> str:
    """The names of a call that talks to the API; nothing for one that only prepares."""
    return method.name if "self._request(" in ast.unparse(method) else ""


def events() -> list[str]:
    """Every type of event that an endpoint can ask for."""
    path = library() / "params" / "_webhook_endpoint_create_params.py"
    return sorted(set(re.findall(r"[\"']([a-z_]+\.[a-z_.]+)[\"']", path.read_text())))


def fields(object_type: str) -> dict[str, str]:
    """Field → type, with ? where it may be null."""
    for node in _classes(_resources()[object_type]).values():
        if any(ast.unparse(part).startswith("OBJECT_NAME") and f"'{object_type}'" in ast.unparse(part) for part in node.body):
            return {name: _kind(annotation) for name, annotation in _annotations(node) if name not in {"OBJECT_NAME", "deleted"}}
    raise LookupError(object_type)


def params(file: Path, method: ast.FunctionDef) -> tuple[dict[str, str], list[str]]:
    """Parameter → type, and those that must be given."""
    given = next((ast.unparse(arg.annotation) for arg in method.args.args if arg.arg == "params" and arg.annotation), "")
    name = re.search(r"(\w+Params)", given)
    if name is None:
        return {}, []
    module = re.search(r"from (stripe\.params\.[\w.]+) import \(?\s*" + name[1] + r"\b", file.read_text())
    assert module is not None, name[1]
    node = _classes(library().parent / (module[1].replace(".", "/") + ".py"))[name[1]]
    found = dict(_annotations(node))
    found.pop("expand", None)
    kinds = {param: _kind(re.sub(r"^NotRequired\[(.*)\]$", r"\1", said)).rstrip("?") for param, said in found.items()}
    return kinds, sorted(param for param, said in found.items() if not said.startswith("NotRequired"))


def _annotations(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for part in node.body:
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name) and not part.target.id.startswith("_"):
            said = ast.unparse(part.annotation)
            yield part.target.id, re.sub(r"[\"']", "'", said)


def _kind(said: str) -> str:
    """text, integer, number, boolean, object, array, list (with has_more), span (a moment or bounds), any; one literal as =literal."""
    optional = re.fullmatch(r"'?Optional\[(.*)\]'?", said)
    if optional:
        return _kind(optional[1]) + "?"
    said = said.strip("'").replace("\\", "")
    plain = {"int": "integer", "bool": "boolean", "float": "number", "str": "text", "Decimal": "text"}
    if said in plain:
        return plain[said]
    literal = re.match(r"(?:Union\[)?'?Literal\['([^']*)'", said)
    if literal and literal[1]:
        return f"={literal[1]}"
    if re.fullmatch(r"'?\w+Params\w+'?\|int|Union\['?\w+Params\w+'?, int\]", said):
        return "span"
    starts = {"ExpandableField": "text", "ListObject": "list", "List": "array", "Dict": "object", "UntypedStripeObject": "object"}
    for start, kind in starts.items():
        if said.startswith(f"{start}["):
            return kind
    return "object" if re.fullmatch(r"[A-Z]\w*", said) else "any"


def of(object_type: str, path: str) -> Doc:
    """All of one kind. A verb of one object is named by the end of its path: cancel, void …"""
    found: Doc = {"path": path, "fields": fields(object_type), "verbs": {}}
    for there, name, file, method in calls(path):
        kinds, needed = params(file, method)
        rest = there.removeprefix(path).split("/")[1:]
        verb = rest[1] if len(rest) > 1 else name
        if len(rest) < 2 or "'post'" in ast.unparse(method):
            found["verbs"][verb] = {"params": kinds, "needed": needed}
    return found


def whole(kinds: dict[str, str]) -> Doc:
    """`kinds`: object type → path."""
    return {"events": events(), "kinds": {name: of(name, path) for name, path in sorted(kinds.items())}}


if __name__ == "__main__":
    from table import PATHS  # type: ignore[import-not-found]  # run as a script, from its own folder

    FILE.write_text(json.dumps(whole(PATHS), indent=1, sort_keys=True) + "\n")
