"""Copies of a policy's severity: on violations, on the resources that have them, in each cluster's last day."""

from collections.abc import Sequence

from django.db import connection

from clusters.models import Cluster
from compliance.services.merging.rollups import rewrite_last_day
from organizations.scope import current_organization_id

_VIOLATIONS = """
UPDATE compliance_violation v SET severity = p.severity
FROM compliance_policy p
WHERE v.organization_id = %(organization)s AND p.id = v.policy_id AND p.id = ANY(%(policies)s)
    AND v.severity <> p.severity
"""
_RESOURCES = """
UPDATE clusters_resource r SET worst_severity = worst.severity
FROM (SELECT resource_id, max(severity) AS severity FROM compliance_violation
      WHERE organization_id = %(organization)s AND status = 'open' GROUP BY resource_id) worst
WHERE r.organization_id = %(organization)s AND r.id = worst.resource_id AND r.worst_severity <> worst.severity
"""


def copy_severities(policy_ids: Sequence[int]) -> None:
    """Bring the copies in the organization in scope up to date after these policies changed their severity."""
    parameters = {"organization": current_organization_id(), "policies": list(policy_ids)}
    with connection.cursor() as cursor:
        cursor.execute(_VIOLATIONS, parameters)
        cursor.execute(_RESOURCES, parameters)
        for cluster in Cluster.objects.exclude(last_scanned_at=None):
            rewrite_last_day(cursor, cluster)
