"""Which team owns a resource: the one its `team` label names, else the one that owns its namespace."""

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from organizations.models import Team
from organizations.scope import current_organization_id


@dataclass(frozen=True)
class Ownership:
    """The teams of the organization in scope, ready to be asked."""

    by_slug: dict[str, UUID]
    by_namespace: dict[str, UUID]

    @classmethod
    def load(cls, *, without: UUID | None = None) -> "Ownership":
        """As the teams stand now; `without` leaves out one that is about to be dissolved."""
        by_slug: dict[str, UUID] = {}
        by_namespace: dict[str, UUID] = {}
        for team in Team.objects.exclude(pk=without).order_by("slug"):
            by_slug[team.slug] = team.pk
            for namespace in team.namespaces:
                # Two teams may list one namespace; the first by slug has it, so that the answer never wavers.
                by_namespace.setdefault(namespace, team.pk)
        return cls(by_slug, by_namespace)

    def owner_of(self, *, label: str | None, namespace: str) -> UUID | None:
        """The team's id. A label that names no team says nothing, and the namespace decides."""
        return self.by_slug.get(label or "") or self.by_namespace.get(namespace)


def hold_ownership(cursor: Any, *, exclusively: bool) -> None:
    """Until the transaction ends, let no merge run while teams are reassigned; merges run beside each
    other.
    """
    digest = hashlib.sha256(b"ownership:" + current_organization_id().bytes).digest()
    lock = "pg_advisory_xact_lock" if exclusively else "pg_advisory_xact_lock_shared"
    cursor.execute(f"SELECT {lock}(%s)", [int.from_bytes(digest[:8], signed=True)])
