"""The fault proxy before a vendor whose whole API has one address: a query is seen as GET /Name, a mutation as POST /Name.

`first` and `after` stand in the query, so that pages can be capped and cursors taken away as anywhere.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fakes.faults import FaultProxy
from fakes.serving import Answer, Asked

_NAME = re.compile(r"\s*(query|mutation)\s+(\w+)")
_SEEN = ("first", "after", "query", "id")


@dataclass
class _Operation(Asked):
    real: Asked | None = field(default=None)


class GraphQLProxy(FaultProxy):
    def serve(self, asked: Asked) -> Answer:
        return super().serve(_operation(asked))

    def _exchange(self, asked: Asked) -> Answer:
        if not isinstance(asked, _Operation) or asked.real is None:
            return super()._exchange(asked)
        given = json.loads(asked.real.body)
        said = dict(parse_qsl(asked.query, keep_blank_values=True))
        variables: dict[str, Any] = given.get("variables") or {}
        for name in ("first", "after"):
            if name in variables:
                value = said.get(name)
                variables[name] = int(value) if name == "first" and value else value
        body = json.dumps({**given, "variables": variables}).encode()
        headers = {**asked.real.headers, "content-length": str(len(body))}
        return super()._exchange(replace(asked.real, headers=headers, body=body))


def _operation(asked: Asked) -> Asked:
    named = None
    if asked.path.endswith("/graphql.json"):
        given = json.loads(asked.body)
        named = _NAME.match(given["query"])
    if named is None:
        return asked
    variables = given.get("variables") or {}
    query = urlencode([(name, str(variables[name])) for name in _SEEN if variables.get(name) is not None])
    method = "GET" if named[1] == "query" else "POST"
    return _Operation(method, f"/{named[2]}", query, asked.headers, asked.body, real=asked)
