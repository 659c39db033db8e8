"""Every query and mutation that the provider can send, held against the vendor's own schema (cut to what matters: fakes.shopify.published)."""

from __future__ import annotations

import graphql
import pytest
from fakes.shopify.bulk import _against
from fakes.shopify.engine import SCHEMA, prepared
from providers.shopify_queries import CREDENTIAL, SHOPIFY, Said, bulk_queries, queries

from pgsluice.providers.shopify_collections import API_VERSION, SOURCES
from pgsluice.providers.shopify_webhooks import TOPICS

ALL = [*queries(), *bulk_queries()]


@pytest.mark.parametrize("said", {one.text: one for one in ALL}.values(), ids=lambda one: one.where)
def test_a_query_is_one_of_the_vendors(said: Said) -> None:
    document, errors = prepared(said.text)
    assert not errors
    assert document is not None
    (operation,) = document.definitions
    assert isinstance(operation, graphql.OperationDefinitionNode)
    given = graphql.execution.values.get_variable_values(SCHEMA, operation.variable_definitions or (), said.variables)
    assert not isinstance(given, list), given


def test_bulk_operations_stay_within_their_restrictions() -> None:
    """At most five connections, two levels, and none within a list."""
    found = list(bulk_queries())
    assert len(found) >= 14
    for said in found:
        assert _against(prepared(said.text)[0]) == [], said.where


def test_inventory_is_written_with_a_key_that_is_demanded_when_it_runs() -> None:
    """No schema shows it. https://shopify.dev/docs/api/usage/idempotent-requests"""
    for said in ALL:
        for mutation in ("inventorySetQuantities", "inventoryAdjustQuantities", "inventoryActivate"):
            if f"{mutation}(" in said.text:
                assert said.text.count("@idempotent(key: ") == 2, said.where


def test_no_query_goes_out_with_an_empty_filter() -> None:
    """Shopify answers that with an internal error; null is no filter."""
    for said in ALL:
        assert "" not in [said.variables.get("query"), said.variables.get("inner")], said.where


def test_the_fields_that_are_told_are_the_vendors() -> None:
    for collection_id, source in SOURCES.items():
        kind = SCHEMA.type_map[source.type]
        assert isinstance(kind, graphql.GraphQLObjectType)
        told = SHOPIFY.collections[collection_id].fields
        asked = _asked(source.fields)
        assert {field.name for field in told} == set(asked), collection_id
        assert [field.name for field in told if field.primary_key] == ["id"]
        for field in told:
            assert field.type == _kind(kind.fields[field.name].type), (collection_id, field.name)


def _asked(selection: str) -> list[str]:
    (operation,) = graphql.parse(f"{{ {selection} }}").definitions
    assert isinstance(operation, graphql.OperationDefinitionNode)
    return [node.name.value for node in operation.selection_set.selections if isinstance(node, graphql.FieldNode)]


def _kind(given: graphql.GraphQLOutputType) -> str:
    kind = graphql.get_nullable_type(given)
    if isinstance(kind, graphql.GraphQLList):
        return "array"
    if isinstance(kind, graphql.GraphQLScalarType):
        return {"Boolean": "boolean", "Int": "integer", "Float": "number", "DateTime": "time", "JSON": "any"}.get(kind.name, "text")
    return "text" if isinstance(kind, graphql.GraphQLEnumType) else "object"


def test_topics_are_the_vendors() -> None:
    kind = SCHEMA.type_map["WebhookSubscriptionTopic"]
    assert isinstance(kind, graphql.GraphQLEnumType)
    assert {topic for topics in TOPICS.values() for topic in topics} <= set(kind.values)


def test_the_version_is_pinned() -> None:
    request = SHOPIFY.request(SHOPIFY.feeds(["shopify:product"])[0], None, CREDENTIAL)
    assert request.url == f"https://example.myshopify.com/admin/api/{API_VERSION}/graphql.json"
