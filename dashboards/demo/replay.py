"""Replaying the fleet's life: clusters registered, states reported in order, the outcome waited for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from clusters.models import Cluster, Environment, Report, ReportStatus
from clusters.services.clusters import register_cluster
from clusters.services.tokens import issue_agent_token, revoke_agent_token
from examples import replay
from examples.replay import State
from organizations.models import Organization
from organizations.scope import organization_scope

from .posting import Agent, PostingError
from .reports import ReportWriter

ACTOR = "manage.py seed_demo"
PROGRESS_EVERY = 20
GLOBEX_DAYS = timedelta(days=14)
GLOBEX_NAMESPACES = {"ci", "tools"}


@dataclass(frozen=True)
class DemoCluster:
    """`states` takes the replay's last instant and yields the cluster's states in time order."""

    name: str
    environment: Environment
    states: Callable[[datetime], Iterator[State]]


def _acme_cluster(name: str, environment: Environment) -> DemoCluster:
    return DemoCluster(name, environment, lambda end: replay.states(name, end))


def _globex_states(end: datetime) -> Iterator[State]:
    """A small shop of its own: a corner of the sandbox, for two weeks."""
    for state in replay.states("sandbox", end):
        if state.scanned_at > end - GLOBEX_DAYS:
            kept = [r for r in state.resources if r["metadata"].get("namespace") in GLOBEX_NAMESPACES]
            yield replace(state, cluster="warehouse", resources=kept)


ACME_CLUSTERS = (
    _acme_cluster("production", Environment.PRODUCTION),
    _acme_cluster("staging", Environment.STAGING),
    _acme_cluster("sandbox", Environment.SANDBOX),
)
GLOBEX_CLUSTERS = (DemoCluster("warehouse", Environment.DEVELOPMENT, _globex_states),)


def replay_cluster(
    organization: Organization, demo: DemoCluster, *, url: str, end: datetime, say: Callable[[str], None]
) -> int:
    """Report every state that was not reported before; the number of those sent. Raises PostingError.

    Runs in the organization's scope. The token that it sends with is revoked when it is done.
    """
    cluster = Cluster.objects.filter(name=demo.name).first() or register_cluster(
        name=demo.name, environment=demo.environment, actor_label=ACTOR
    )
    token, secret = issue_agent_token(cluster_id=cluster.pk, actor_label=ACTOR)
    try:
        with Agent(url, secret) as agent:
            return _send(cluster, list(demo.states(end)), agent, say)
    finally:
        with organization_scope(organization.pk):
            revoke_agent_token(token_id=token.pk, actor=None)


def _send(cluster: Cluster, states: list[State], agent: Agent, say: Callable[[str], None]) -> int:
    writer = ReportWriter(cluster.pk)
    sent_before = set(Report.objects.filter(cluster=cluster).values_list("report_id", flat=True))
    waiting = [state for state in states if writer.report_id(state) not in sent_before]
    for count, state in enumerate(waiting, 1):
        agent.post(writer.write(state))
        if count % PROGRESS_EVERY == 0 or count == len(waiting):
            say(f"{cluster.name}: {count} of {len(waiting)} reports, up to {state.scanned_at:%-d %B %Y}")
    if waiting:
        agent.settled(str(writer.report_id(waiting[-1])))
    _require_merged(cluster)
    return len(waiting)


def _require_merged(cluster: Cluster) -> None:
    parked = Report.objects.filter(cluster=cluster, status=ReportStatus.PARKED).order_by("scanned_at")
    if first := parked.defer("body").first():
        raise PostingError(
            f"{cluster.name}: {parked.count()} reports could not be merged. The first: {first.error}"
        )
