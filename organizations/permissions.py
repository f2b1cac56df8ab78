"""What each role may do. Every page, API and button asks `can`; nothing else decides."""

from enum import Enum

from organizations.models import Role


class Capability(Enum):
    VIEW = "view"
    VIEW_ACTIVITY = "view_activity"
    RETRY_REPORTS = "retry_reports"
    MANAGE_TOKENS = "manage_tokens"
    MANAGE_TEAMS = "manage_teams"
    MANAGE_CLUSTERS = "manage_clusters"
    MANAGE_POLICIES = "manage_policies"
    MANAGE_MEMBERS = "manage_members"
    MANAGE_ORGANIZATION = "manage_organization"


_EVERYONE = frozenset({Capability.VIEW, Capability.MANAGE_TOKENS})  # a member's own API tokens

_CAPABILITIES: dict[str, frozenset[Capability]] = {
    Role.OWNER: frozenset(Capability),
    Role.SECURITY_LEAD: _EVERYONE
    | {
        Capability.MANAGE_TEAMS,
        Capability.MANAGE_POLICIES,
        Capability.VIEW_ACTIVITY,
        Capability.RETRY_REPORTS,
    },
    Role.PLATFORM_ENGINEER: _EVERYONE
    | {
        Capability.MANAGE_TEAMS,
        Capability.MANAGE_CLUSTERS,
        Capability.MANAGE_POLICIES,
        Capability.VIEW_ACTIVITY,
        Capability.RETRY_REPORTS,
    },
    Role.DEVELOPER: _EVERYONE,
    Role.AUDITOR: _EVERYONE | {Capability.VIEW_ACTIVITY},
}


def can(role: str, capability: Capability) -> bool:
    """Whether a member with `role` has `capability`. A role that is not known may do nothing."""
    return capability in _CAPABILITIES.get(role, frozenset())
