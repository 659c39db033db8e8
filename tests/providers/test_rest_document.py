"""Every kind of mistake in a document is named with its place and what to do."""

from __future__ import annotations

import pytest

from pgsluice.providers import registry
from pgsluice.providers.rest_check import checked, schema
from pgsluice.providers.rest_text import BadDocument, Problem, parse

HOOKS = "webhooks: {description: d, signature: {header: x, message: 'x{body}'}, events: "
GOOD = """\
name: acme
base_url: https://api.acme.test
auth:
  key:
    fields:
      secret: {description: a key, pattern: "[a-z]+"}
    bearer: "{credential.secret}"
errors:
  rules:
    - {means: retry, status: 418, path: message, matches: "tea(pot)"}
collections:
  thing:
    id: id
    list: {path: /things, params: {page: "{page}"}, records: data, paging: {style: page}}
  part:
    parent: thing
    list: {path: "/things/{parent.id}/parts", paging: {style: none}}
"""


def mistakes(text: str | bytes) -> list[Problem]:
    with pytest.raises(BadDocument) as caught:
        checked(text)
    assert caught.value.code == "SL150"
    assert str(caught.value.problems[0]) in (caught.value.details or "")
    return caught.value.problems


def test_a_good_one_is_taken_as_yaml_and_as_json() -> None:
    data, document = checked(GOOD)
    assert document.collections["part"].parent == "thing"
    import json  # noqa: PLC0415

    assert checked(json.dumps(data, indent="\t"))[0] == data


@pytest.mark.parametrize("name", ["github", "zendesk"])
def test_what_ships_is_sound(name: str) -> None:
    from pgsluice.providers.rest_text import shipped_text  # noqa: PLC0415

    checked(shipped_text(name) or "")
    assert registry.get(name).collections


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("    id: id\n", "    idd: id\n", 13, "did you mean id?"),
        ("    id: id\n", "    id: [a]\n", 13, "must be a text"),
        ("{style: page}", "{style: pages}", 14, "did you mean page?"),
        ("path: /things,", "path: things,", 14, "a path begins with /"),
        ('"{page}"', '"{pgae}"', 14, "did you mean page?"),
        ('params: {page: "{page}"}, ', "", 14, "needs {page} in the request"),
        ("parent: thing", "parent: thingy", 16, "did you mean thing?"),
        ("parent: thing", "parent: part", 16, "its own ancestor"),
        ("{parent.id}", "{parent.id", 17, "a brace belongs to no placeholder"),
        ("    parent: thing\n", "", 16, "{parent.id} stands for nothing here"),
        ("tea(pot)", "tea(pot", 10, "no regular expression"),
        ("tea(pot)", "(a+)+$", 10, "may take for ever"),
        ('"[a-z]+"', '"[a-z"', 6, "no regular expression"),
        ("{credential.secret}", "{credential.token}", 7, "{credential.token} stands for nothing here"),
        ('    bearer: "{credential.secret}"\n', "", 4, "not sent anywhere"),
        ("name: acme\n", "name: Acme\n", 1, "small letters"),
        ("name: acme\n", "", 1, "lacks name"),
        ("https://api.acme.test", "api.acme.test", 2, "an address like"),
        ("    id: id\n", "    id: id\n    id: key\n", 14, "there twice"),
        ("    id: id\n", "\tid: id\n", 13, "tab"),
        ("    id: id\n", "    id: id: id\n", 13, "quotes"),
        ("    id: id\n", "    id: !!python/object/apply:os.system [ls]\n", 13, "tags like"),
        ("    id: id\n", "    id: *nothing\n", 13, "alias"),
        ("    id: id\n", '    id: "{record.a}{record.b}"\n', 13, "side by side"),
        ("    id: id\n", "    updated_at: {format: iso}\n", 13, "lacks path"),
        ("    id: id\n", "    sweep: often\n", 13, "or never"),
        ("    id: id\n", "    create: {record: ''}\n", 13, "create has no path"),
        ("    id: id\n", "    upsert: {path: /things, record: ''}\n", 13, "needs match_on"),
        ("    id: id\n", "    incremental: {order: asc}\n", 13, "nothing asks for what changed"),
        ("name: acme\n", "name: acme\nidentify: {path: /me}\n", 2, "identify needs"),
        ("name: acme\n", f"name: acme\n{HOOKS}[{{collection: thingy, id: id}}]}}\n", 2, "did you mean thing?"),
        ("name: acme\n", f"name: acme\n{HOOKS}[{{collection: thing, id: id}}]}}\n", 2, "has no fetch"),
        ("name: acme\n", f"name: acme\n{HOOKS}[]}}\n", 2, "is empty"),
        ("name: acme\n", f"name: acme\n{HOOKS.replace('x{body}', 'nobody')}[{{collection: part, id: id}}]}}\n", 2, "not cover the body"),
        ("    bearer:", "    consent: {authorize: 'https://a.test', token: /t, values: [shop]}\n    bearer:", 7, "no field 'shop'"),
        ("    bearer:", "    base_url: 'https://{credential.shop}.test'\n    bearer:", 7, "stands for nothing here"),
    ],
)
def test_each_mistake_has_its_place_and_its_cure(old: str, new: str, line: int, words: str) -> None:
    assert old in GOOD
    found = mistakes(GOOD.replace(old, new, 1))
    assert any(problem.line == line and words in str(problem) for problem in found), [str(problem) for problem in found]


SECRET_ELSEWHERE = "to which host the client secret of an OAuth app is sent"
SITE = "    fields:\n      site: {description: the site%s}\n"


@pytest.mark.parametrize(
    ("host", "pattern", "refused"),
    [
        ("{credential.site}", "", True),
        ("{credential.site}:8443", "", True),
        ("{credential.site}.com", "", True),
        ("login.{credential.site}", ".+", True),
        ("{credential.site}.com", "[a-z]+", True),
        ("{credential.site}.acme.test", "", False),
        ("{credential.site}.acme.test:8443", "", False),
        ("{credential.site}", r"[a-z]+\.acme\.test", False),
        ("login.acme.test", "", False),
    ],
)
def test_no_app_sends_its_secret_where_whoever_signs_in_likes(host: str, pattern: str, refused: bool) -> None:
    said = GOOD.replace("    fields:\n", SITE % (f", pattern: '{pattern}'" if pattern else ""))
    consent = f"    consent: {{authorize: 'https://acme.test/yes', token: 'https://{host}/token', values: [site]}}\n"
    renew = f"    renew: {{grant: client_credentials, url: 'https://{host}/token'}}\n"
    fields = "      client_id: {description: the id, optional: true}\n      client_secret: {description: the secret, optional: true}\n"
    for words in (consent, fields + renew):
        text = said.replace("    bearer:", f"{words}    bearer:")
        if refused:
            assert [SECRET_ELSEWHERE in str(problem) for problem in mistakes(text)] == [True]
        else:
            checked(text)


def test_a_path_or_a_secret_of_ones_own_leads_nowhere_else() -> None:
    said = GOOD.replace("    fields:\n", SITE % "")
    consent = "    consent: {authorize: 'https://acme.test/yes', token: /token, values: [site]}\n"
    fields = "      client_id: {description: the id}\n      client_secret: {description: the secret}\n"
    renew = "    renew: {grant: client_credentials, url: 'https://{credential.site}/token'}\n"
    for text in (said.replace("    bearer:", f"{consent}    bearer:"), said.replace("    bearer:", f"{fields}{renew}    bearer:")):
        checked(text)


def test_all_mistakes_are_named_at_once() -> None:
    found = mistakes(GOOD.replace("records:", "recrods:").replace("{style: none}", "{style: no}"))
    assert [problem.line for problem in found] == [14, 17]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "empty"),
        (b"- a\n- b\n", "must be an object"),
        (b"name: \xff\n", "not UTF-8"),
        (b"a: 1\n--- \nb: 2\n", "one document a file"),
        (b"{" + b"a: {" * 100 + b"}" * 101, "nested too deeply"),
        (b"# " + b"x" * 300_000, "larger than 256 KB"),
        (b"a: \x07\n", "a character that a text cannot have"),
        (b"{a: 1}: 2\n", "a key must be a word"),
        (b'{"name": "x",}}', "no YAML"),
    ],
)
def test_what_is_no_document(text: bytes, words: str) -> None:
    assert any(words in str(problem) for problem in mistakes(text))


def test_aliases_count_as_what_they_stand_for() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    assert "more than 20,000 values" in str(mistakes(bomb)[0])
    assert "around itself" in str(mistakes("a: &a [*a]\n")[0])


def test_words_mean_what_json_has() -> None:
    found = parse("a: yes\nb: 012\nc: 1:30\nd: 2024-01-01\ne: 1.50\nf: ~\ng: true\nh: 5\n").data
    assert found == {"a": "yes", "b": "012", "c": "1:30", "d": "2024-01-01", "e": 1.5, "f": None, "g": True, "h": 5}


def test_every_word_of_the_schema_is_described() -> None:
    def walk(node: object, path: str) -> None:
        if isinstance(node, dict):
            for name, inner in node.get("properties", {}).items():
                assert "$ref" in inner or inner.get("description"), f"{path}.{name}"
                walk(inner, f"{path}.{name}")

    walk(schema(), "")
    for name, definition in schema()["$defs"].items():
        walk(definition, name)
