"""What every statement of one merge refers to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from compliance.services.ownership import Ownership


@dataclass(frozen=True)
class MergeContext:
    """`policies` are (id, severity) by the report's index."""

    organization_id: UUID
    cluster_id: UUID
    scanned_at: datetime
    policies: Sequence[tuple[int, int]]
    ownership: Ownership

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "organization": self.organization_id,
            "cluster": self.cluster_id,
            "scanned_at": self.scanned_at,
            "day": self.scanned_at.date(),
            "evaluated": [policy_id for policy_id, _ in self.policies],
        }
