"""What there is at the vendor: for each kind its address and what an object looks like. https://developer.zendesk.com/api-reference"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Doc = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """`plural`: the name in addresses and around lists. `export`: of "cursor" and "time", how incremental exports of it work."""

    plural: str
    fields: Doc = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    export: frozenset[str] = frozenset()
    gone: Doc | None = None  # what a deleted one looks like in the export, and by id where it stays
    writes: bool = True


KINDS: Mapping[str, Kind] = {
    "ticket": Kind(
        "tickets",
        {
            "external_id": None, "via": {"channel": "api", "source": {"from": {}, "to": {}, "rel": None}}, "type": None, "subject": "",
            "raw_subject": "", "description": "", "priority": None, "status": "open", "recipient": None, "requester_id": 1, "submitter_id": 1,
            "assignee_id": None, "organization_id": None, "group_id": None, "collaborator_ids": [], "problem_id": None, "has_incidents": False,
            "is_public": True, "generated_timestamp": 0, "due_at": None, "tags": [], "custom_fields": [], "satisfaction_rating": None, "brand_id": 1,
        },
        ("comment",), frozenset({"cursor", "time"}), {"status": "deleted"},
    ),
    "user": Kind(
        "users",
        {
            "name": "", "email": None, "time_zone": "UTC", "iana_time_zone": "Etc/UTC", "phone": None, "photo": None, "locale_id": 1, "locale": "en-US",
            "organization_id": None, "role": "end-user", "verified": False, "external_id": None, "tags": [], "alias": None, "active": True,
            "shared": False, "last_login_at": None, "details": None, "notes": None, "suspended": False, "user_fields": {},
        },
        ("name",), frozenset({"cursor", "time"}), {"active": False},
    ),
    "organization": Kind(
        "organizations",
        {
            "name": "", "shared_tickets": False, "shared_comments": False, "external_id": None, "domain_names": [], "details": None, "notes": None,
            "group_id": None, "tags": [], "organization_fields": {}, "deleted_at": None,
        },
        ("name",), frozenset({"time"}), {"deleted_at": "now"},
    ),
    "group": Kind("groups", {"name": "", "description": "", "default": False, "deleted": False, "is_public": True}, ("name",)),
    "group_membership": Kind("group_memberships", {"user_id": 1, "group_id": 1, "default": True}, ("user_id", "group_id")),
    "organization_membership": Kind("organization_memberships", {"user_id": 1, "organization_id": 1, "default": True}, ("user_id", "organization_id")),
    "ticket_comment": Kind("comments", {"type": "Comment", "author_id": 1, "body": "", "public": True, "attachments": [], "ticket_id": 0}, writes=False),
    "macro": Kind("macros", {"title": "", "active": True, "description": None, "position": 1, "actions": [], "restriction": None}, ("title",)),
    "brand": Kind("brands", {"name": "", "subdomain": "", "active": True, "default": False, "has_help_center": False}, ("name",)),
    "ticket_field": Kind("ticket_fields", {"type": "text", "title": "", "active": True, "required": False, "position": 1}, ("title",)),
    "ticket_form": Kind("ticket_forms", {"name": "", "active": True, "position": 1, "ticket_field_ids": []}, ("name",)),
    "view": Kind("views", {"title": "", "active": True, "position": 1, "conditions": {"all": [], "any": []}}, ("title",)),
    "trigger": Kind("triggers", {"title": "", "active": True, "position": 1, "conditions": {"all": [], "any": []}, "actions": []}, ("title",)),
    "automation": Kind("automations", {"title": "", "active": True, "position": 1, "conditions": {}, "actions": []}, ("title",)),
    "satisfaction_rating": Kind("satisfaction_ratings", {"score": "good", "ticket_id": 1, "assignee_id": 1, "comment": ""}, writes=False),
    "ticket_metric": Kind("ticket_metrics", {"ticket_id": 1, "reopens": 0, "replies": 0, "solved_at": None}, writes=False),
    "sla_policy": Kind("slas/policies", {"title": "", "description": "", "position": 1, "policy_metrics": []}, ("title",)),
    "tag": Kind("tags", {"name": "", "count": 1}, writes=False),
}  # fmt: skip
BY_PLURAL = {kind.plural: name for name, kind in KINDS.items()}
