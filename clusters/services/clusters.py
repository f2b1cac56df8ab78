"""Clusters: registered, renamed and deleted, in the organization in scope."""

import re
from uuid import UUID

from django.db import IntegrityError, transaction

from clusters.models import Cluster, Environment
from common.errors import Conflict, NotFound, PlumblineError
from common.locks import cluster_work, wait_for
from organizations.models import User
from organizations.scope import current_organization_id
from organizations.services.audit import record

PATIENCE_SECONDS = 10.0
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?")
NAME_RULE = (
    "1 to 63 lower-case letters, digits, dots, hyphens and underscores; a letter or digit at both ends."
)


def register_cluster(
    *, name: str, environment: str, actor: User | None = None, actor_label: str = ""
) -> Cluster:
    """A cluster; reports for it need a token, too. Raises PlumblineError, Conflict (cluster_exists)."""
    name, known = name.strip(), known_environment(environment)
    _require_name(name)
    cluster = Cluster(organization_id=current_organization_id(), name=name, environment=known)
    try:
        with transaction.atomic():
            cluster.save(force_insert=True)
            record(
                verb="cluster.registered",
                target=name,
                actor=actor,
                actor_label=actor_label,
                data={"environment": known.value},
            )
    except IntegrityError as error:
        raise _taken(name) from error
    return cluster


def update_cluster(*, cluster_id: UUID, name: str, environment: str, actor: User | None) -> Cluster:
    """Another name or environment; agents' tokens stay valid. Raises NotFound, PlumblineError, Conflict."""
    name, known = name.strip(), known_environment(environment)
    _require_name(name)
    try:
        with transaction.atomic():
            cluster = _locked(cluster_id)
            earlier = {"name": cluster.name, "environment": cluster.environment}
            later = {"name": name, "environment": known.value}
            if earlier != later:
                cluster.name, cluster.environment = name, known
                cluster.save(update_fields=["name", "environment"])
                record(verb="cluster.updated", target=name, actor=actor, data={"from": earlier, "to": later})
    except IntegrityError as error:
        raise _taken(name) from error
    return cluster


def delete_cluster(*, cluster_id: UUID, actor: User | None) -> None:
    """Remove a cluster with its tokens, reports, resources, violations and history. Raises NotFound, and Conflict
    (cluster_busy) while a long report of it is being merged.
    """
    with transaction.atomic():
        cluster = _locked(cluster_id)
        record(
            verb="cluster.deleted",
            target=cluster.name,
            actor=actor,
            data={"environment": cluster.environment, "resources": cluster.resource_count},
        )
        cluster.delete()


def known_environment(environment: str) -> Environment:
    """The environment of this name. Raises PlumblineError."""
    try:
        return Environment(environment)
    except ValueError as error:
        choices = ", ".join(Environment.values)
        raise PlumblineError(
            f"There is no environment “{environment}”; they are {choices}.",
            fields={"environment": f"One of {choices}."},
        ) from error


def _require_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise PlumblineError(f"A cluster's name is {NAME_RULE}", fields={"name": NAME_RULE})


def _taken(name: str) -> Conflict:
    return Conflict(f"There is a cluster “{name}” already.", code="cluster_exists", fields={"name": "Taken."})


def _locked(cluster_id: UUID) -> Cluster:
    """The cluster, out of reach of merges: what is counted of it moves or goes with it, and a merge counts too."""
    if not wait_for(cluster_work(cluster_id), seconds=PATIENCE_SECONDS):
        raise Conflict("A report of this cluster is being merged. Try again in a minute.", code="cluster_busy")
    cluster = Cluster.objects.select_for_update().filter(pk=cluster_id).first()
    if cluster is None:
        raise NotFound("There is no such cluster.")
    return cluster
