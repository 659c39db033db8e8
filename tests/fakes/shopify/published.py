"""The part of Shopify's own schema that this project speaks of, cut out of the whole: `schema.graphql`, which the fake answers from.

The whole (about 3,500 types) is what introspection of the Admin API answers. Shopify ships it with its `@shopify/dev-mcp` package on npm, as
`dist/data/admin_{version}.json.gz`: `python tests/fakes/shopify/published.py PATH` cuts it anew. Kept are the types, fields and arguments of
every query that the provider can send (`tests/providers/shopify_queries.py`) and whole the input objects that it fills, as far as two levels
down; descriptions, deprecated fields and everything else are left out. What is kept is as the vendor has it.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import graphql

FILE = Path(__file__).parent / "schema.graphql"
DEPTH = 2


class _Used(graphql.Visitor):
    """Notes which fields and arguments a query uses."""

    def __init__(self, info: graphql.TypeInfo, fields: dict[str, dict[str, set[str]]], named: set[str]) -> None:
        super().__init__()
        self._info, self._fields, self._named = info, fields, named

    def enter_field(self, node: graphql.FieldNode, *_: Any) -> None:
        parent = self._info.get_parent_type()
        if parent is None or node.name.value.startswith("__"):
            return
        arguments = self._fields[parent.name].setdefault(node.name.value, set())
        arguments |= {argument.name.value for argument in node.arguments or ()}

    def enter_inline_fragment(self, node: graphql.InlineFragmentNode, *_: Any) -> None:
        if node.type_condition is not None:
            self._named.add(node.type_condition.name.value)


def cut(whole: graphql.GraphQLSchema, texts: list[str]) -> str:
    """The part of the schema that these queries use, as text."""
    fields: dict[str, dict[str, set[str]]] = defaultdict(dict)
    named: set[str] = set()
    for text in texts:
        info = graphql.TypeInfo(whole)
        graphql.visit(graphql.parse(text), graphql.TypeInfoVisitor(info, _Used(info, fields, named)))
    for name in sorted(_interfaces(whole, fields)):
        _spread(whole, name, fields)
    inputs = _inputs(whole, fields)
    known = _others(whole, fields, inputs, named) | set(fields)
    written = [_object(whole, name, fields, known) for name in sorted(fields)]
    written += [_rest(whole, name, known) for name in sorted(known - set(fields))]
    written += [_input(whole, name, inputs) for name in sorted(inputs)]
    head = ["schema { query: QueryRoot mutation: Mutation }", "directive @idempotent(key: String!) on FIELD"]
    return "\n\n".join([*head, *written]) + "\n"


def _interfaces(whole: graphql.GraphQLSchema, fields: dict[str, dict[str, set[str]]]) -> set[str]:
    """Those that fields lead to. One of which only the name is asked for has the fields that its types are asked for."""
    led = {graphql.get_named_type(whole.type_map[name].fields[field].type).name for name in list(fields) for field in fields[name]}  # type: ignore[attr-defined]
    found = {name for name in led if graphql.is_interface_type(whole.type_map[name]) and name != "Node"}
    for name in found:
        kind = whole.type_map[name]
        assert isinstance(kind, graphql.GraphQLInterfaceType)
        for one in whole.get_possible_types(kind):
            for field, given in list(fields.get(one.name, {}).items()):
                if field in kind.fields and (field != "id" or name in fields):
                    fields[name].setdefault(field, set()).update(given)
    return found


def _spread(whole: graphql.GraphQLSchema, name: str, fields: dict[str, dict[str, set[str]]]) -> None:
    """What is asked of an interface, each of the types that are asked for by name has too."""
    kind = whole.type_map[name]
    if isinstance(kind, graphql.GraphQLInterfaceType):
        kinds = [one.name for one in whole.get_possible_types(kind)]
        for one in [one for one in kinds if one in fields] or kinds:
            for field, arguments in fields[name].items():
                fields[one].setdefault(field, set()).update(arguments)


def _arguments(field: graphql.GraphQLField, used: set[str]) -> list[tuple[str, graphql.GraphQLArgument]]:
    return [(name, arg) for name, arg in field.args.items() if name in used or graphql.is_required_argument(arg)]


def _inputs(whole: graphql.GraphQLSchema, fields: dict[str, dict[str, set[str]]]) -> set[str]:
    found: dict[str, int] = {}
    queue = [
        (graphql.get_named_type(arg.type).name, 0)
        for name, used in fields.items()
        for field, given in used.items()
        for _, arg in _arguments(whole.type_map[name].fields[field], given)  # type: ignore[attr-defined]
    ]
    while queue:
        name, depth = queue.pop()
        kind = whole.type_map[name]
        if not isinstance(kind, graphql.GraphQLInputObjectType) or found.get(name, DEPTH + 1) <= depth:
            continue
        found[name] = depth
        deeper = [field for field in kind.fields.values() if depth < DEPTH or graphql.is_required_input_field(field)]
        queue += [(graphql.get_named_type(field.type).name, depth + 1) for field in deeper]
    return set(found)


def _others(whole: graphql.GraphQLSchema, fields: dict[str, dict[str, set[str]]], inputs: set[str], named: set[str]) -> set[str]:
    """Scalars, enums, unions and objects of which only the name is needed."""
    found = set(named)
    for name, used in fields.items():
        for field, given in used.items():
            said = whole.type_map[name].fields[field]  # type: ignore[attr-defined]
            found |= {graphql.get_named_type(said.type).name}
            found |= {graphql.get_named_type(arg.type).name for _, arg in _arguments(said, given)}
    for name in inputs:
        kind = whole.type_map[name]
        assert isinstance(kind, graphql.GraphQLInputObjectType)
        found |= {graphql.get_named_type(field.type).name for field in kind.fields.values()}
    leaves = {name for name in found if not graphql.is_input_object_type(whole.type_map[name])}
    return leaves - set(graphql.specified_scalar_types)


def _object(whole: graphql.GraphQLSchema, name: str, fields: dict[str, dict[str, set[str]]], known: set[str]) -> str:
    kind: Any = whole.type_map[name]
    word = "interface" if isinstance(kind, graphql.GraphQLInterfaceType) else "type"
    lines = []
    for field, given in sorted(fields[name].items()):
        said = kind.fields[field]
        args = ", ".join(f"{arg}: {value.type}{_default(value)}" for arg, value in _arguments(said, given))
        lines.append(f"  {field}{f'({args})' if args else ''}: {said.type}")
    above = [one.name for one in kind.interfaces if one.name in known and set(fields.get(one.name, {"id": set()})) <= set(fields[name])]
    return f"{word} {name}{' implements ' + ' & '.join(above) if above else ''} {{\n" + "\n".join(lines) + "\n}"


def _default(arg: graphql.GraphQLArgument) -> str:
    if arg.default_value is graphql.Undefined or arg.default_value is None:
        return ""
    value = arg.default_value
    return f" = {value}" if isinstance(graphql.get_named_type(arg.type), graphql.GraphQLEnumType) else f" = {json.dumps(value)}"


def _rest(whole: graphql.GraphQLSchema, name: str, known: set[str]) -> str:
    match whole.type_map[name]:
        case graphql.GraphQLScalarType():
            return f"scalar {name}"
        case graphql.GraphQLEnumType() as kind:
            return f"enum {name} {{ {' '.join(kind.values)} }}"
        case graphql.GraphQLUnionType() as kind:
            return f"union {name} = " + " | ".join(one.name for one in kind.types if one.name in known)
        case graphql.GraphQLInterfaceType():
            return f"interface {name} {{ id: ID! }}"
    return f"type {name} {{ _: Boolean }}"


def _input(whole: graphql.GraphQLSchema, name: str, inputs: set[str]) -> str:
    kind = whole.type_map[name]
    assert isinstance(kind, graphql.GraphQLInputObjectType)
    lines = []
    for field, said in kind.fields.items():
        below = graphql.get_named_type(said.type)
        if said.deprecation_reason is None and (not graphql.is_input_object_type(below) or below.name in inputs):
            lines.append(f"  {field}: {said.type}")
    return f"input {name} {{\n" + "\n".join(lines) + "\n}"


def whole_schema(path: Path) -> graphql.GraphQLSchema:
    """The vendor's own schema, of the file that introspection gave."""
    given = json.loads(gzip.decompress(path.read_bytes()))
    return graphql.build_client_schema(given.get("data", given), assume_valid=True)


if __name__ == "__main__":
    sys.path.insert(0, str(FILE.parents[2]))
    from providers.shopify_queries import bulk_queries, queries

    FILE.write_text(cut(whole_schema(Path(sys.argv[1])), [one.text for one in [*queries(), *bulk_queries()]]))
