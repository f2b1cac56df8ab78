"""Recomputing, from resources and violations, all that merging keeps up to date, and naming every
difference.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection, transaction

from clusters.models import Resource
from compliance.services.ownership import Ownership
from organizations.scope import current_organization_id

from .verification_sql import CHECKS

MAX_PER_CHECK = 20


@dataclass(frozen=True)
class Difference:
    """`check` is the statement that does not hold, `where` the row, with what is kept and what was
    computed.
    """

    check: str
    where: str

    def __str__(self) -> str:
        return f"{self.check}: {self.where}"


def verify_posture() -> list[Difference]:
    """Differences in the organization in scope, at most 20 per check; an empty list when everything agrees.

    Reads one snapshot of each check's tables: run it while nothing is being merged.
    """
    found: list[Difference] = []
    parameters = {"organization": current_organization_id(), "limit": MAX_PER_CHECK}
    with transaction.atomic(), connection.cursor() as cursor:
        # Tables that were filled a moment ago have no statistics, and a nested loop over two of them never ends.
        cursor.execute("SET LOCAL enable_nestloop = off")
        for check, statement in CHECKS.items():
            cursor.execute(f"{statement} LIMIT %(limit)s", parameters)
            names = [column.name for column in cursor.description]
            for row in cursor.fetchall():
                cells = ", ".join(f"{name} {value}" for name, value in zip(names, row, strict=True))
                found.append(Difference(check, cells))
        cursor.execute("SET LOCAL enable_nestloop = DEFAULT")
    return found + list(_misowned())


def _misowned() -> Iterator[Difference]:
    """Resources whose team is not the one that label and namespace say; asked by kind of case, not one
    by one.
    """
    ownership = Ownership.load()
    cases = Resource.objects.order_by().values_list("labels__team", "namespace", "team_id").distinct()
    for label, namespace, team_id in cases:
        owner = ownership.owner_of(label=label, namespace=namespace)
        if owner != team_id:
            yield Difference(
                "resources belong to the team that label and namespace say",
                f"label {label}, namespace {namespace}, kept {team_id}, computed {owner}",
            )
