"""The text of a provider document: YAML or JSON, as plain values with the line and column of each.

Only what JSON has too: texts, whole and decimal numbers, true and false, null, lists, objects. No tags, so nothing is ever executed;
an alias counts as what it stands for, so a small text cannot become a large document.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Final

import yaml

from pgsluice.providers.errors import ProviderError

MAX_BYTES: Final = 256 * 1024
MAX_VALUES: Final = 20_000
MAX_DEPTH: Final = 40
_PLAIN: Final = {"true": True, "false": False, "null": None, "~": None, "": None, "True": True, "False": False, "Null": None}
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER: Final = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{1,18}")
_TAGS: Final = {
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq", "merge", "value")
}  # what PyYAML may find in a text without tags; what it means is decided here

Path = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a document, where (from 1), and what to do."""

    line: int
    column: int
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class BadDocument(ProviderError):
    """A provider document that cannot be used."""

    code = "SL150"

    def __init__(self, problems: list[Problem]) -> None:
        first = problems[0]
        more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
        super().__init__(
            f"line {first.line}, column {first.column}: {first.message}{more}",
            details="\n".join(str(problem) for problem in problems),
            hint=first.hint or "correct the document",
        )
        self.problems = problems


@dataclass
class Text:
    """A document's values, and where each stands: the key of a member, the beginning of anything else."""

    data: Any = None
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    values: int = 0

    def at(self, path: Path) -> tuple[int, int]:
        """Line and column of the value at `path`, or of the nearest one around it."""
        while path not in self.places and path:
            path = path[:-1]
        return self.places.get(path, (1, 1))


def parse(text: str | bytes) -> Text:
    """The values of a document. Raises BadDocument."""
    given = _decoded(text)
    if given.lstrip().startswith("{"):
        # A tab outside of a JSON text is space, and inside of one it must not be.
        given = given.replace("\t", " ")
    try:
        node = yaml.compose(given, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as exc:
        raise BadDocument([_of_yaml(exc, given)]) from None
    except yaml.reader.ReaderError as exc:
        line = given.count("\n", 0, exc.position) + 1
        raise _bad(line, 1, "there is a character that a text cannot have", "take it out; it may be invisible") from None
    except RecursionError:
        raise _bad(1, 1, "it is nested too deeply", f"at most {MAX_DEPTH} levels") from None
    if node is None:
        raise _bad(1, 1, "the document is empty", "see `pgsluice provider init` for a beginning")
    found = Text()
    found.data = _value(node, (), found, ())
    if not isinstance(found.data, dict):
        raise _bad(1, 1, "the document must be an object of name, base_url, auth and collections", "begin with a line like name: example")
    return found


def shipped(name: str) -> dict[str, Any]:
    """The document of this release with that name."""
    found: dict[str, Any] = parse(shipped_text(name) or "").data
    return found


def shipped_text(name: str) -> str | None:
    """Its text; None if there is none of that name."""
    file = resources.files("pgsluice.providers") / "documents" / f"{name}.yaml"
    return file.read_text("utf-8") if file.is_file() else None


def _decoded(text: str | bytes) -> str:
    if len(text) > MAX_BYTES:
        raise _bad(1, 1, f"the document is larger than {MAX_BYTES // 1024} KB", "leave out what is not needed; split it into two providers")
    if isinstance(text, str):
        return text
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = text.count(b"\n", 0, exc.start) + 1
        raise _bad(line, 1, "it is not UTF-8", "save the file as UTF-8") from None


def _value(node: Any, path: Path, found: Text, around: tuple[int, ...]) -> Any:
    mark = node.start_mark
    found.places.setdefault(path, (mark.line + 1, mark.column + 1))
    found.values += 1
    line, column = mark.line + 1, mark.column + 1
    if found.values > MAX_VALUES:
        raise _bad(line, column, f"it has more than {MAX_VALUES:,} values, aliases counted as what they stand for", "leave some out")
    if len(path) > MAX_DEPTH or id(node) in around:
        words = "an alias stands for something around itself" if id(node) in around else "it is nested too deeply"
        raise _bad(line, column, words, f"at most {MAX_DEPTH} levels, and no circles")
    if node.tag not in _TAGS:
        raise _bad(line, column, f"tags like {str(node.tag)[:60]} are not allowed", "write the value itself")
    if isinstance(node, yaml.MappingNode):
        return dict(_members(node, path, found, (*around, id(node))))
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, place), found, (*around, id(node))) for place, item in enumerate(node.value)]
    return _scalar(node)


def _members(node: Any, path: Path, found: Text, around: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
    seen: set[str] = set()
    for key, value in node.value:
        line, column = key.start_mark.line + 1, key.start_mark.column + 1
        if not isinstance(key, yaml.ScalarNode):
            raise _bad(line, column, "a key must be a word", 'a text in braces needs quotes: "{since}"')
        name = _sound(key.value)
        if name in seen:
            raise _bad(line, column, f"the key {name!r} is there twice", "keep one of them", path=(*path, name))
        seen.add(name)
        found.places[*path, name] = (line, column)
        yield name, _value(value, (*path, name), found, around)


def _scalar(node: Any) -> Any:
    text = _sound(node.value)
    if node.style in {"'", '"', "|", ">"}:
        return text
    if text in _PLAIN:
        return _PLAIN[text]
    if _INTEGER.fullmatch(text) and not re.match(r"[-+]?0[0-9]", text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def _sound(text: str) -> str:
    """Halves of a character, as JSON escapes them, joined."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _of_yaml(exc: Any, text: str) -> Problem:
    mark = exc.problem_mark or exc.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    lines = text.split("\n")
    said = str(exc.problem or exc.context or "it is no YAML")
    if "\t" in lines[line - 1 : line][0] if line <= len(lines) else False:
        return Problem(line, lines[line - 1].index("\t") + 1, "", "there is a tab where spaces indent", "indent with spaces only")
    hints = {
        "mapping values are not allowed here": "a text with a colon needs quotes, and members of one object the same indentation",
        "could not find expected ':'": "a member is written key: value",
        "found undefined alias": "*name needs an &name before it; a text that begins with * needs quotes",
        "but found another document": "one document a file",
        "found character '%'": "a text that begins with % needs quotes",
        "found character '@'": "a text that begins with @ needs quotes",
    }
    hint = next((words for start, words in hints.items() if start in said), "look at the indentation and the quotes around this place")
    return Problem(line, column, "", f"this is no YAML: {said}", hint)


def _bad(line: int, column: int, message: str, hint: str, path: Path = ()) -> BadDocument:
    return BadDocument([Problem(line, column, ".".join(map(str, path)), message, hint)])
