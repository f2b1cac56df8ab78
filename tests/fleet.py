"""A small fleet for tests of pages and API: two clusters, two teams, three policies, a standard."""

from dataclasses import dataclass, field

from django.test import Client

from clusters.models import Cluster, Resource
from compliance.models import Policy, Severity, Violation
from organizations.models import Team, User
from tests.factories import (
    make_cluster,
    make_count,
    make_policy,
    make_standard,
    make_team,
    make_violation,
    make_workload,
)

# What every page costs before its own queries: session, user, membership, scope, the rail and the bar.
FRAME_QUERIES = 11


def visitor(client: Client, user: User) -> Client:
    """Signed in and past the first page, which is dearer: it notes the organization in the session."""
    client.force_login(user)
    client.get("/o/acme/search")
    return client


@dataclass
class Fleet:
    production: Cluster
    staging: Cluster
    payments: Team
    search: Team
    privileged: Policy
    latest: Policy
    probes: Policy
    workloads: list[Resource] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)


def make_fleet() -> Fleet:
    """Without workloads; `grow` adds them."""
    fleet = Fleet(
        production=make_cluster("production"),
        staging=make_cluster("staging", "staging"),
        payments=make_team("payments"),
        search=make_team("search"),
        privileged=make_policy("privileged-container", Severity.CRITICAL),
        latest=make_policy("image-latest-tag", Severity.MEDIUM, category="images"),
        probes=make_policy("liveness-probe", Severity.LOW, category="reliability"),
    )
    make_standard("pss-baseline", [fleet.privileged])
    return fleet


def grow(fleet: Fleet, number: int) -> None:
    """`number` workloads more, each with a violation of two policies; two thirds lie in production."""
    for index in range(number):
        cluster = fleet.staging if index % 3 == 2 else fleet.production
        team = fleet.search if index % 2 else fleet.payments
        workload = make_workload(cluster, namespace=f"space-{index % 5}", team=team)
        fleet.workloads.append(workload)
        fleet.violations.append(make_violation(workload, fleet.privileged))
        fleet.violations.append(
            make_violation(workload, fleet.latest, rule="tag", place="image", path="spec", fix=None)
        )


def count_verdicts(fleet: Fleet) -> None:
    """Rollups of today that say: privileged fails on 3 of 10 in production and 1 of 5 in staging."""
    make_count(fleet.production, fleet.privileged, passed=7, failed=3)
    make_count(fleet.staging, fleet.privileged, passed=4, failed=1)
    make_count(fleet.production, fleet.latest, passed=8, failed=1, errored=1)
