"""Bringing ownership up to date after teams changed: resources, violations and today's counts follow."""

# ruff: noqa: S608 - every part is a constant of this module; values are parameters

from collections.abc import Iterable
from uuid import UUID

from django.db import connection, transaction

from clusters.models import Cluster, Resource
from common.database import copy_line, copy_rows
from compliance.services.merging.rollups import MEASURES, rewrite_last_day
from compliance.services.ownership import Ownership, hold_ownership
from organizations.scope import current_organization_id

_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_owner (label text, namespace text, earlier uuid, team_id uuid);
TRUNCATE staged_owner;
"""
_RESOURCES = """
UPDATE clusters_resource r SET team_id = s.team_id FROM staged_owner s
WHERE r.organization_id = %(organization)s AND r.namespace = s.namespace
    AND r.labels ->> 'team' IS NOT DISTINCT FROM s.label AND r.team_id IS DISTINCT FROM s.team_id
"""
_VIOLATIONS = """
UPDATE compliance_violation v SET team_id = r.team_id FROM clusters_resource r
WHERE v.organization_id = %(organization)s AND r.organization_id = %(organization)s AND r.id = v.resource_id
    AND v.team_id IS DISTINCT FROM r.team_id
"""
_CLEAR_COUNTS = """
DELETE FROM compliance_posturecount
WHERE organization_id = %(organization)s AND namespace IN (SELECT namespace FROM staged_owner)
"""
_RECOUNT = """
INSERT INTO compliance_posturecount
    (organization_id, cluster_id, environment, namespace, team_id, policy_id, passed, failed, errored, skipped,
    open_count, fixable_count)
SELECT %(organization)s, r.cluster_id, c.environment, r.namespace, r.team_id, u.policy_id,
    count(*) FILTER (WHERE u.verdict = 1), count(*) FILTER (WHERE u.verdict = 2),
    count(*) FILTER (WHERE u.verdict = 3), count(*) FILTER (WHERE u.verdict = 4), 0, 0
FROM clusters_resource r JOIN clusters_cluster c ON c.id = r.cluster_id
CROSS JOIN LATERAL (
    SELECT unnest(r.passed) AS policy_id, 1 AS verdict UNION ALL SELECT unnest(r.failed), 2
    UNION ALL SELECT unnest(r.errored), 3 UNION ALL SELECT unnest(r.skipped), 4
) u
WHERE r.organization_id = %(organization)s AND r.deleted_at IS NULL
    AND r.namespace IN (SELECT namespace FROM staged_owner)
GROUP BY r.cluster_id, c.environment, r.namespace, r.team_id, u.policy_id
"""
_STAGE_FOLDED = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_day (LIKE compliance_postureday);
TRUNCATE staged_day;
WITH folded AS (
    DELETE FROM compliance_postureday d
    WHERE d.organization_id = %(organization)s AND (
        d.team_id = %(leaving)s OR d.team_id IS NULL AND EXISTS (
            SELECT FROM compliance_postureday o WHERE o.organization_id = %(organization)s
                AND o.team_id = %(leaving)s AND o.cluster_id = d.cluster_id AND o.day = d.day
                AND o.namespace = d.namespace
        )
    )
    RETURNING d.*
)
INSERT INTO staged_day SELECT * FROM folded;
"""
_SUMS = ", ".join(f"sum({name})" for name in MEASURES.split(", "))
_FOLD = f"""
INSERT INTO compliance_postureday
    (organization_id, day, cluster_id, environment, namespace, is_last, is_carried, {MEASURES})
SELECT organization_id, day, cluster_id, environment, namespace, bool_or(is_last), bool_and(is_carried), {_SUMS}
FROM staged_day GROUP BY organization_id, day, cluster_id, environment, namespace
"""


def reassign_teams(*, leaving: UUID | None = None) -> int:
    """Recompute the team of every resource in scope; returns how many kinds of case changed hands.

    Call it in the transaction that changed a team. `leaving` is a team about to be deleted: it owns
    nothing any
    more, and its days become nobody's. Other days keep the owners that they had, except each cluster's last.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        hold_ownership(cursor, exclusively=True)
        changed = _changed_cases(Ownership.load(without=leaving))
        parameters = {"organization": current_organization_id(), "leaving": leaving}
        if changed:
            cursor.execute(_STAGE)
            lines = (copy_line([str(cell) if cell else cell for cell in case]) for case in changed)
            copy_rows("staged_owner", ("label", "namespace", "earlier", "team_id"), lines)
            for statement in (_RESOURCES, _VIOLATIONS, _CLEAR_COUNTS, _RECOUNT):
                cursor.execute(statement, parameters)
            for cluster in _clusters_with({case[1] for case in changed}):
                rewrite_last_day(cursor, cluster)
        if leaving is not None:
            cursor.execute(_STAGE_FOLDED, parameters)
            cursor.execute(_FOLD, parameters)
    return len(changed)


def _clusters_with(namespaces: set[str]) -> Iterable[Cluster]:
    """Clusters that have reported anything in these namespaces."""
    affected = Resource.objects.filter(namespace__in=namespaces, deleted_at=None).values("cluster_id")
    return Cluster.objects.filter(pk__in=affected).exclude(last_scanned_at=None)


def _changed_cases(ownership: Ownership) -> list[tuple[str | None, str, UUID | None, UUID | None]]:
    """(label, namespace, earlier team, team) of those that change hands: few, however many resources
    there are.
    """
    cases = Resource.objects.order_by().values_list("labels__team", "namespace", "team_id").distinct()
    return [
        (label, namespace, earlier, owner)
        for label, namespace, earlier in cases
        if (owner := ownership.owner_of(label=label, namespace=namespace)) != earlier
    ]
