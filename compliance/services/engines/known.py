"""Objects of a cluster that are known and may own those that an engine speaks of."""

from uuid import UUID

import orjson
from django.db import connection

from organizations.scope import current_organization_id
from plumbline.reports.engines import Findings
from plumbline.reports.engines.findings import controller_of, identity_of
from plumbline.reports.identities import Identity
from plumbline.reports.owners import candidates

GENERATED = frozenset({"Pod", "ReplicaSet", "Job"})

_KNOWN = """
SELECT r."group", r.version, r.kind, r.namespace, r.name, r.manifest -> 'metadata' -> 'ownerReferences' AS owners
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS k ("group", kind, namespace, name)
JOIN clusters_resource r ON r.organization_id = %s AND r.cluster_id = %s AND r."group" = k."group"
    AND r.kind = k.kind AND r.namespace = k.namespace AND r.name = k.name
WHERE r.deleted_at IS NULL
"""


def add_known_owners(findings: Findings, *, cluster_id: UUID) -> list[Identity]:
    """Objects of the cluster that the findings may be folded into; what manifests tell of owners goes into `findings`.

    One query, and none when no finding is of an object that a controller makes.
    """
    generated = {finding.subject for finding in findings.results if finding.subject[1] in GENERATED}
    if not generated:
        return []
    asked = {key for subject in generated for key in candidates(subject)}
    asked |= {(version.rpartition("/")[0], *rest) for version, *rest in generated}  # type: ignore[misc]
    columns = [list(column) for column in zip(*sorted(asked), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [*columns, current_organization_id(), cluster_id])
        rows = cursor.fetchall()
    known: list[Identity] = []
    for group, version, kind, namespace, name, _ in rows:
        known.append((f"{group}/{version}" if group else version, kind, namespace, name))
    for identity, (*_, owners) in zip(known, rows, strict=True):
        owner = identity_of(controller_of({"ownerReferences": _json(owners)}), identity[2])
        if owner is not None:
            findings.owners.setdefault(identity, owner)
    return known


def _json(value: object) -> object:
    return orjson.loads(value) if isinstance(value, str) else value
